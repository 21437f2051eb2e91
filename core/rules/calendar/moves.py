"""Moves of sessions and events: what counts as one, how long it is held, and whether it is confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.kinds import Entity, HeldKind, Source, Status
from core.records import Event, ListedEvent, Session
from core.rules.calendar.draft import Draft
from core.rules.calendar.times import SessionTime
from core.rules.confirmation import AT_ONCE, IMPLAUSIBLE, PAST_MOVE
from core.text import hours, jsonable

IMPLAUSIBLE_MOVE = "it moves with an implausible share of the season"


def is_time_of(session: Session, time: SessionTime) -> bool:
    """Whether a listed time equals the session's; without a time of day, whether the dates are equal."""
    if time.starts_at is None:
        return time.local_date == session.local_date
    return (time.starts_at, time.local_date) == (session.starts_at, session.local_date)


def is_move(session: Session, time: SessionTime, source: Source) -> bool:
    """Whether the same source lists another time than before; a newly known time zone is not a move."""
    if session.status is Status.CANCELLED or source is not session.source:
        return False
    if session.starts_at is None or time.starts_at is None:
        return time.local_date != session.local_date
    if is_time_of(session, time):
        return False
    return session.wall_time is None or time.wall_time is None or session.wall_time != time.wall_time


def holding_time(session: Session, time: SessionTime, now: datetime) -> tuple[timedelta | None, str]:
    """How long a move is held (None: forever) and why; `AT_ONCE` for an ordinary one."""
    if not _has_passed(session, now):
        return AT_ONCE, ""
    to_come = time.starts_at > now if time.starts_at else time.local_date >= now.date()
    if session.has_results and to_come:
        return None, "it has results, but upstream gives it a future time"
    if not to_come:
        return PAST_MOVE, "its time has passed, and upstream gives it another past time"
    return AT_ONCE, ""


def moves_without_sessions(event: Event, listed: ListedEvent, source: Source) -> bool:
    """Whether the source lists another date than before for an event without sessions."""
    ours = event.source is source and event.status is not Status.CANCELLED
    return ours and listed.last_date != event.last_date


def confirm_or_hold_move(draft: Draft, session: Session, time: SessionTime) -> bool:
    """Whether a session's move may be applied now; otherwise it is held."""
    wait: timedelta | None = AT_ONCE
    reason, about = "", session.id
    if is_move(session, time, draft.source):
        wait, reason = holding_time(session, time, draft.now)
        if wait == AT_ONCE and draft.implausible:
            wait, reason, about = IMPLAUSIBLE, IMPLAUSIBLE_MOVE, draft.known.events[session.event_id].name
    payload = {"starts_at": jsonable(time.starts_at), "local_date": jsonable(time.local_date)}
    if draft.confirmation.confirm_or_hold(Entity.SESSION, session.id, HeldKind.MOVED, payload, reason, wait):
        return True
    note_held_move(draft, about, reason, wait)
    return False


def confirm_or_hold_date(draft: Draft, event: Event, listed: ListedEvent) -> bool:
    """Whether the date of an event without sessions may be applied now; otherwise it is held."""
    held = draft.implausible and moves_without_sessions(event, listed, draft.source)
    wait, reason = (IMPLAUSIBLE, IMPLAUSIBLE_MOVE) if held else (AT_ONCE, "")
    payload = {"last_date": jsonable(listed.last_date)}
    if draft.confirmation.confirm_or_hold(Entity.EVENT, event.id, HeldKind.MOVED, payload, reason, wait):
        return True
    note_held_move(draft, event.name, reason, wait)
    return False


def note_held_move(draft: Draft, about: str, reason: str, wait: timedelta | None) -> None:
    """Note a held move; the sessions of an event that moves implausibly share one note."""
    note = f"{about}: {reason}: {f'moved if that is still so in {hours(wait)}' if wait else 'kept where it is'}"
    if note not in draft.notes:
        draft.notes.append(note)


def _has_passed(session: Session, now: datetime) -> bool:
    if session.starts_at is None:
        return session.local_date < now.date()
    return session.starts_at <= now
