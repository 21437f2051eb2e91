"""The steps that flows share: each a line over `core`, with its retries, cache and name.

FastF1 takes a second to import, so that only the steps that ask upstream do so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy
from prefect.context import TaskRunContext
from prefect.transactions import get_transaction

from core.deadline import Deadline
from core.errors import SourceEmpty
from core.queries import read_calendar, read_due_polls, read_event_polls
from core.records import (
    Change,
    Event,
    ListedEvent,
    ScheduleAnswer,
    SessionKind,
    SessionResult,
    Source,
    Standing,
    Unpublished,
)
from core.retries import FETCH, UPSERT, RetryPolicy, is_transient
from core.rules.calendar.season import Calendar, begun, sources_of
from core.rules.results import polling
from core.rules.results.championship import competitors
from core.rules.results.due_polls import DuePoll, ResultQuery
from core.rules.results.outcome import Polled
from core.rules.results.standings import Competitor
from core.upsert.polls import note_poll
from core.upsert.results import accept_result
from core.upsert.schedule import SeasonSummary, upsert_schedule
from core.upsert.standings import Named, accept_standings, put_standings_off, standings_due
from core.upsert.statuses import refresh_statuses
from flows.runtime.run import Run

if TYPE_CHECKING:
    from core.transform.answers import Answer

TIMING_SECONDS = 60.0
SCHEDULE_CACHE_VERSION = 2
"""Raise this when `ScheduleAnswer` changes, so that no run reads an older form from Prefect's cache."""

PAST_SEASON_KEPT = timedelta(days=1)
CURRENT_SEASON_KEPT = timedelta(minutes=10)


def _may_retry(_task: Task[Any, Any], _run: Any, state: Any) -> bool:
    """Prefect's query whether to try again: yes for transient faults only."""
    try:
        state.result()
    except Exception as error:
        return is_transient(error)
    return False


def step(policy: RetryPolicy, run_name: str) -> Callable[[Callable[..., Any]], Task[..., Any]]:
    """A Prefect task with a retry policy and, unless a flow says otherwise, no cache."""
    return task(
        task_run_name=run_name,
        retries=policy.retries,
        retry_delay_seconds=policy.delays,
        retry_jitter_factor=policy.jitter,
        retry_condition_fn=_may_retry,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


@step(FETCH, "fetch-schedule-{season}-{source.value}")
def fetch_schedule(run: Run, season: int, source: Source) -> ScheduleAnswer | Unpublished:
    """What a source says of a season now.

    Raises:
        SourceError: it has no usable answer.
    """
    from core.fetch import schedule
    from core.fetch import session as upstream
    from core.transform.schedule import answer_from_frame, answer_from_races

    upstream.prepare(run.settings)
    try:
        if source is Source.JOLPICA:
            return answer_from_races(schedule.fetch_races(season, run.deadline, run.permit), season)
        answer = answer_from_frame(schedule.fetch_frame(season, source, run.deadline), season, source)
        if (answer := begun(answer, run.now)).events:
            return answer
        raise SourceEmpty(source.value, "nothing of this season yet")
    except SourceEmpty as error:
        if (transaction := get_transaction()) is not None:
            transaction.write_on_commit = False  # only answers are cached
        return Unpublished(source=source, why=error.what)


def cached_schedule(run: Run, season: int, source: Source) -> dict[str, Any]:
    """Task options under which a schedule may come from Prefect's cache: the first source's, and no given `now`."""
    if source is not sources_of(season, run.now)[0] or run.now_given:
        return {}
    kept = PAST_SEASON_KEPT if season < run.now.year else CURRENT_SEASON_KEPT
    upstream = re.sub(r"\W+", "-", run.settings.f1_upstream_url or "real")

    def key(_context: TaskRunContext, _parameters: dict[str, Any]) -> str:
        return f"f1-flows-schedule-{season}-{source.value}-v{SCHEDULE_CACHE_VERSION}-{upstream}"

    return {
        "cache_policy": CacheKeyFnPolicy(cache_key_fn=key),
        "cache_expiration": kept,
        "persist_result": True,
        "result_serializer": "json",
    }


@step(UPSERT, "read-calendar-{season}")
def known_calendar(run: Run, season: int) -> Calendar:
    """What the database knows of a season."""
    with run.database.reading() as connection:
        return read_calendar(connection, season)


@step(UPSERT, "upsert-schedule-{answer.season}")
def store_schedule(
    run: Run,
    answer: ScheduleAnswer,
    races: tuple[ListedEvent, ...],
    *,
    rejected: Mapping[Source, str] | None = None,
    force: bool,
) -> SeasonSummary:
    """Bring the database to a source's answer, as far as that is believed; `rejected`: what better ones gave."""
    return upsert_schedule(
        run.database, answer, races, run.now, rejected=rejected, force=force, flow_run_id=run.flow_run_id
    )


@step(UPSERT, "refresh-statuses")
def move_statuses(run: Run) -> tuple[Change, ...]:
    """Bring every status to what it is now."""
    return refresh_statuses(run.database, run.now, flow_run_id=run.flow_run_id)


@step(UPSERT, "read-due_polls")
def read_due(run: Run, event_id: str | None, kind: SessionKind | None) -> list[DuePoll]:
    """The sessions to ask about: those that are due, or those of one event."""
    if event_id is None:
        return read_due_polls(run.database, run.now, run.cadence.delay)
    return read_event_polls(run.database, event_id, kind)


@step(FETCH, "ask-jolpica-{query.season}-{query.kind.value}")
def ask_jolpica(run: Run, query: ResultQuery) -> list[Answer]:
    """What is published of the sessions of a query; a session without results is not in the answer.

    Raises:
        SourceError: Jolpica has no usable answer, or the budget allows no request.
    """
    from core.fetch import results
    from core.fetch import session as upstream
    from core.transform.answers import read_answers

    upstream.prepare(run.settings)
    races = results.fetch_races_with_results(query.season, query.kind, query.round, Deadline(), run.permit)
    return read_answers(query, races, results.ROWS[query.kind])


@step(FETCH, "ask-livetiming-{due_poll.session.id}")
def ask_livetiming(run: Run, due_poll: DuePoll) -> SessionResult | None:
    """A session's classification by live timing; None where it has nothing yet.

    Raises:
        SourceError: any fault, typed.
    """
    from core.fetch import results
    from core.fetch import session as upstream
    from core.rules.calendar.times import SessionTime
    from core.transform.results import result_of_timing

    session, event = due_poll.session, due_poll.event
    time = SessionTime(session.local_date, session.starts_at, session.utc_offset_minutes)
    if session.starts_at is None or time.wall_time is None:
        return None  # it is filed there by its time
    upstream.prepare(run.settings)
    timed = results.TimedSession(
        season=event.season,
        round=event.round,
        event_name=event.name,
        last_date=event.last_date,
        name=session.name,
        wall_time=time.wall_time,
        starts_at=session.starts_at,
    )
    try:
        filed = polling.is_filed(session, run.upstream_now)
        timing = results.fetch_timing(timed, Deadline(TIMING_SECONDS), settled=filed)
    except SourceEmpty:
        return None
    return result_of_timing(event.season, event.round, session.kind, timing.results, timing.laps)


@step(UPSERT, "accept-{session_id}")
def store_result(run: Run, session_id: str, result: SessionResult, *, force: bool) -> Polled:
    """Make a result the session's next revision, as far as it is believed."""
    return accept_result(
        run.database, session_id, result, run.now, run.cadence, flow_run_id=run.flow_run_id, force=force
    )


@step(UPSERT, "note-poll-{session_id}")
def store_poll(
    run: Run, session_id: str, error: str | None, not_before: datetime | None, document: str | None = None
) -> str:
    """Enter a poll that brought no result; returns what a person should know of it."""
    return note_poll(
        run.database,
        session_id,
        run.now,
        run.cadence,
        error=error,
        document=document,
        not_before=not_before,
        flow_run_id=run.flow_run_id,
    )


@step(UPSERT, "read-standings-owed")
def read_standings_owed(run: Run) -> list[Event]:
    """The events after which Jolpica's standings are due to be asked for."""
    return standings_due(run.database, run.now)


@step(UPSERT, "put-standings-off-{event.id}")
def store_standings_later(run: Run, event: Event, error: str, *, is_refused: bool) -> None:
    """Poll an event's standings later; `is_refused`: what was published cannot be read."""
    put_standings_off(run.database, event, run.now, error, is_refused=is_refused)


@step(FETCH, "ask-standings-{event.id}")
def compare_standings(run: Run, event: Event) -> list[str]:
    """Let Jolpica's standings after an event win over ours; the differences, a line a competitor.

    Raises:
        SourceError: Jolpica has no usable answer, or the budget allows no request.
    """
    from core.fetch import results
    from core.fetch import session as upstream
    from core.transform.results import competitors_of, standings_of

    upstream.prepare(run.settings)
    published: dict[Competitor, list[Standing]] = {}
    named: dict[Competitor, Named] = {}
    for competitor in competitors(event.season):
        rows = results.fetch_standings(event.season, event.round or 0, competitor, Deadline(), run.permit)
        published[competitor], named[competitor] = standings_of(rows), competitors_of(rows)
    return accept_standings(run.database, event.id, published, run.now, named=named, flow_run_id=run.flow_run_id)
