"""The steps for live timing's archives."""

from __future__ import annotations

from core import fetch, queries, timing_queries
from core.deadline import Deadline
from core.documents import ArchiveDocument
from core.kinds import SessionKind
from core.retries import DATABASE, DATABASE_READ, NETWORK, PURE
from core.rules.results import polling
from core.rules.results.due_polls import DuePoll
from core.rules.timing.outcome import SyncedTiming
from core.transform.archive.answers import Archive, read_archive
from core.upsert import roster, timing
from flows.runtime.run import Run
from flows.runtime.step import step
from flows.tasks.timed import fetch_timed


@step(DATABASE_READ, "read-due-timing")
def read_due_timing(run: Run, event_id: str | None, kind: SessionKind | None) -> list[DuePoll]:
    """The sessions with a due archive of live timing, or those of one event that have begun."""
    if event_id is None:
        return timing_queries.read_due_timing(run.database, run.now)
    asked = queries.read_event_polls(run.database, event_id, kind)
    return [due_poll for due_poll in asked if polling.has_begun(due_poll.session, run.now)]


@step(NETWORK, "fetch-archive-{due_poll.session.id}")
def fetch_archive(run: Run, due_poll: DuePoll, deadline: Deadline) -> ArchiveDocument | None:
    """Live timing's archive of a session; None if there is nothing yet, or the session's time is unknown."""
    return fetch_timed(run, due_poll, deadline, fetch.archive.fetch_archive)


@step(PURE, "transform-archive-{due_poll.session.id}")
def transform_archive(run: Run, due_poll: DuePoll, document: ArchiveDocument) -> Archive:
    """An archive's datasets as records."""
    return read_archive(document, due_poll.session.kind)


@step(DATABASE, "upsert-drivers-named")
def upsert_drivers_named(run: Run) -> list[str]:
    """Add drivers that Jolpica now has to entries; returns a line for each."""
    return roster.name_drivers(run.database, run.now, flow_run_id=run.flow_run_id)


@step(DATABASE, "upsert-timing-{session_id}")
def upsert_timing(run: Run, session_id: str, archive: Archive, *, by_name: bool) -> SyncedTiming:
    """Write each dataset of an archive that is accepted."""
    return timing.accept_archive(
        run.database, session_id, archive, run.now, by_name=by_name, flow_run_id=run.flow_run_id
    )


@step(DATABASE, "upsert-timing-postponed-{session_id}")
def upsert_timing_postponed(run: Run, session_id: str, error: str | None, *, by_name: bool) -> SyncedTiming:
    """Poll a session's archive later: it does not exist yet, or fetching it failed with `error`."""
    return timing.put_archive_off(run.database, session_id, run.now, error, by_name=by_name)
