"""What a move of a session or an event is, and for how long it is held. Pure functions."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.records import Event, ListedEvent, Session, Source, Status
from core.rules import confirmation
from core.rules.calendar.times import SessionTime

AT_ONCE = timedelta(0)


def is_move(session: Session, time: SessionTime, source: Source) -> bool:
    """Whether the source changed its mind; a better source's word or a better-known zone is no move."""
    if session.status is Status.CANCELLED or source is not session.source:
        return False
    if session.starts_at is None:
        return time.local_date != session.local_date
    if (time.starts_at, time.local_date) == (session.starts_at, session.local_date):
        return False
    if time.starts_at is None:
        return time.local_date != session.local_date
    was = SessionTime(session.local_date, session.starts_at, session.utc_offset_minutes)
    return was.wall_time is None or time.wall_time is None or was.wall_time != time.wall_time


def patience(session: Session, time: SessionTime, now: datetime) -> tuple[timedelta | None, str]:
    """How long a move is held (None: for good) and why; `AT_ONCE` for an ordinary one."""
    if not _has_passed(session, now):
        return AT_ONCE, ""
    to_come = time.starts_at > now if time.starts_at else time.local_date >= now.date()
    if session.has_results and to_come:
        return None, "it has results, and upstream gives it a time to come"
    if not to_come:
        return confirmation.PAST_MOVE, "its time has passed, and upstream gives it another past one"
    return AT_ONCE, ""


def moves_without_sessions(event: Event, listed: ListedEvent, source: Source) -> bool:
    """Whether the source changed its mind about the date of an event of which it knows nothing but that."""
    ours = event.source is source and event.status is not Status.CANCELLED
    return ours and listed.last_date != event.last_date


def _has_passed(session: Session, now: datetime) -> bool:
    if session.starts_at is None:
        return session.local_date < now.date()
    return session.starts_at <= now
