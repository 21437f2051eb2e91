"""Writes statuses that changed with the clock, in one transaction with their changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select

from core.database import Database
from core.kinds import Status
from core.queries import read_records
from core.records import Event, Session
from core.rules.calendar.season import Calendar
from core.rules.calendar.times import advanced
from core.rules.changes import FeedChange, changes_between
from core.schema import events, sessions
from core.upsert.rows import write_feed, write_rows

OPEN = (Status.SCHEDULED.value, Status.LIVE.value)


def refresh_statuses(database: Database, now: datetime, *, flow_run_id: str | None = None) -> tuple[FeedChange, ...]:
    """Advance sessions and events to their status at `now`, over any gap since the last run.

    If no status changes, nothing is locked or written.
    """
    begun = or_(events.c.starts_at <= now, events.c.first_date <= now.date())
    of_them = sessions.c.event_id.in_(select(events.c.id).where(events.c.status.in_(OPEN), begun))
    with database.reading() as connection:
        due = connection.scalar(select(events.c.id).where(events.c.status.in_(OPEN), begun).limit(1))
    if due is None:
        return ()
    with database.writing() as connection:
        open_events = read_records(connection, events, Event, events.c.status.in_(OPEN), begun)
        known = Calendar(
            events={event.id: event for event in open_events},
            sessions={session.id: session for session in read_records(connection, sessions, Session, of_them)},
        )
        moved = advanced(known, now)
        write_rows(connection, events, known.events, moved.events, stamp=now)
        write_rows(connection, sessions, known.sessions, moved.sessions, stamp=now)
        happened = changes_between(known, moved)
        return write_feed(connection, list(happened), now, flow_run_id)
