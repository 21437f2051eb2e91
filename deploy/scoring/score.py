"""An example of an application's own flow, started by each official race result and by each later revision.

It reads the winner from the flows' database; an application would score its players' predictions here.
"""

from __future__ import annotations

from prefect import flow
from prefect.logging import get_run_logger
from sqlalchemy import select

from core.database import connect
from core.schema import results
from core.settings import Settings


@flow(name="score", flow_run_name="score-{session_id}")
def score(session_id: str) -> str | None:
    """The winner of a session: a driver's id, None if nobody is classified.

    Args:
        session_id: such as 2024-belgian-grand-prix/race.
    """
    first = select(results.c.driver_id).where(results.c.session_id == session_id, results.c.position == 1)
    with connect(Settings.load()).reading() as connection:
        winner = connection.scalar(first.order_by(results.c.ordinal))
    get_run_logger().info("%s: %s wins", session_id, winner)
    return winner
