"""Bring the history of the championship into the database: whole seasons, newest first, resumable.

    python -m flows.backfill [FIRST] [LAST] [--now MOMENT]

Without seasons: all from 1950 to the current one. A season whose history is whole makes no request.
"""

from __future__ import annotations

import logging
import sys
from datetime import datetime

from prefect import flow
from prefect.runtime import flow_run

from core.bounds import FIRST_SEASON
from core.errors import NotDone, OutOfTime, SourceEmpty, SourceError, SourceTimedOut, SourceUnreachable, UsageError
from core.logs import PRINTED
from core.rules.history import Backfilled
from core.text import counted
from core.upsert.ledger import RESERVE
from flows.history import backfill_season
from flows.output import report
from flows.output.backfill import BackfillProgress
from flows.runtime import command
from flows.runtime.allowance import Allowance
from flows.runtime.run import Run
from flows.tasks import read_whole_seasons
from flows.webhooks import deliver_at_the_end

logger = logging.getLogger("flows.backfill")

DOWN = (SourceUnreachable, SourceTimedOut, OutOfTime)
"""The errors of an upstream that does not answer."""

FAILURES_IN_A_ROW = 3
"""After so many seasons in a row for which upstream did not answer, the others are left to the next run."""


def _run_name() -> str:
    first, last = flow_run.parameters.get("first"), flow_run.parameters.get("last")
    return "-".join(["backfill-history", *(str(season) for season in (first, last) if season)])


@flow(name="backfill-history", flow_run_name=_run_name)
def backfill_history(
    first: int | None = None, last: int | None = None, now: datetime | None = None
) -> list[Backfilled]:
    """Bring the calendars, results and standings of whole seasons into the database, newest first.

    Args:
        first: the first season; without it, 1950.
        last: the last season; without it, the current one.
        now: the moment to reconcile with, instead of the clock's.
    """
    run = Run.begin(now, reserve=RESERVE)
    seasons = seasons_between(first, last, run.now.year)
    whole = read_whole_seasons(run)
    todo = [season for season in reversed(seasons) if season not in whole]
    backfilled: list[Backfilled] = []
    with BackfillProgress(todo, run.ledger) as progress:
        allowance = Allowance(run, progress)
        silent = 0
        for season in todo:
            try:
                done = backfill_season(run, season, allowance, progress.fetched)
                silent = 0
            except SourceError as error:
                if isinstance(error, SourceEmpty) and season >= run.now.year:
                    logger.info("%s is not published yet: nothing to do", season)
                    continue
                done = Backfilled(season=season, failure=str(error))
                silent = silent + 1 if isinstance(error, DOWN) else 0
            backfilled.append(done)
            progress.done(done)
            if silent == FAILURES_IN_A_ROW:
                break
    logger.info("%s", report.backfill_line(backfilled), extra={**run.account, PRINTED: True})
    if backfilled:
        deliver_at_the_end(run)
    require_done(backfilled)
    return backfilled


def seasons_between(first: int | None, last: int | None, current: int) -> range:
    """The seasons from the first to the last.

    Raises:
        UsageError: there are none, or one of them was never driven or is not published yet.
    """
    first, last = FIRST_SEASON if first is None else first, current if last is None else last
    if not FIRST_SEASON <= first <= last <= current:
        raise UsageError(f"seasons {first} to {last}: must be from {FIRST_SEASON} to {current}, the first one first")
    return range(first, last + 1)


def require_done(backfilled: list[Backfilled]) -> None:
    """End in failure where a season failed, after all others are committed.

    Raises:
        NotDone: one or more failed.
    """
    if failed := [one for one in backfilled if one.failure]:
        reasons = "; ".join(f"{one.season}: {one.failure}" for one in failed[:3])
        more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
        raise NotDone(f"{counted(len(failed), 'season')} failed: {reasons}{more}", backfilled)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.backfill", "Bring whole seasons into the database, newest first.")
    parser.add_argument("first", nargs="?", type=command.season, metavar="FIRST", help="first season; default: 1950")
    parser.add_argument("last", nargs="?", type=command.season, metavar="LAST", help="last season; default: current")
    return command.run(backfill_history, vars(parser.parse_args(arguments)), report.print_backfilled)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
