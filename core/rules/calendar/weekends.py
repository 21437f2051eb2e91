"""An event's sessions and dates as rows. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from core.records import EventFormat, ListedSession, Session, Source, Status
from core.rules.calendar.identity import session_id
from core.rules.calendar.times import SessionTime, length, status_at


def new_session(
    event_id: str, event_format: EventFormat, slot: ListedSession, time: SessionTime, source: Source, now: datetime
) -> Session:
    """A listed session's first row."""
    session = Session(
        id=session_id(event_id, slot.kind),
        event_id=event_id,
        kind=slot.kind,
        name=slot.name,
        local_date=time.local_date,
        starts_at=None,
        ends_at=None,
        utc_offset_minutes=None,
        status=Status.SCHEDULED,
        source=source,
    )
    return by_clock(timed(session, event_format, time), now)


def timed(session: Session, event_format: EventFormat, time: SessionTime) -> Session:
    """A session moved to another time."""
    return session.model_copy(
        update={
            "local_date": time.local_date,
            "starts_at": time.starts_at,
            "ends_at": time.starts_at + length(session.kind, event_format) if time.starts_at else None,
            "utc_offset_minutes": time.utc_offset_minutes,
        }
    )


def by_clock(session: Session, now: datetime) -> Session:
    """A session with the status that its time gives it at a moment."""
    status = status_at(now, session.starts_at, session.ends_at, session.local_date)
    return session.model_copy(update={"status": status})


def event_dates(sessions: Sequence[Session], last_date: date) -> dict[str, Any]:
    """An event's dates and instants, from its sessions; from its own date if it has none."""
    days = [session.local_date for session in sessions] or [last_date]
    starts = [session.starts_at for session in sessions if session.starts_at]
    ends = [session.ends_at for session in sessions if session.ends_at]
    return {
        "first_date": min(days),
        "last_date": max(days),
        "starts_at": min(starts, default=None),
        "ends_at": max(ends, default=None),
    }
