"""The championships' adjustments in the database; the next poll applies rows that a person adds."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from core.queries import records_of, stored
from core.rules.results.standings import Adjustment
from core.schema import championship_adjustments, driver_standings, events

OF_SEASON = records_of(championship_adjustments, Adjustment).where(
    championship_adjustments.c.season == bindparam("season")
)
LATEST = (
    select(events.c.season, events.c.id)
    .where(
        events.c.season.in_(
            select(championship_adjustments.c.season).where(championship_adjustments.c.is_applied.is_(False))
        ),
        events.c.id.in_(select(driver_standings.c.event_id)),
    )
    .order_by(events.c.first_date)
)
APPLIED = (
    update(championship_adjustments)
    .where(championship_adjustments.c.season == bindparam("of"), championship_adjustments.c.is_applied.is_(False))
    .values(is_applied=True)
)


def read_adjustments(connection: Connection, season: int) -> list[Adjustment]:
    """A season's adjustments."""
    rows = connection.execute(OF_SEASON, {"season": season}).mappings().all()
    return [stored(Adjustment, row) for row in rows]


def unapplied(connection: Connection) -> dict[int, str]:
    """The seasons whose standings lack an adjustment, and the latest event with standings."""
    return {row.season: row.id for row in connection.execute(LATEST).all()}


def mark_applied(connection: Connection, season: int) -> bool:
    """Mark a season's adjustments as applied; returns whether any was new."""
    return connection.execute(APPLIED, {"of": season}).rowcount > 0
