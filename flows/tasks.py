"""The steps that flows share: each a line over `core`, with its retries, cache and name.

FastF1 takes a second to import, so that only the steps that ask upstream do so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy
from prefect.context import TaskRunContext

from core import lifecycle
from core.errors import SourceEmpty
from core.lifecycle import Calendar
from core.records import ListedEvent, ScheduleAnswer, Source
from core.retries import FETCH, UPSERT, RetryPolicy, is_transient
from core.upsert.schedule import SeasonSummary, read_calendar, upsert_schedule
from flows.run import Run

SCHEDULE_CACHE_VERSION = 1
"""Raise this when `ScheduleAnswer` changes, so that no run reads an older form from Prefect's cache."""

PAST_SEASON_KEPT = timedelta(days=1)
CURRENT_SEASON_KEPT = timedelta(minutes=10)


def _may_retry(_task: Task[Any, Any], _run: Any, state: Any) -> bool:
    """Prefect's question whether to try again: yes for transient faults only."""
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
def fetch_schedule(run: Run, season: int, source: Source) -> ScheduleAnswer:
    """What a source says of a season now.

    Raises:
        SourceError: it has no usable answer; `SourceEmpty` where the season is not published.
    """
    from core.fetch import schedule, upstream
    from core.transform.schedule import answer_from_frame, answer_from_races

    upstream.prepare(run.settings)
    if source is Source.JOLPICA:
        return answer_from_races(schedule.fetch_races(season, run.deadline, run.ledger.permit), season)
    answer = answer_from_frame(schedule.fetch_frame(season, source, run.deadline), season, source)
    answer = lifecycle.begun(answer, run.now)
    if not answer.events:
        raise SourceEmpty(source.value, "nothing of this season yet")
    return answer


def cached_schedule(run: Run, season: int, source: Source) -> dict[str, Any]:
    """Task options under which a schedule may come from Prefect's cache: the first source's, and no given `now`."""
    if source is not lifecycle.sources_of(season, run.now)[0] or run.now_given:
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
def store_schedule(run: Run, answer: ScheduleAnswer, races: tuple[ListedEvent, ...], *, force: bool) -> SeasonSummary:
    """Bring the database to a source's answer, as far as that is believed."""
    return upsert_schedule(run.database, answer, races, run.now, force=force, flow_run_id=run.flow_run_id)
