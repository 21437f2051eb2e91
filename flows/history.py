"""The backfill of one season: its tables fetched page by page, then written at once or session by session."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from core.deadline import Deadline
from core.documents import TABLES, Listing, whole_table
from core.errors import ScheduleRejected, SourceEmpty, SourceError
from core.kinds import Source
from core.records import ListedEvent, ScheduleAnswer
from core.rules.calendar.season import FIRST_LIVETIMING_SEASON, Calendar, CircuitsNeed, circuits_need
from core.rules.history import Backfilled, SeasonAnswer, due_polls, listings_due, notes_of
from core.rules.results.due_polls import match_results, result_queries
from core.rules.results.outcome import Polled
from flows.pages import Tables, kept_tables
from flows.polls import outcomes
from flows.runtime.allowance import Allowance
from flows.runtime.run import Run
from flows.schedules import answer_of
from flows.tasks.backfill import transform_tables, upsert_history, upsert_season_end
from flows.tasks.schedule import read_calendar, transform_schedule, upsert_schedule

logger = logging.getLogger(__name__)


def backfill_season(season: int, allowance: Allowance) -> Backfilled:
    """Bring a season's history into the database.

    Raises:
        SourceEmpty: the season is not published.
        SourceError: it cannot be fetched, or the pages are invalid: nothing was written.
        DatabaseError: the database refuses it.
    """
    run = allowance.run
    known = read_calendar(run, season)
    with kept_tables(allowance, season) as table:
        answer = due_answer(run, season, known, table)
    history = None if known.events else upsert_history(run, answer)
    return update_season(run, answer) if history is None else history.backfilled


def due_answer(run: Run, season: int, known: Calendar, table: Tables) -> SeasonAnswer:
    """A season's schedule, and every table with due results."""
    scheduled = _scheduled(run, season, known, table)
    due = listings_due(known, scheduled, run.now, run.cadence)
    results = transform_tables(run, season, {listing: table(listing) for listing in due})
    return replace(scheduled, results=results)


def _scheduled(run: Run, season: int, known: Calendar, table: Tables) -> SeasonAnswer:
    """The schedule from the sources that a sync uses, without results."""
    if season < FIRST_LIVETIMING_SEASON:
        return SeasonAnswer(_races(run, season, table), (), {})
    try:
        schedule = answer_of(replace(run, deadline=Deadline()), season, Source.FASTF1)
    except SourceError as error:
        logger.warning("%s schedule: %s", season, error)
        rejected = {Source.FASTF1: error.what} if isinstance(error, ScheduleRejected) else {}
        return SeasonAnswer(_races(run, season, table), (), {}, rejected)
    races: tuple[ListedEvent, ...] = ()
    if circuits_need(known, schedule) is not CircuitsNeed.NONE:
        with suppress(SourceEmpty):
            races = _races(run, season, table).events
    return SeasonAnswer(schedule, races, {})


def _races(run: Run, season: int, table: Tables) -> ScheduleAnswer:
    documents = whole_table(table(Listing.RACES), TABLES[Listing.RACES])
    if not documents:
        raise SourceEmpty(Source.JOLPICA.value, "not published")
    return transform_schedule(run, documents, season, Source.JOLPICA)


def update_season(run: Run, answer: SeasonAnswer) -> Backfilled:
    """Bring a partly known season up to date, as a sync and a poll of Jolpica do."""
    summary = upsert_schedule(run, answer, force=False)
    polled = list(_polls(run, answer))
    upsert_season_end(run, answer.season)
    revisions = [one for one in polled if one.outcome.is_revision]
    return Backfilled(
        season=answer.season,
        events=summary.events,
        results=len(revisions),
        entries=sum(one.entries for one in revisions),
        notes=(*summary.notes, *notes_of(polled)),
    )


def _polls(run: Run, answer: SeasonAnswer) -> Iterator[Polled]:
    due = due_polls(read_calendar(run, answer.season), run.now, run.cadence)
    for query in result_queries(due):
        if query.source is not Source.JOLPICA or query.kind not in answer.results:
            continue
        answers = match_results(query, answer.results[query.kind])
        for polled in outcomes.of_answers(run, query, answers, force=False):
            outcomes.announce(run, polled)
            yield polled
