"""Reading what is owed a poll, and which sessions a user names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, select

from core.database import Database
from core.errors import UsageError
from core.records import Event, ResultsState, Session, SessionKind, Status
from core.rules.calendar import names
from core.rules.results import polling
from core.rules.results.due_polls import DuePoll
from core.schema import events, sessions
from core.upsert.rows import read_records


def read_due_polls(database: Database, now: datetime, delay: timedelta) -> list[DuePoll]:
    """The sessions whose results are due, oldest due_poll first."""
    asked_before = sessions.c.next_poll_at <= now
    never_asked = and_(
        sessions.c.next_poll_at.is_(None),
        sessions.c.poll_attempts == 0,
        or_(sessions.c.ends_at <= now, and_(sessions.c.ends_at.is_(None), sessions.c.local_date <= now.date())),
    )
    with database.reading() as connection:
        found = read_records(
            connection,
            sessions,
            Session,
            sessions.c.status != Status.CANCELLED.value,
            sessions.c.results_state != ResultsState.SETTLED.value,
            or_(asked_before, never_asked),
        )
        if not found:
            return []
        return [
            due_poll for due_poll in _with_events(connection, polling.due(found, now, delay)) if _is_polled(due_poll)
        ]


def read_event_polls(database: Database, event_id: str, kind: SessionKind | None) -> list[DuePoll]:
    """An event's sessions that can have results, in their order, whatever is due.

    Raises:
        UsageError: there is no such event (the nearest ids are named), or it has no such session.
    """
    with database.reading() as connection:
        if not read_records(connection, events, Event, events.c.id == event_id):
            raise UsageError(unknown(connection, event_id))
        found = read_records(connection, sessions, Session, sessions.c.event_id == event_id)
        wanted = [session for session in found if kind in (None, session.kind)]
        if kind is not None and not wanted:
            kinds = ", ".join(session.kind.value for session in found)
            raise UsageError(f"{event_id} has no {kind.value}: it has {kinds}")
        ordered = sorted(wanted, key=lambda session: (session.local_date, session.id))
        return [due_poll for due_poll in _with_events(connection, ordered) if _is_polled(due_poll)]


def unknown(connection: Connection, identity: str) -> str:
    """What to say of an id that is not known: the nearest that are."""
    return names.unknown(identity, connection.scalars(select(events.c.id)).all())


def _with_events(connection: Connection, found: Sequence[Session]) -> list[DuePoll]:
    ids = {session.event_id for session in found}
    by_id = {event.id: event for event in read_records(connection, events, Event, events.c.id.in_(ids))}
    return [DuePoll(session, by_id[session.event_id]) for session in found]


def _is_polled(due_poll: DuePoll) -> bool:
    return polling.is_polled(due_poll.session.kind, due_poll.event.format, due_poll.event.season)
