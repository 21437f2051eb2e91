"""Applies listed events to a draft: adds new ones, updates known ones. Pure except for the draft."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.kinds import Entity, EventFormat, HeldKind, Status
from core.records import Event, ListedEvent, ListedSession, Session
from core.rules.calendar.absence import absent_sessions, cancel_or_hold_sessions
from core.rules.calendar.draft import Draft, zone_of, zone_without_races
from core.rules.calendar.identity import has_moved_away, new_event_id, session_id
from core.rules.calendar.moves import confirm_or_hold_date, confirm_or_hold_move, is_time_of
from core.rules.calendar.times import SessionTime, length, session_time, status_at
from core.rules.changes import EVENT_TIMES


def add_event(draft: Draft, listed: ListedEvent) -> None:
    """Add a new event, with those of its sessions that have a date."""
    circuit_id = draft.add_circuit(listed)
    event_id = new_event_id(listed.season, listed.name, draft.events)
    zone = zone_of(circuit_id, listed)
    sessions = [
        new_session(draft, event_id, listed, slot, time)
        for slot in listed.sessions
        if (time := session_time(slot, zone))
    ]
    for session in sessions:
        draft.put_session(session)
    dates = event_dates(sessions, listed.last_date)
    draft.events[event_id] = Event(
        id=event_id,
        season=listed.season,
        round=listed.round,
        name=listed.name,
        official_name=listed.official_name,
        country=listed.country,
        locality=listed.locality,
        circuit_id=circuit_id,
        format=listed.format,
        status=status_at(draft.now, dates["starts_at"], dates["ends_at"], dates["last_date"]),
        source=draft.source,
        **dates,
    )
    hold_unknown_sessions(draft, event_id, listed)


def update_event(draft: Draft, event: Event, listed: ListedEvent) -> None:
    """Update a known event from a source; a less trusted source only adds what is missing."""
    if draft.source.rank > event.source.rank:
        complete_event(draft, event, listed)
        return
    draft.confirmation.forget(Entity.EVENT, event.id, HeldKind.ABSENT)
    circuit_id = draft.add_circuit(listed) or (None if has_moved_away(event, listed) else event.circuit_id)
    confirmed = update_sessions(draft, event, listed, zone_of(circuit_id, listed))
    active = draft.active_sessions(event.id)
    returns = event.status is Status.CANCELLED
    if active or returns or confirm_or_hold_date(draft, event, listed):
        dates = event_dates(active, listed.last_date)
    else:
        dates = {name: getattr(event, name) for name in EVENT_TIMES}
    update = dates | {
        "round": listed.round,
        "name": listed.name,
        "official_name": listed.official_name or event.official_name,
        "country": listed.country or event.country,
        "locality": listed.locality or event.locality,
        "circuit_id": circuit_id,
        "format": listed.format if confirmed else event.format,
        "source": draft.source,
    }
    if returns or (dates["starts_at"], dates["ends_at"]) != (event.starts_at, event.ends_at):
        update["status"] = status_at(draft.now, dates["starts_at"], dates["ends_at"], dates["last_date"])
    draft.events[event.id] = event.model_copy(update=update)
    hold_unknown_sessions(draft, event.id, listed)


def complete_event(draft: Draft, event: Event, listed: ListedEvent) -> None:
    """Take from a less trusted source only what the better one left unknown."""
    update: dict[str, Any] = {}
    if event.circuit_id is None and (circuit_id := draft.add_circuit(listed)):
        update["circuit_id"] = circuit_id
    if event.official_name is None and listed.official_name:
        update["official_name"] = listed.official_name
    zone = zone_without_races(event, listed)
    known = draft.known.sessions_of(event.id)
    takes_place = event.status is not Status.CANCELLED
    for slot in listed.sessions:
        session, time = known.get(slot.kind), session_time(slot, zone)
        if time is None:
            continue
        if not known and takes_place:
            draft.put_session(new_session(draft, event.id, listed, slot, time))
        elif session and not session.starts_at and time.starts_at and session.local_date == time.local_date:
            draft.put_session(timed(session, event.format, time))
    if takes_place and (active := draft.active_sessions(event.id)):
        update |= event_dates(active, event.last_date)
    draft.events[event.id] = event.model_copy(update=update)


def update_sessions(draft: Draft, event: Event, listed: ListedEvent, zone: ZoneInfo | None) -> bool:
    """Update an event's sessions; returns whether the listed kinds of sessions are confirmed."""
    known = draft.known.sessions_of(event.id)
    absent = absent_sessions(known, listed, draft.answer)
    confirmed = cancel_or_hold_sessions(draft, event, absent) or not absent.replaced
    for slot in listed.sessions:
        session, time = known.get(slot.kind), session_time(slot, zone)
        if session is not None and (confirmed or session.status is not Status.CANCELLED):
            draft.put_session(updated_session(draft, session, listed, slot, time))
        elif session is None and time is not None and confirmed:
            draft.put_session(new_session(draft, event.id, listed, slot, time))
    return confirmed


def updated_session(
    draft: Draft, session: Session, listed: ListedEvent, slot: ListedSession, time: SessionTime | None
) -> Session:
    """A known session as the source lists it; a move of its time is held until it is confirmed."""
    if draft.source.rank > session.source.rank:
        return session
    draft.confirmation.forget(Entity.SESSION, session.id, HeldKind.ABSENT)
    updated = session.model_copy(update={"name": slot.name, "source": draft.source})
    returns = session.status is Status.CANCELLED
    if time is None or is_time_of(session, time):
        draft.confirmation.forget(Entity.SESSION, session.id, HeldKind.MOVED)
        if time is not None and time.utc_offset_minutes is not None:
            updated = updated.model_copy(update={"utc_offset_minutes": time.utc_offset_minutes})
    elif returns or confirm_or_hold_move(draft, session, time):
        updated = timed(updated, listed.format, time)
        if not session.has_results:
            updated = by_clock(updated, draft.now)
    return by_clock(updated, draft.now) if returns else updated


def hold_unknown_sessions(draft: Draft, event_id: str, listed: ListedEvent) -> None:
    """Hold listed sessions whose kind this version does not know."""
    if not listed.unknown_sessions:
        draft.confirmation.forget(Entity.EVENT, event_id, HeldKind.UNKNOWN_SESSION)
        return
    labels = ", ".join(listed.unknown_sessions)
    payload = {"labels": list(listed.unknown_sessions)}
    reason = f"a session of a kind this version does not know: {labels}"
    draft.confirmation.confirm_or_hold(Entity.EVENT, event_id, HeldKind.UNKNOWN_SESSION, payload, reason, None)
    draft.notes.append(f"{listed.name}: left out {reason}")


def new_session(draft: Draft, event_id: str, listed: ListedEvent, slot: ListedSession, time: SessionTime) -> Session:
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
        source=draft.source,
    )
    return by_clock(timed(session, listed.format, time), draft.now)


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
