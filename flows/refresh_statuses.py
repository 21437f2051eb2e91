"""Advance the statuses of sessions and events with the clock: scheduled, live, completed.

    python -m flows.refresh_statuses [--now MOMENT]

Makes no requests.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import datetime

from prefect import flow

from core.logs import PRINTED
from core.rules.calendar.identity import season_of
from core.rules.changes import FeedChange
from flows.output import artifacts, events, report
from flows.output.changes import change_text
from flows.runtime import command
from flows.runtime.run import Run
from flows.tasks.statuses import upsert_statuses
from flows.webhooks import deliver_at_the_end

logger = logging.getLogger("flows.refresh_statuses")


@flow(name="refresh-statuses", flow_run_name="refresh-statuses")
def refresh_statuses(now: datetime | None = None) -> Sequence[FeedChange]:
    """Advance every status to what it is now, over any gap.

    Args:
        now: the moment to run at, instead of the clock's.
    """
    run = Run.begin(now)
    changes = upsert_statuses(run)
    for change in changes:
        fields = {change.entity.value: change.entity_id, PRINTED: True}
        logger.info("%s", change_text(change).plain, extra=fields)
    logger.info("%s", report.statuses_line(changes), extra={**run.account, PRINTED: True})
    if run.flow_run_id is not None and changes:
        announce(run, changes)
    if changes:
        deliver_at_the_end(run)
    return changes


def announce(run: Run, changes: Sequence[FeedChange]) -> None:
    """Emit a Prefect event for each ended session for which Jolpica will have results; show the seasons in the UI."""
    events.sessions_completed(changes)
    seasons = sorted({season_of(change.entity_id) for change in changes})
    artifacts.tag_run(seasons)
    for season in seasons:
        artifacts.show_season(run.database, season)
    artifacts.show_next_session(run.database, run.now)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.refresh_statuses", "Move statuses on with the clock.")
    return command.run(refresh_statuses, vars(parser.parse_args(arguments)), report.print_statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
