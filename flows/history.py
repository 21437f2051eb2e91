"""The backfill of one season: its tables fetched page by page, then written at once or session by session."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from core.documents import Listing, listing_table
from core.errors import ScheduleRejected, SourceEmpty, SourceError, SourceMalformed
from core.records import ListedEvent, ScheduleAnswer, Source
from core.rules.calendar.season import FIRST_LIVETIMING_SEASON, Calendar, CircuitsNeed, circuits_need
from core.rules.history import Backfilled, SeasonAnswer, due_polls, listings_due, notes_of
from core.rules.results.due_polls import result_queries
from core.rules.results.matching import match_results
from core.rules.results.outcome import Polled
from flows.pages import KeptTables, PageFetch
from flows.poll_results import announce
from flows.polls import outcomes
from flows.runtime.run import Run
from flows.schedules import answer_of
from flows.tasks.history import transform_tables, upsert_history, upsert_season_end
from flows.tasks.pages import upsert_no_pages
from flows.tasks.schedule import read_calendar, transform_schedule, upsert_schedule

logger = logging.getLogger(__name__)


def backfill_season(season: int, fetch: PageFetch) -> Backfilled:
    """Bring a season's history into the database.

    Raises:
        SourceEmpty: the season is not published.
        SourceError: it cannot be fetched, or the pages are invalid: nothing was written.
        DatabaseError: the database refuses it.
    """
    run = fetch.run
    known = read_calendar(run, season)
    try:
        answer = SeasonFetch(fetch, season, known).answer()
    except SourceMalformed:
        upsert_no_pages(run, season)
        raise
    history = None if known.events else upsert_history(run, answer)
    return update_season(run, answer) if history is None else history.backfilled


class SeasonFetch:
    """Fetches what is due of a season."""

    def __init__(self, fetch: PageFetch, season: int, known: Calendar) -> None:
        self._run = fetch.run
        self._season = season
        self._known = known
        self._kept = KeptTables(fetch, season)

    def answer(self) -> SeasonAnswer:
        """The schedule, and every table with due results."""
        scheduled = self._scheduled()
        due = listings_due(self._known, scheduled, self._run.now, self._run.cadence)
        results = transform_tables(self._run, self._season, {listing: self._kept.table(listing) for listing in due})
        return replace(scheduled, results=results)

    def _scheduled(self) -> SeasonAnswer:
        """The schedule from the sources that a sync uses, without results."""
        if self._season < FIRST_LIVETIMING_SEASON:
            return SeasonAnswer(self._races(), (), {})
        try:
            schedule = answer_of(self._run.with_new_deadline(), self._season, Source.FASTF1)
        except SourceError as error:
            logger.warning("%s schedule: %s", self._season, error)
            rejected = {Source.FASTF1: error.what} if isinstance(error, ScheduleRejected) else {}
            return SeasonAnswer(self._races(), (), {}, rejected)
        races: tuple[ListedEvent, ...] = ()
        if circuits_need(self._known, schedule) is not CircuitsNeed.NONE:
            with suppress(SourceEmpty):
                races = self._races().events
        return SeasonAnswer(schedule, races, {})

    def _races(self) -> ScheduleAnswer:
        documents = listing_table(Listing.RACES, self._kept.table(Listing.RACES))
        if not documents:
            raise SourceEmpty(Source.JOLPICA.value, "not published")
        return transform_schedule(self._run, documents, self._season, Source.JOLPICA)


def update_season(run: Run, answer: SeasonAnswer) -> Backfilled:
    """Bring a partly known season up to date, as a sync and a poll of Jolpica do."""
    summary = upsert_schedule(
        run, answer.schedule, answer.races, answer.qualifying, rejected=answer.rejected, force=False
    )
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
        answers = {one.due_poll.session.id: one for one in match_results(query, answer.results[query.kind])}
        for due_poll in query.due_polls:
            if found := answers.get(due_poll.session.id):
                polled = outcomes.take(run, found, False)
            elif due_poll.may_have_timing:
                continue
            else:
                polled = outcomes.not_published(run, due_poll)
            announce(run, polled)
            yield polled
