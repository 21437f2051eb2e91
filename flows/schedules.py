"""A season's schedule from the best source, with circuits and qualifying sessions from Jolpica."""

from __future__ import annotations

import logging
from datetime import timedelta

from prefect.transactions import transaction

from core.deadline import Deadline
from core.documents import races_path
from core.errors import F1FlowsError, ScheduleRejected, SourceEmpty, SourceError, UpstreamDown
from core.kinds import SessionKind, Source
from core.records import ListedEvent, ListedResult, ScheduleAnswer, Unpublished
from core.rules.calendar.qualifying import needs_tables
from core.rules.calendar.season import Calendar, CircuitsNeed, sources_of
from core.rules.history import SeasonAnswer
from core.rules.results.due_polls import ResultQuery
from flows.runtime.run import Run
from flows.tasks.results import fetch_results
from flows.tasks.schedule import fetch_schedule, transform_qualifying, transform_schedule

logger = logging.getLogger(__name__)

CIRCUITS_REPEATED = timedelta(days=1)
"""When circuits missing in Jolpica's last answer are requested again."""


def best_answer(run: Run, season: int, *, known_before: bool) -> SeasonAnswer | None:
    """The schedule of the best source that has one; None if no source has published a season that is unknown here.

    Raises:
        UpstreamDown: no source had a usable answer.
    """
    failures: list[SourceError] = []
    rejected: dict[Source, str] = {}
    for source in sources_of(season, run.now):
        try:
            return SeasonAnswer(answer_of(run, season, source), (), {}, rejected)
        except SourceError as error:
            failures.append(error)
            if isinstance(error, ScheduleRejected):
                rejected[source] = error.what
            level = logging.INFO if isinstance(error, SourceEmpty) else logging.WARNING
            logger.log(level, "%s schedule: %s", season, error)
    if not known_before and all(isinstance(failure, SourceEmpty) for failure in failures):
        return None
    raise UpstreamDown(f"no source has the {season} schedule: {'; '.join(map(str, failures))}; nothing was changed")


def answer_of(run: Run, season: int, source: Source) -> ScheduleAnswer:
    """One source's answer; documents without a usable answer are not kept in Prefect's cache.

    Raises:
        SourceEmpty: the source has not published the season.
        SourceError: it has no usable answer.
    """
    with transaction():
        documents = fetch_schedule(run, season, source)
        if isinstance(documents, Unpublished):
            raise SourceEmpty(source.value, documents.why)
        answer = transform_schedule(run, documents, season, source)
        if not answer.events:
            raise SourceEmpty(source.value, "nothing of this season yet")
    return answer


def circuit_races(run: Run, season: int, need: CircuitsNeed) -> tuple[ListedEvent, ...]:
    """Jolpica's races, for their circuits; after a failure the sync goes on, and the next one tries again."""
    if need is CircuitsNeed.NONE:
        return ()
    try:
        since = run.ledger.now - CIRCUITS_REPEATED
        if need is CircuitsNeed.AGAIN and run.ledger.asked_since(since, races_path(season)):
            return ()
        return answer_of(run, season, Source.JOLPICA).events
    except SourceEmpty:
        return ()
    except F1FlowsError as error:
        logger.warning("%s circuits: %s; they are fetched again by the next sync", season, error)
        return ()


def qualifying_tables(run: Run, known: Calendar, answer: ScheduleAnswer) -> tuple[ListedResult, ...]:
    """Jolpica's qualifying tables of 1994 to 2017, while a race has no qualifying session; the next sync retries."""
    if not needs_tables(known, answer, run.now):
        return ()
    query = ResultQuery(Source.JOLPICA, answer.season, SessionKind.QUALIFYING, None, ())
    try:
        return transform_qualifying(run, fetch_results(run, query, Deadline()), answer.season)
    except F1FlowsError as error:
        logger.warning(
            "%s qualifying sessions: %s; they are added by the next sync of the season", answer.season, error
        )
        return ()
