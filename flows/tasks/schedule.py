"""The steps for a season's calendar."""

from __future__ import annotations

import re
from datetime import timedelta

from core import fetch, queries
from core.documents import Document
from core.errors import SourceEmpty
from core.kinds import SessionKind, Source
from core.records import ListedResult, ScheduleAnswer, Unpublished
from core.retries import DATABASE, DATABASE_READ, NETWORK, PURE
from core.rules.calendar.plausibility import require_plausible
from core.rules.calendar.season import Calendar, begun, sources_of
from core.rules.history import SeasonAnswer
from core.transform.results import listed_results
from core.transform.schedule import schedule_answer
from core.upsert import schedule
from core.upsert.schedule import SeasonSummary
from flows.runtime.run import Run
from flows.runtime.step import Cached, step

SCHEDULE_CACHE_VERSION = 3
"""Raise this when a schedule's documents change, so that no run reads an older form from Prefect's cache."""

PAST_SEASON_KEPT = timedelta(days=1)
CURRENT_SEASON_KEPT = timedelta(minutes=10)


def cached_schedule(run: Run, season: int, source: Source) -> Cached | None:
    """How long Prefect may cache a schedule: only the first source's, and not for a given `now`."""
    if source is not sources_of(season, run.now)[0] or run.now_given:
        return None
    upstream = re.sub(r"\W+", "-", run.settings.f1_upstream_url or "real")
    return Cached(
        key=f"f1-flows-schedule-{season}-{source.value}-v{SCHEDULE_CACHE_VERSION}-{upstream}",
        expires=PAST_SEASON_KEPT if season < run.now.year else CURRENT_SEASON_KEPT,
    )


@step(NETWORK, "fetch-schedule-{season}-{source.value}", cached=cached_schedule)
def fetch_schedule(run: Run, season: int, source: Source) -> list[Document] | Unpublished:
    """A season's documents from a source."""
    try:
        return fetch.schedule.fetch_schedule(season, source, run.access(run.deadline))
    except SourceEmpty as error:
        return Unpublished(source=source, why=error.what)


@step(PURE, "transform-schedule-{season}-{source.value}")
def transform_schedule(run: Run, documents: list[Document], season: int, source: Source) -> ScheduleAnswer:
    """A source's documents as its answer, without events that it cannot have yet."""
    return begun(require_plausible(schedule_answer(documents, season, source)), run.now)


@step(PURE, "transform-qualifying-{season}")
def transform_qualifying(run: Run, documents: list[Document], season: int) -> tuple[ListedResult, ...]:
    """A season's qualifying tables, for the sessions that its schedule lacks."""
    return tuple(listed_results(documents, season, SessionKind.QUALIFYING))


@step(DATABASE_READ, "read-calendar-{season}")
def read_calendar(run: Run, season: int) -> Calendar:
    """A season's calendar in the database."""
    with run.database.reading() as connection:
        return queries.read_calendar(connection, season)


@step(DATABASE, "upsert-schedule-{answer.season}")
def upsert_schedule(run: Run, answer: SeasonAnswer, *, force: bool) -> SeasonSummary:
    """Apply a season's schedule to the database."""
    return schedule.upsert_schedule(
        run.database,
        answer.schedule,
        answer.races,
        run.now,
        qualifying=answer.qualifying,
        rejected=answer.rejected,
        force=force,
        flow_run_id=run.flow_run_id,
    )
