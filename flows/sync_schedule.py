"""Keep a season's calendar up to date: fetch it from the best source that answers, reconcile, upsert.

    python -m flows.sync_schedule [SEASON] [--force] [--now MOMENT]

Without a season: the current one, and the next once it is published.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from datetime import datetime

from prefect import flow
from prefect.runtime import flow_run

from core.bounds import FIRST_SEASON
from core.errors import UpstreamDown, UsageError
from core.kinds import SessionKind
from core.logs import PRINTED
from core.rules.calendar.season import circuits_need
from core.upsert.schedule import SeasonSummary
from flows.output import artifacts, events, report
from flows.runtime import clock, command
from flows.runtime.run import Run
from flows.schedules import best_answer, circuit_races, qualifying_tables
from flows.tasks.schedule import read_calendar, upsert_schedule
from flows.webhooks import deliver_at_the_end

logger = logging.getLogger("flows.sync_schedule")


def _run_name() -> str:
    return f"sync-schedule-{flow_run.parameters.get('season') or 'current'}"


@flow(name="sync-schedule", flow_run_name=_run_name)
def sync_schedule(season: int | None = None, force: bool = False, now: datetime | None = None) -> list[SeasonSummary]:
    """Bring a season's calendar up to date; without a season the current one, and the next once published.

    Args:
        season: a championship year since 1950.
        force: apply at once what would be held.
        now: the moment to run at, instead of the clock's.
    """
    if season is not None:
        check_season(season, now)
    run = Run.begin(now)
    seasons = (season,) if season is not None else (run.now.year, run.now.year + 1)
    artifacts.tag_run(seasons)
    synced = [sync(run, year, force, expected=season is not None or year == run.now.year) for year in seasons]
    done = [summary for summary in synced if summary]
    if any(summary.changes for summary in done):
        deliver_at_the_end(run)
    return done


def check_season(season: int, now: datetime | None) -> None:
    """Check that a season can have a calendar.

    Raises:
        UsageError: it is before 1950 or after the next year.
    """
    last = clock.reconciled(now).year + 1
    if not FIRST_SEASON <= season <= last:
        raise UsageError(f"season {season}: must be from {FIRST_SEASON} to {last}")


def sync(run: Run, season: int, force: bool, *, expected: bool) -> SeasonSummary | None:
    """Bring one season up to date; None if it is not published yet.

    Raises:
        UpstreamDown: no source had an answer, though one is `expected`.
    """
    known = read_calendar(run, season)
    try:
        found = best_answer(run, season, known_before=bool(known.events))
    except UpstreamDown as error:
        if expected:
            raise
        logger.warning("%s", error)
        return None
    if found is None:
        logger.info("%s is not published yet: nothing to do", season, extra=run.account)
        return None
    races = circuit_races(run, season, circuits_need(known, found.schedule))
    results = {SessionKind.QUALIFYING: qualifying_tables(run, known, found.schedule)}
    summary = upsert_schedule(run, replace(found, races=races, results=results), force=force)
    logger.info("%s", report.season_line(summary), extra={**run.account, PRINTED: True})
    for note in summary.notes:
        logger.warning("%s", note)
    if run.flow_run_id is not None:
        announce(run, summary)
    return summary


def announce(run: Run, summary: SeasonSummary) -> None:
    """Emit a Prefect event for changes, and show the sync and the season in the UI."""
    if summary.changes:
        events.schedule_changed(summary)
    if summary.changes or summary.notes:
        artifacts.show_season(run.database, summary.season)
        artifacts.show_next_session(run.database, run.now)
    artifacts.show_sync(run.database, summary, run.now)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.sync_schedule", "Keep a season's calendar true.")
    parser.add_argument("season", nargs="?", type=command.season, help="such as 2024; default: current and next")
    parser.add_argument("--year", type=command.season, metavar="SEASON", help="the same, as an option")
    parser.add_argument("--force", action="store_true", help="apply at once what would be held")
    parameters = vars(parser.parse_args(arguments))
    year = parameters.pop("year")
    if year is not None and parameters["season"] not in (None, year):
        parser.error(f"season {parameters['season']} and --year {year}: give one or the other")
    parameters["season"] = parameters["season"] or year
    return command.run(sync_schedule, parameters, report.print_seasons)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
