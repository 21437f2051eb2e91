"""The steps of polls: results, from Jolpica and from live timing, and published standings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core import fetch, queries
from core.deadline import Deadline
from core.documents import Document, TimingDocument
from core.kinds import SessionKind
from core.records import Competitor, Event, SessionResult
from core.retries import DATABASE, DATABASE_READ, NETWORK, PURE
from core.rules.results.championship import competitors
from core.rules.results.due_polls import Answer, DuePoll, ResultQuery, match_results, require_readable
from core.rules.results.outcome import Polled
from core.transform.results import listed_results
from core.transform.standings import PublishedStandings, published_standings
from core.transform.timing import timing_result
from core.upsert import polls, results, standings
from flows.runtime.run import Run
from flows.runtime.step import step
from flows.tasks.timed import fetch_timed


@step(DATABASE_READ, "read-due-polls")
def read_due_polls(run: Run, event_id: str | None, kind: SessionKind | None) -> list[DuePoll]:
    """The due polls, or all sessions of one event."""
    if event_id is None:
        return queries.read_due_polls(run.database, run.now, run.cadence.delay)
    return queries.read_event_polls(run.database, event_id, kind)


@step(NETWORK, "fetch-results-{query.season}-{query.kind.value}")
def fetch_results(run: Run, query: ResultQuery, deadline: Deadline) -> list[Document]:
    """Jolpica's published documents for a query."""
    return fetch.jolpica.fetch_results(query.season, query.kind, query.round, run.access(deadline))


@step(PURE, "transform-results-{query.season}-{query.kind.value}")
def transform_results(run: Run, query: ResultQuery, documents: list[Document]) -> Sequence[Answer]:
    """The answers to a query; a session without one has nothing published. Raises for unreadable ones."""
    return require_readable(query, match_results(query, listed_results(documents, query.season, query.kind)))


@step(NETWORK, "fetch-timing-{due_poll.session.id}")
def fetch_timing(run: Run, due_poll: DuePoll, deadline: Deadline) -> TimingDocument | None:
    """A session's live timing; None if there is nothing yet, or its time is unknown."""
    return fetch_timed(run, due_poll, deadline, fetch.timing.fetch_timing)


@step(PURE, "transform-timing-{due_poll.session.id}")
def transform_timing(run: Run, due_poll: DuePoll, document: TimingDocument) -> SessionResult:
    """A session's classification by live timing."""
    return timing_result(document, due_poll.event.season, due_poll.event.round, due_poll.session.kind)


@step(DATABASE, "upsert-results-{session_id}")
def upsert_result(run: Run, session_id: str, result: SessionResult, *, force: bool) -> Polled:
    """Make a result the session's next revision, if it is accepted."""
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
    """Store a poll without a result; returns a note for people."""
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
        competitor: fetch.jolpica.fetch_standings(event.season, event.round or 0, competitor, access)
        for competitor in competitors(event.season)
    }


@step(PURE, "transform-standings-{event.id}")
def transform_standings(run: Run, event: Event, documents: dict[Competitor, list[Document]]) -> PublishedStandings:
    """Jolpica's standings as records."""
    return published_standings(documents)


@step(DATABASE, "upsert-standings-{event.id}")
def upsert_standings(run: Run, event: Event, published: PublishedStandings) -> list[str]:
    """Accept Jolpica's standings after an event, if they win over ours; returns the differences, one line each."""
    return standings.accept_standings(
        run.database, event.id, published.tables, published.named, run.now, flow_run_id=run.flow_run_id
    )


@step(DATABASE, "upsert-standings-postponed-{event.id}")
def upsert_standings_postponed(run: Run, event: Event, error: str, *, is_refused: bool) -> None:
    """Poll an event's standings later; `is_refused`: the published ones are unreadable."""
    standings.put_standings_off(run.database, event, run.now, error, is_refused=is_refused)
