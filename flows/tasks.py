"""The steps of the flows, each a line over `core`: what an operator sees in a run's graph.

`fetch-*` request documents from a source, `transform-*` turn them into records, `read-*` and `upsert-*` use the
database. Each raises the errors of the function in `core` that it calls.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from core import fetch, queries
from core.deadline import Deadline
from core.deliver import delivering
from core.deliver.delivering import Clock, Delivered
from core.deliver.subscribers import Subscriber
from core.documents import (
    LISTING_OF,
    WHOLE_SEASON,
    ArchiveDocument,
    Document,
    Listing,
    Page,
    PageQuery,
    TimingDocument,
    listing_table,
)
from core.errors import SourceEmpty
from core.records import (
    Change,
    Competitor,
    Event,
    ListedEvent,
    ListedResult,
    Record,
    ScheduleAnswer,
    SessionKind,
    SessionResult,
    Source,
    Unpublished,
)
from core.retries import DATABASE, DATABASE_READ, NETWORK, PURE
from core.rules.calendar import plausibility
from core.rules.calendar.season import Calendar, begun, sources_of
from core.rules.history import SeasonAnswer, SeasonHistory
from core.rules.results import polling
from core.rules.results.championship import competitors
from core.rules.results.due_polls import DuePoll, ResultQuery
from core.rules.results.matching import Answer, match_results, require_readable
from core.rules.results.outcome import Polled
from core.rules.timing.listed import RaceDue
from core.rules.timing.outcome import SyncedTiming
from core.transform.archive.answers import Archive, read_archive
from core.transform.laps import LISTED
from core.transform.results import listed_results
from core.transform.schedule import schedule_answer
from core.transform.standings import PublishedStandings, published_standings
from core.transform.timing import timing_result
from core.upsert import history, pages, polls, results, roster, schedule, standings, statuses, timing
from core.upsert.schedule import SeasonSummary
from flows.runtime.run import Run
from flows.runtime.step import Cached, step

SCHEDULE_CACHE_VERSION = 3
"""Raise this when the documents of a schedule change, so that no run reads an older form from Prefect's cache."""

PAST_SEASON_KEPT = timedelta(days=1)
CURRENT_SEASON_KEPT = timedelta(minutes=10)


def cached_schedule(run: Run, season: int, source: Source) -> Cached | None:
    """How long a schedule may come from Prefect's cache: the first source's only, and not for a given `now`."""
    if source is not sources_of(season, run.now)[0] or run.now_given:
        return None
    upstream = re.sub(r"\W+", "-", run.settings.f1_upstream_url or "real")
    return Cached(
        key=f"f1-flows-schedule-{season}-{source.value}-v{SCHEDULE_CACHE_VERSION}-{upstream}",
        expires=PAST_SEASON_KEPT if season < run.now.year else CURRENT_SEASON_KEPT,
    )


@step(NETWORK, "fetch-schedule-{season}-{source.value}", cached=cached_schedule)
def fetch_schedule(run: Run, season: int, source: Source) -> list[Document] | Unpublished:
    """What a source has of a season now."""
    try:
        return fetch.schedule.fetch_schedule(season, source, run.access(run.deadline))
    except SourceEmpty as error:
        return Unpublished(source=source, why=error.what)


@step(PURE, "transform-schedule-{season}-{source.value}")
def transform_schedule(run: Run, documents: list[Document], season: int, source: Source) -> ScheduleAnswer:
    """A source's documents as its answer, without what it cannot know yet."""
    return begun(plausibility.calendar(schedule_answer(documents, season, source)), run.now)


@step(DATABASE_READ, "read-calendar-{season}")
def read_calendar(run: Run, season: int) -> Calendar:
    """What the database knows of a season."""
    with run.database.reading() as connection:
        return queries.read_calendar(connection, season)


@step(DATABASE, "upsert-schedule-{answer.season}")
def upsert_schedule(
    run: Run,
    answer: ScheduleAnswer,
    races: tuple[ListedEvent, ...],
    qualifying: tuple[ListedResult, ...],
    *,
    rejected: Mapping[Source, str],
    force: bool,
) -> SeasonSummary:
    """Bring the database to a source's answer, as far as that is believed; `rejected`: what better ones gave."""
    return schedule.upsert_schedule(
        run.database,
        answer,
        races,
        run.now,
        qualifying=qualifying,
        rejected=rejected,
        force=force,
        flow_run_id=run.flow_run_id,
    )


@step(DATABASE, "upsert-statuses")
def upsert_statuses(run: Run) -> tuple[Change, ...]:
    """Bring every status to what it is now."""
    return statuses.refresh_statuses(run.database, run.now, flow_run_id=run.flow_run_id)


@step(DATABASE_READ, "read-due-polls")
def read_due_polls(run: Run, event_id: str | None, kind: SessionKind | None) -> list[DuePoll]:
    """The sessions to poll: those that are due, or those of one event."""
    if event_id is None:
        return queries.read_due_polls(run.database, run.now, run.cadence.delay)
    return queries.read_event_polls(run.database, event_id, kind)


@step(NETWORK, "fetch-results-{query.season}-{query.kind.value}")
def fetch_results(run: Run, query: ResultQuery, deadline: Deadline) -> list[Document]:
    """What Jolpica has published of a query's sessions."""
    return fetch.results.fetch_results(query.season, query.kind, query.round, run.access(deadline))


@step(PURE, "transform-results-{query.season}-{query.kind.value}")
def transform_results(run: Run, query: ResultQuery, documents: list[Document]) -> Sequence[Answer]:
    """The answers to a query; a session that is not among them has nothing published. Unreadable ones are an error."""
    return require_readable(query, match_results(query, listed_results(documents, query.season, query.kind)))


@step(PURE, "transform-qualifying-{season}")
def transform_qualifying(run: Run, documents: list[Document], season: int) -> tuple[ListedResult, ...]:
    """A season's qualifying tables, for the sessions that its schedule lacks."""
    return tuple(listed_results(documents, season, SessionKind.QUALIFYING))


@step(NETWORK, "fetch-timing-{due_poll.session.id}")
def fetch_timing(run: Run, due_poll: DuePoll, deadline: Deadline) -> TimingDocument | None:
    """A session's live timing; None where there is nothing yet, or its time is not known."""
    session = fetch.timing.TimedSession.of(due_poll.event, due_poll.session)
    if session is None:
        return None
    try:
        settled = polling.is_filed(due_poll.session, run.upstream_now)
        return fetch.timing.fetch_timing(session, run.access(deadline), settled=settled)
    except SourceEmpty:
        return None


@step(PURE, "transform-timing-{due_poll.session.id}")
def transform_timing(run: Run, due_poll: DuePoll, document: TimingDocument) -> SessionResult:
    """A session's classification by live timing."""
    return timing_result(document, due_poll.event.season, due_poll.event.round, due_poll.session.kind)


@step(DATABASE_READ, "read-due-timing")
def read_due_timing(run: Run, event_id: str | None, kind: SessionKind | None) -> list[DuePoll]:
    """The sessions whose archive of live timing is due, or those of one event that have begun."""
    if event_id is None:
        return queries.read_due_timing(run.database, run.now)
    asked = queries.read_event_polls(run.database, event_id, kind)
    return [due_poll for due_poll in asked if polling.has_begun(due_poll.session, run.now)]


@step(NETWORK, "fetch-archive-{due_poll.session.id}")
def fetch_archive(run: Run, due_poll: DuePoll, deadline: Deadline) -> ArchiveDocument | None:
    """Live timing's archive of a session; None where there is nothing yet, or the session's time is not known."""
    session = fetch.timing.TimedSession.of(due_poll.event, due_poll.session)
    if session is None:
        return None
    try:
        settled = polling.is_filed(due_poll.session, run.upstream_now)
        return fetch.archive.fetch_archive(session, run.access(deadline), settled=settled)
    except SourceEmpty:
        return None


@step(PURE, "transform-archive-{due_poll.session.id}")
def transform_archive(run: Run, due_poll: DuePoll, document: ArchiveDocument) -> Archive:
    """What an archive says of each dataset."""
    return read_archive(document, due_poll.session.kind)


@step(DATABASE, "upsert-drivers-named")
def upsert_drivers_named(run: Run) -> list[str]:
    """Give entries the drivers that Jolpica knows by now; returns who they are."""
    return roster.name_drivers(run.database, run.now, flow_run_id=run.flow_run_id)


@step(DATABASE, "upsert-timing-{session_id}")
def upsert_timing(run: Run, session_id: str, archive: Archive, *, by_name: bool) -> SyncedTiming:
    """Take each dataset of an archive, as far as it is believed."""
    return timing.accept_archive(
        run.database, session_id, archive, run.now, by_name=by_name, flow_run_id=run.flow_run_id
    )


@step(DATABASE, "upsert-timing-due-{session_id}")
def upsert_timing_due(run: Run, session_id: str, error: str | None, *, by_name: bool) -> SyncedTiming:
    """Have a session's archive fetched later: it is not there yet, or there was an error."""
    return timing.put_archive_off(run.database, session_id, run.now, error, by_name=by_name)


@step(DATABASE, "upsert-results-{session_id}")
def upsert_result(run: Run, session_id: str, result: SessionResult, *, force: bool) -> Polled:
    """Make a result the session's next revision, as far as it is believed."""
    return results.accept_result(
        run.database, session_id, result, run.now, run.cadence, flow_run_id=run.flow_run_id, force=force
    )


@step(DATABASE, "upsert-poll-{session_id}")
def upsert_poll(
    run: Run,
    session_id: str,
    *,
    error: str | None = None,
    document: str | None = None,
    not_before: datetime | None = None,
) -> str:
    """Enter a poll that brought no result; returns what a person should know of it."""
    return polls.note_poll(
        run.database,
        session_id,
        run.now,
        run.cadence,
        error=error,
        document=document,
        not_before=not_before,
        flow_run_id=run.flow_run_id,
    )


@step(DATABASE_READ, "read-due-standings")
def read_due_standings(run: Run) -> list[Event]:
    """The events after which Jolpica's standings are due."""
    return standings.standings_due(run.database, run.now)


@step(NETWORK, "fetch-standings-{event.id}")
def fetch_standings(run: Run, event: Event, deadline: Deadline) -> dict[Competitor, list[Document]]:
    """Jolpica's standings after an event, by championship."""
    access = run.access(deadline)
    return {
        competitor: fetch.results.fetch_standings(event.season, event.round or 0, competitor, access)
        for competitor in competitors(event.season)
    }


@step(PURE, "transform-standings-{event.id}")
def transform_standings(run: Run, event: Event, documents: dict[Competitor, list[Document]]) -> PublishedStandings:
    """Jolpica's standings as records."""
    return published_standings(documents)


@step(DATABASE, "upsert-standings-{event.id}")
def upsert_standings(run: Run, event: Event, published: PublishedStandings) -> list[str]:
    """Let Jolpica's standings after an event win over ours; returns the differences, a line a competitor."""
    return standings.accept_standings(
        run.database, event.id, published.tables, run.now, named=published.named, flow_run_id=run.flow_run_id
    )


@step(DATABASE, "upsert-standings-due-{event.id}")
def upsert_standings_due(run: Run, event: Event, error: str, *, is_refused: bool) -> None:
    """Have an event's standings fetched later; `is_refused`: what was published cannot be read."""
    standings.put_standings_off(run.database, event, run.now, error, is_refused=is_refused)


@step(DATABASE_READ, "read-whole-seasons")
def read_whole_seasons(run: Run) -> set[int]:
    """The seasons whose history is whole."""
    return history.whole_seasons(run.database)


@step(DATABASE_READ, "read-pages-{season}")
def read_pages(run: Run, season: int, round_number: int = WHOLE_SEASON) -> dict[Listing, list[Page]]:
    """The pages of a season's own tables, or of one of its races', that an earlier run has fetched."""
    with run.database.reading() as connection:
        return pages.read_pages(connection, season, round_number)


@step(NETWORK, "fetch-page-{query}")
def fetch_page(run: Run, query: PageQuery, total: int | None, deadline: Deadline) -> Page:
    """One page of a table, of `total` rows by its earlier pages."""
    return fetch.listings.fetch_listing_page(query, run.access(deadline), total)


@step(DATABASE, "upsert-page-{query}")
def upsert_page(run: Run, query: PageQuery, page: Page) -> None:
    """Keep a page until its season, or its race, is written."""
    pages.keep_page(run.database, query, page, run.ledger.now)


@step(DATABASE, "upsert-no-pages-{season}")
def upsert_no_pages(run: Run, season: int, round_number: int = WHOLE_SEASON) -> None:
    """Drop the pages of a season's own tables, or of one of its races', which are void."""
    with run.database.writing() as connection:
        pages.drop_pages(connection, season, round_number)


@step(PURE, "transform-tables-{season}")
def transform_tables(
    run: Run, season: int, tables: Mapping[Listing, list[Page]]
) -> dict[SessionKind, list[ListedResult]]:
    """The results in a season's whole tables, by kind of session."""
    return {
        kind: listed_results(listing_table(listing, tables[listing]), season, kind)
        for kind, listing in LISTING_OF.items()
        if listing in tables
    }


@step(DATABASE, "upsert-history-{answer.season}")
def upsert_history(run: Run, answer: SeasonAnswer) -> SeasonHistory | None:
    """Write a season of which nothing is known, at once; None where something is, and nothing is written."""
    return history.write_history(run.database, answer, run.now, run.cadence, flow_run_id=run.flow_run_id)


@step(DATABASE, "upsert-season-end-{season}")
def upsert_season_end(run: Run, season: int) -> None:
    """Finish a season whose rows are written: drop its pages, and mark its history as whole if it is over."""
    history.finish_season(run.database, season, run.now, flow_run_id=run.flow_run_id)


@step(DATABASE, "deliver-changes")
def deliver_changes(run: Run, subscribers: Sequence[Subscriber], clock: Clock, patience: timedelta) -> list[Delivered]:
    """Send every subscriber the changes that it has not received."""
    return delivering.deliver(run.database, subscribers, clock, patience)


@step(DATABASE_READ, "read-races-due")
def read_races_due(run: Run, first: int, last: int) -> list[RaceDue]:
    """The races of some seasons whose laps or pit stops are to be fetched from Jolpica, newest first."""
    return queries.read_races_due(run.database, first, last, run.now)


@step(PURE, "transform-laps-{race.session_id}")
def transform_laps(run: Run, race: RaceDue, tables: Mapping[Listing, list[Page]]) -> dict[Listing, Sequence[Record]]:
    """A race's laps and pit stops, as far as their tables are there."""
    return {
        listing: LISTED[listing](listing_table(listing, found), race.season, race.round)
        for listing, found in tables.items()
    }


@step(DATABASE, "upsert-laps-{race.session_id}")
def upsert_laps(run: Run, race: RaceDue, tables: Mapping[Listing, Sequence[Record]]) -> SyncedTiming:
    """Write a race's laps and pit stops, as far as they are believed."""
    return timing.accept_listed(run.database, race, tables, run.now, flow_run_id=run.flow_run_id)
