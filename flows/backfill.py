"""Bring the history of the championship into the database: whole seasons, newest first, resumable.

    python -m flows.backfill [FIRST] [LAST] [--laps] [--now MOMENT]

Without seasons: all from 1950 to the current one. A season with a complete history makes no request. With --laps the
laps (1996 on) and pit stops (2011 on) of the races follow.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from prefect import flow
from prefect.runtime import flow_run

from core.bounds import FIRST_SEASON
from core.documents import Listing
from core.errors import NotDone, OutOfTime, SourceEmpty, SourceError, SourceTimedOut, SourceUnreachable, UsageError
from core.logs import PRINTED
from core.rules.history import Backfilled
from core.rules.timing.listed import OF_RACE, BackfilledRace, RaceDue
from core.text import counted
from core.upsert.ledger import RESERVE
from flows.history import backfill_season
from flows.laps import backfill_race
from flows.output.backfill import (
    RACES,
    SEASONS,
    BackfillProgress,
    Things,
    backfill_lines,
    print_backfilled,
    races_due_line,
)
from flows.runtime import command
from flows.runtime.allowance import Allowance
from flows.runtime.run import Run
from flows.tasks.backfill import read_races_due, read_whole_seasons
from flows.webhooks import deliver_at_the_end

T = TypeVar("T")
B = TypeVar("B", Backfilled, BackfilledRace)

logger = logging.getLogger("flows.backfill")

DOWN = (SourceUnreachable, SourceTimedOut, OutOfTime)
"""The errors raised when upstream does not answer."""

FAILURES_IN_A_ROW = 3
"""After this many seasons or races in a row without an answer, the rest is left to the next run."""


def _run_name() -> str:
    first, last = flow_run.parameters.get("first"), flow_run.parameters.get("last")
    laps = ["laps"] if flow_run.parameters.get("laps") else []
    return "-".join(["backfill-history", *(str(season) for season in (first, last) if season), *laps])


@flow(name="backfill-history", flow_run_name=_run_name)
def backfill_history(
    first: int | None = None, last: int | None = None, now: datetime | None = None, laps: bool = False
) -> list[Backfilled | BackfilledRace]:
    """Bring the calendars, results and standings of whole seasons into the database, newest first.

    Args:
        first: the first season, 1950 by default.
        last: the last season, by default the current one.
        now: the moment to run at, instead of the clock's.
        laps: also bring the laps (1996 on) and pit stops (2011 on) of their races, if no better source has them.
    """
    run = Run.begin(now, reserve=RESERVE)
    seasons = seasons_between(first, last, run.now.year)
    backfilled: list[Backfilled | BackfilledRace] = [*backfill_seasons(run, seasons)]
    if laps:
        backfilled += backfill_races(run, seasons)
    for line in backfill_lines(backfilled):
        logger.info("%s", line, extra={**run.account, PRINTED: True})
    if backfilled:
        deliver_at_the_end(run)
    require_done(backfilled)
    return backfilled


def backfill_seasons(run: Run, seasons: range) -> list[Backfilled]:
    """Bring the history of the seasons whose history is incomplete."""
    whole = read_whole_seasons(run)
    todo = [season for season in reversed(seasons) if season not in whole]

    def failed(season: int, error: SourceError) -> Backfilled | None:
        if isinstance(error, SourceEmpty) and season >= run.now.year:
            logger.info("%s is not published yet: nothing to do", season)
            return None
        return Backfilled(season=season, failure=str(error))

    return in_turn(run, SEASONS, {str(season): season for season in todo}, backfill_season, failed)


def backfill_races(run: Run, seasons: range) -> list[BackfilledRace]:
    """Bring the laps and pit stops of the seasons' races that lack them."""
    due = read_races_due(run, seasons[0], seasons[-1])
    logger.info("%s", races_due_line(due, run.ledger.share))

    def failed(race: RaceDue, error: SourceError) -> BackfilledRace:
        return BackfilledRace(session_id=race.session_id, failure=str(error))

    return in_turn(run, RACES, {race.session_id: race for race in due}, backfill_race, failed)


def in_turn(
    run: Run,
    things: Things,
    todo: Mapping[str, T],
    bring: Callable[[T, Allowance], B],
    failed: Callable[[T, SourceError], B | None],
) -> list[B]:
    """Bring each in turn; go on after a failure, unless upstream leaves several in a row unanswered.

    Args:
        todo: what to bring, by its name for people.
        failed: makes the outcome of one with an error; None if the error is not a failure.
    """
    backfilled: list[B] = []
    unanswered = 0
    with BackfillProgress(things, list(todo), run.ledger) as progress:
        allowance = Allowance(run, progress.waits, progress.fetched)
        for one in todo.values():
            done: B | None
            try:
                done = bring(one, allowance)
                unanswered = 0
            except SourceError as error:
                if (done := failed(one, error)) is None:
                    continue
                unanswered = unanswered + 1 if isinstance(error, DOWN) else 0
            backfilled.append(done)
            progress.done(done)
            if unanswered == FAILURES_IN_A_ROW:
                break
    return backfilled


def seasons_between(first: int | None, last: int | None, current: int) -> range:
    """The seasons from the first to the last.

    Raises:
        UsageError: there are none, or one is before 1950 or after the current one.
    """
    first, last = FIRST_SEASON if first is None else first, current if last is None else last
    if not FIRST_SEASON <= first <= last <= current:
        raise UsageError(f"seasons {first} to {last}: must be from {FIRST_SEASON} to {current}, the first one first")
    return range(first, last + 1)


def require_done(backfilled: Sequence[Backfilled | BackfilledRace]) -> None:
    """Fail the run if a season or a race failed; all others are committed already.

    Raises:
        NotDone: one or more failed.
    """
    if failed := [one for one in backfilled if one.failure]:
        races = sum(isinstance(one, BackfilledRace) for one in failed)
        counts = [counted(count, noun) for count, noun in ((len(failed) - races, "season"), (races, "race")) if count]
        reasons = "; ".join(f"{one.name}: {one.failure}" for one in failed[:3])
        more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
        raise NotDone(f"{' and '.join(counts)} failed: {reasons}{more}", list(backfilled))


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.backfill", "Bring whole seasons into the database, newest first.")
    parser.add_argument(
        "first", nargs="?", type=command.season, metavar="FIRST", help=f"first season; default: {FIRST_SEASON}"
    )
    parser.add_argument("last", nargs="?", type=command.season, metavar="LAST", help="last season; default: current")
    laps, stops = OF_RACE[Listing.LAPS].first_season, OF_RACE[Listing.PIT_STOPS].first_season
    parser.add_argument(
        "--laps",
        action="store_true",
        help=f"laps since {laps} and pit stops since {stops} too: about two days for all",
    )
    return command.run(backfill_history, vars(parser.parse_args(arguments)), print_backfilled)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
