"""Statuses by the clock: scheduled, live, completed. Only changes of the schedule set them back. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.records import Event, Session, Status
from core.rules.calendar.times import status_at

FORWARDS = (Status.SCHEDULED, Status.LIVE, Status.COMPLETED)


def session_status(session: Session, now: datetime) -> Status:
    """A session's status at a moment: by its time; completed if it has results; cancelled stays cancelled."""
    if session.has_results and session.status is not Status.CANCELLED:
        return Status.COMPLETED
    return _further(session.status, status_at(now, session.starts_at, session.ends_at, session.local_date))


def event_status(event: Event, sessions: Iterable[Session], now: datetime) -> Status:
    """An event's status: live from its first session's start to its last one's end; completed when all sessions are."""
    taking_place = [session for session in sessions if session.status is not Status.CANCELLED]
    if taking_place and all(session.status is Status.COMPLETED for session in taking_place):
        return _further(event.status, Status.COMPLETED)
    return _further(event.status, status_at(now, event.starts_at, event.ends_at, event.last_date))


def _further(before: Status, by_clock: Status) -> Status:
    if before is Status.CANCELLED:
        return before
    return max(before, by_clock, key=FORWARDS.index)
