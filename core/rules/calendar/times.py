"""A session's wall time and its instant, when it is over, and statuses by the clock. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.kinds import EventFormat, SessionKind, Status
from core.records import Event, ListedSession, Session
from core.rules.calendar.season import Calendar

LENGTHS = {
    SessionKind.PRACTICE_1: timedelta(minutes=60),
    SessionKind.PRACTICE_2: timedelta(minutes=60),
    SessionKind.PRACTICE_3: timedelta(minutes=60),
    SessionKind.SPRINT_QUALIFYING: timedelta(minutes=44),
    SessionKind.SPRINT: timedelta(minutes=60),
    SessionKind.QUALIFYING: timedelta(minutes=60),
    SessionKind.RACE: timedelta(minutes=120),
}
TEST_DAY = timedelta(hours=9)
"""The typical length of sessions; a day of testing is a practice that lasts from morning to evening."""

FIRST_ZONE = timedelta(hours=14)
"""A date begins in the first time zone fourteen hours before it begins in UTC."""

LAST_ZONE = timedelta(hours=12)
"""A date ends in the last time zone twelve hours after it ends in UTC."""

FORWARDS = (Status.SCHEDULED, Status.LIVE, Status.COMPLETED)
"""The order of statuses by the clock; only changes of the schedule set them back."""


@dataclass(frozen=True)
class SessionTime:
    """A session's date, and its instant with the venue's offset if the time is known."""

    local_date: date
    starts_at: datetime | None
    utc_offset_minutes: int | None

    @property
    def wall_time(self) -> datetime | None:
        """The venue's clock at the start, naive."""
        if self.starts_at is None or self.utc_offset_minutes is None:
            return None
        return self.starts_at.replace(tzinfo=None) + timedelta(minutes=self.utc_offset_minutes)


def length(kind: SessionKind, event_format: EventFormat) -> timedelta:
    """The typical length of such a session."""
    return TEST_DAY if event_format is EventFormat.TESTING else LENGTHS[kind]


def session_time(listed: ListedSession, zone: ZoneInfo | None) -> SessionTime | None:
    """The time of a listed session; None while its date is unknown.

    Wall time in the circuit's zone is used first: upstream's one offset per event is wrong when clocks change that
    weekend (Mexico 2022, Australia 2023). The offset is used only if the zone is unknown.
    """
    if listed.wall_time is not None:
        if zone is not None:
            local = listed.wall_time.replace(tzinfo=zone)
            return SessionTime(listed.wall_time.date(), local.astimezone(UTC), _minutes(local))
        offset = listed.utc_offset_minutes
        if offset is None:
            return SessionTime(listed.wall_time.date(), None, None)
        instant = (listed.wall_time - timedelta(minutes=offset)).replace(tzinfo=UTC)
        return SessionTime(listed.wall_time.date(), instant, offset)
    if listed.instant is not None:
        instant = listed.instant.astimezone(UTC)
        if zone is None:
            return SessionTime(listed.local_date or instant.date(), instant, None)
        local = instant.astimezone(zone)
        return SessionTime(local.date(), instant, _minutes(local))
    if listed.local_date is not None:
        return SessionTime(listed.local_date, None, None)
    return None


def status_at(now: datetime, starts_at: datetime | None, ends_at: datetime | None, last_date: date) -> Status:
    """Scheduled, live or completed at a moment; by the date alone if no time is known."""
    if starts_at is not None and ends_at is not None:
        if now < starts_at:
            return Status.SCHEDULED
        return Status.LIVE if now < ends_at else Status.COMPLETED
    return Status.COMPLETED if now >= date_over(last_date) else Status.SCHEDULED


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


def advanced(calendar: Calendar, now: datetime) -> Calendar:
    """The calendar with the statuses that its sessions and events have at a moment."""
    moved = Calendar(
        sessions={
            session.id: session.model_copy(update={"status": session_status(session, now)})
            for session in calendar.sessions.values()
        }
    )
    events = {
        event.id: event.model_copy(update={"status": event_status(event, moved.sessions_of(event.id).values(), now)})
        for event in calendar.events.values()
    }
    return replace(calendar, events=events, sessions=moved.sessions)


def _further(before: Status, by_clock: Status) -> Status:
    if before is Status.CANCELLED:
        return before
    return max(before, by_clock, key=FORWARDS.index)


def date_over(day: date) -> datetime:
    """When a date is over everywhere on Earth."""
    return datetime.combine(day, time(), UTC) + timedelta(days=1) + LAST_ZONE


def _minutes(local: datetime) -> int:
    offset = local.utcoffset()
    assert offset is not None
    return int(offset.total_seconds() // 60)
