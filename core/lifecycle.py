"""A calendar's life: what a source's answer makes of what is known. Pure functions of both and a given `now`.

The rules and the cases they come from: `tests/test_lifecycle.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from core import holding, identity
from core.calendar import Calendar
from core.changes import event_changes, session_changes
from core.circuits import time_zone, venue_at
from core.holding import Holding
from core.records import (
    Change,
    Entity,
    Event,
    EventFormat,
    HeldKind,
    ListedEvent,
    ListedSession,
    ScheduleAnswer,
    Session,
    SessionKind,
    Status,
    jsonable,
)
from core.times import SessionTime, length, session_time, status_at

SOON = timedelta(days=14)
IMPLAUSIBLE_EVENTS = 3
IMPLAUSIBLE_SHARE = 0.2


@dataclass(frozen=True)
class Reconciled:
    """The calendar as it should be, what happened to it, and what a person should be told beside that."""

    calendar: Calendar
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def reconcile(
    known: Calendar,
    answer: ScheduleAnswer,
    now: datetime,
    *,
    races: Sequence[ListedEvent] = (),
    force: bool = False,
) -> Reconciled:
    """What a source's answer makes of a known season.

    `races` are Jolpica's events of the season, for their circuits, where they were asked for. With `force` nothing
    is held: what upstream says is applied at once.
    """
    return _Reconciliation(known, answer, now, races, force).run()


class _Reconciliation:
    """One run of `reconcile`: the known state, and the next one as it takes shape."""

    def __init__(
        self,
        known: Calendar,
        answer: ScheduleAnswer,
        now: datetime,
        races: Sequence[ListedEvent],
        force: bool,
    ) -> None:
        self.known = known
        self.answer = answer
        self.now = now
        self.races = races
        self.listed = answer.events
        self.holding = Holding(known.held, now, force=force)
        self.events = dict(known.events)
        self.sessions = dict(known.sessions)
        self.circuits = dict(known.circuits)
        self.notes: list[str] = []

    def run(self) -> Reconciled:
        matched = identity.match_events(self.known.events.values(), self.listed)
        absent = self._absent_events(set(matched.values()))
        self.braked = self._is_implausible(matched, absent)
        for index, listed in enumerate(self.listed):
            if index in matched:
                self._update(self.known.events[matched[index]], listed)
            else:
                self._add(listed)
        for event in absent:
            self._miss(event)
        changes = [
            change
            for before, after, told in self._rows()
            for change in (event_changes(before, after) if told else session_changes(before, after))
        ]
        calendar = Calendar(self.events, self.sessions, self.circuits, self.holding.kept)
        return Reconciled(calendar, tuple(changes), tuple(self.notes))

    def _rows(self) -> list[Any]:
        """Every event before its sessions, in the calendar's order, as it was and as it is."""
        rows: list[Any] = []
        by_event: dict[str, list[Session]] = {}
        for session in self.sessions.values():
            by_event.setdefault(session.event_id, []).append(session)
        for event in sorted(self.events.values(), key=lambda e: (e.first_date, e.id)):
            rows.append((self.known.events.get(event.id), event, True))
            for session in sorted(by_event.get(event.id, ()), key=lambda s: (s.local_date, s.id)):
                rows.append((self.known.sessions.get(session.id), session, False))
        return rows

    # -- what is absent ---------------------------------------------------------------------------

    def _absent_events(self, found: set[str]) -> list[Event]:
        """Events that this source listed before and no longer does; what has results is never among them."""
        if not self.answer.complete:
            return []
        return [
            event
            for event in self.known.events.values()
            if event.id not in found
            and event.source is self.answer.source
            and event.status is not Status.CANCELLED
            and not any(session.has_results for session in self.known.sessions_of(event.id).values())
        ]

    def _miss(self, event: Event) -> None:
        """Cancel an event, with its sessions, once its absence is believed."""
        wait = holding.IMPLAUSIBLE if self.braked else holding.ABSENCE
        if self.holding.believes(
            Entity.EVENT,
            event.id,
            HeldKind.ABSENT,
            {"source": self.answer.source.value},
            f"{event.name} is no longer listed",
            wait,
        ):
            self.events[event.id] = event.model_copy(update={"status": Status.CANCELLED, "round": None})
            for session in self.known.sessions_of(event.id).values():
                self.sessions[session.id] = session.model_copy(update={"status": Status.CANCELLED})
        else:
            self.notes.append(f"{event.name} is no longer listed: cancelled if that is still so in {_hours(wait)}")

    def _is_implausible(self, matched: Mapping[int, str], absent: Sequence[Event]) -> bool:
        """Whether one answer drops or moves more of the season than happens at once in reality."""
        touched = {event.id for event in absent}
        for index, event_id in matched.items():
            event, listed = self.known.events[event_id], self.listed[index]
            if event.source is not self.answer.source or event.status is Status.CANCELLED:
                continue
            zone = self._zone(event, listed)
            sessions = self.known.sessions_of(event_id)
            for slot in listed.sessions:
                session, time = sessions.get(slot.kind), session_time(slot, zone)
                if session and time and self._is_move(session, time) and not self._has_passed(session):
                    touched.add(event_id)
        active = sum(event.status is not Status.CANCELLED for event in self.known.events.values())
        braked = len(touched) >= IMPLAUSIBLE_EVENTS and len(touched) > IMPLAUSIBLE_SHARE * active
        if braked:
            self.notes.append(
                f"{self.answer.source.value} drops or moves {len(touched)} of {active} events at once: "
                f"what is dropped or near is held for {_hours(holding.IMPLAUSIBLE)}"
            )
        return braked

    # -- what is listed ---------------------------------------------------------------------------

    def _add(self, listed: ListedEvent) -> None:
        circuit_id = self._circuit_id(listed)
        identity_ = identity.event_id(listed.season, listed.name, self.events)
        zone = time_zone(circuit_id or venue_at(listed.country, listed.locality))
        sessions = {}
        for slot in listed.sessions:
            time = session_time(slot, zone)
            if time is not None:
                sessions[slot.kind] = self._new_session(identity_, listed, slot, time)
        dates = _dates(sessions.values(), listed.last_date)
        self.events[identity_] = Event(
            id=identity_,
            season=listed.season,
            round=listed.round,
            name=listed.name,
            official_name=listed.official_name,
            country=listed.country,
            locality=listed.locality,
            circuit_id=circuit_id,
            format=listed.format,
            status=status_at(self.now, dates["starts_at"], dates["ends_at"], dates["last_date"]),
            source=self.answer.source,
            **dates,
        )
        self.sessions.update({session.id: session for session in sessions.values()})
        self._keep_unknown(identity_, listed)

    def _update(self, event: Event, listed: ListedEvent) -> None:
        if self.answer.source.rank > event.source.rank:
            self._complement(event, listed)
            return
        self.holding.forget(Entity.EVENT, event.id, HeldKind.ABSENT)
        moved_away = bool(listed.locality) and not identity.same_place(event, listed)
        circuit_id = self._circuit_id(listed) or (None if moved_away else event.circuit_id)
        zone = time_zone(circuit_id or venue_at(listed.country, listed.locality))
        sessions = self.known.sessions_of(event.id)
        self._update_sessions(event, listed, sessions, zone)
        now_active = [
            session
            for session in self.sessions.values()
            if session.event_id == event.id and session.status is not Status.CANCELLED
        ]
        dates = _dates(now_active, listed.last_date if not now_active else None)
        returns = event.status is Status.CANCELLED
        moved = (dates["starts_at"], dates["ends_at"]) != (event.starts_at, event.ends_at)
        self.events[event.id] = event.model_copy(
            update={
                **dates,
                "round": listed.round,
                "name": listed.name,
                "official_name": listed.official_name or event.official_name,
                "country": listed.country or event.country,
                "locality": listed.locality or event.locality,
                "circuit_id": circuit_id,
                "format": listed.format,
                "status": status_at(self.now, dates["starts_at"], dates["ends_at"], dates["last_date"])
                if returns or moved
                else event.status,
                "source": self.answer.source,
            }
        )
        self._keep_unknown(event.id, listed)

    def _complement(self, event: Event, listed: ListedEvent) -> None:
        """Take from a lesser source only what the better one has left open."""
        update: dict[str, Any] = {}
        if event.circuit_id is None and (circuit_id := self._circuit_id(listed)):
            update["circuit_id"] = circuit_id
        if event.official_name is None and listed.official_name:
            update["official_name"] = listed.official_name
        zone = self._zone(event, listed)
        known = self.known.sessions_of(event.id)
        for slot in listed.sessions:
            session, time = (
                self.known.sessions.get(identity.session_id(event.id, slot.kind)),
                session_time(slot, zone),
            )
            if time and not known and event.status is not Status.CANCELLED:
                fresh = self._new_session(event.id, listed, slot, time)
                self.sessions[fresh.id] = fresh
            if (
                session
                and time
                and session.starts_at is None
                and time.starts_at
                and session.local_date == time.local_date
            ):
                self.sessions[session.id] = self._timed(session, event.format, time)
        active = [s for s in self.sessions.values() if s.event_id == event.id and s.status is not Status.CANCELLED]
        if active and event.status is not Status.CANCELLED:
            update.update(_dates(active, None))
        self.events[event.id] = event.model_copy(update=update)

    def _update_sessions(
        self, event: Event, listed: ListedEvent, known: Mapping[SessionKind, Session], zone: Any
    ) -> None:
        added = 0
        for slot in listed.sessions:
            session, time = known.get(slot.kind), session_time(slot, zone)
            if session is not None:
                self._update_session(session, listed, slot, time)
                added += session.status is Status.CANCELLED
            elif time is not None:
                fresh = self._new_session(event.id, listed, slot, time)
                self.sessions[fresh.id] = fresh
                added += 1
        if not (self.answer.complete and listed.sessions) or listed.unknown_sessions:
            return
        kinds = {slot.kind for slot in listed.sessions}
        absent = [
            session
            for kind, session in known.items()
            if kind not in kinds
            and session.status is not Status.CANCELLED
            and session.source.rank >= self.answer.source.rank
            and not session.has_results
        ]
        for session in absent:
            replaced = added >= len(absent)
            wait = timedelta(0) if replaced else holding.IMPLAUSIBLE if self.braked else holding.ABSENCE
            if self.holding.believes(
                Entity.SESSION,
                session.id,
                HeldKind.ABSENT,
                {"source": self.answer.source.value},
                f"{session.name} is no longer listed",
                wait,
            ):
                self.sessions[session.id] = session.model_copy(update={"status": Status.CANCELLED})
            else:
                self.notes.append(
                    f"{event.name}: {session.name} is no longer listed: cancelled if that is still so in {_hours(wait)}"
                )

    def _update_session(
        self, session: Session, listed: ListedEvent, slot: ListedSession, time: SessionTime | None
    ) -> None:
        if self.answer.source.rank > session.source.rank:
            return
        self.holding.forget(Entity.SESSION, session.id, HeldKind.ABSENT)
        renamed = session.model_copy(update={"name": slot.name, "source": self.answer.source})
        returns = session.status is Status.CANCELLED
        if time is None or (time.starts_at is None and time.local_date == session.local_date):
            moved = False
        else:
            moved = (time.starts_at, time.local_date) != (session.starts_at, session.local_date)
        if moved and time is not None and (returns or self._may_move(session, time)):
            renamed = self._timed(renamed, listed.format, time)
            if not session.has_results:
                renamed = renamed.model_copy(update={"status": self._status(renamed)})
        elif not moved:
            self.holding.forget(Entity.SESSION, session.id, HeldKind.MOVED)
            if time is not None and time.utc_offset_minutes is not None:
                renamed = renamed.model_copy(update={"utc_offset_minutes": time.utc_offset_minutes})
        if returns:
            renamed = renamed.model_copy(update={"status": self._status(renamed)})
        self.sessions[session.id] = renamed

    def _may_move(self, session: Session, time: SessionTime) -> bool:
        """Whether a move is believed now; if not, it is held."""
        wait: timedelta | None = timedelta(0)
        reason = ""
        if self._is_move(session, time):
            if self._has_passed(session):
                to_come = time.starts_at > self.now if time.starts_at else time.local_date >= self.now.date()
                if session.has_results and to_come:
                    wait, reason = None, "it has results, and upstream gives it a time to come"
                elif not to_come:
                    wait, reason = (
                        holding.PAST_MOVE,
                        "its time has passed, and upstream gives it another past one",
                    )
            elif self.braked and self._is_soon(session, time):
                wait, reason = holding.IMPLAUSIBLE, "it moves with an implausible share of the season"
        payload = {"starts_at": jsonable(time.starts_at), "local_date": jsonable(time.local_date)}
        if self.holding.believes(Entity.SESSION, session.id, HeldKind.MOVED, payload, reason, wait):
            return True
        until = f"moved if that is still so in {_hours(wait)}" if wait else "kept where it is"
        self.notes.append(f"{session.id}: {reason}: {until}")
        return False

    def _is_move(self, session: Session, time: SessionTime) -> bool:
        """Whether the source changed its mind; a better source's word or a better-known zone is no move."""
        if session.status is Status.CANCELLED or self.answer.source is not session.source:
            return False
        if session.starts_at is None:
            return time.local_date != session.local_date
        if (time.starts_at, time.local_date) == (session.starts_at, session.local_date):
            return False
        if time.starts_at is None:
            return time.local_date != session.local_date
        was = SessionTime(session.local_date, session.starts_at, session.utc_offset_minutes)
        return was.wall_time is None or time.wall_time is None or was.wall_time != time.wall_time

    def _has_passed(self, session: Session) -> bool:
        if session.starts_at is None:
            return session.local_date < self.now.date()
        return session.starts_at <= self.now

    def _is_soon(self, session: Session, time: SessionTime) -> bool:
        soon = self.now + SOON
        moments = [moment for moment in (session.starts_at, time.starts_at) if moment is not None]
        days = [day for day in (session.local_date, time.local_date) if not moments]
        return any(moment <= soon for moment in moments) or any(day <= soon.date() for day in days)

    # -- making rows ------------------------------------------------------------------------------

    def _new_session(self, event_id: str, listed: ListedEvent, slot: ListedSession, time: SessionTime) -> Session:
        session = Session(
            id=identity.session_id(event_id, slot.kind),
            event_id=event_id,
            kind=slot.kind,
            name=slot.name,
            local_date=time.local_date,
            starts_at=None,
            ends_at=None,
            utc_offset_minutes=None,
            status=Status.SCHEDULED,
            source=self.answer.source,
        )
        session = self._timed(session, listed.format, time)
        return session.model_copy(update={"status": self._status(session)})

    def _timed(self, session: Session, event_format: EventFormat, time: SessionTime) -> Session:
        ends = time.starts_at + length(session.kind, event_format) if time.starts_at else None
        return session.model_copy(
            update={
                "local_date": time.local_date,
                "starts_at": time.starts_at,
                "ends_at": ends,
                "utc_offset_minutes": time.utc_offset_minutes,
            }
        )

    def _status(self, session: Session) -> Status:
        return status_at(self.now, session.starts_at, session.ends_at, session.local_date)

    def _circuit_id(self, listed: ListedEvent) -> str | None:
        circuit = identity.circuit_of(listed, self.races, self.circuits)
        if circuit is None:
            return None
        self.circuits[circuit.id] = circuit
        return circuit.id

    def _zone(self, event: Event, listed: ListedEvent) -> Any:
        stays = not listed.locality or identity.same_place(event, listed)
        circuit = listed.circuit.id if listed.circuit else event.circuit_id if stays else None
        return time_zone(circuit or venue_at(listed.country, listed.locality))

    def _keep_unknown(self, event_id: str, listed: ListedEvent) -> None:
        if listed.unknown_sessions:
            labels = ", ".join(listed.unknown_sessions)
            self.holding.believes(
                Entity.EVENT,
                event_id,
                HeldKind.UNKNOWN_SESSION,
                {"labels": list(listed.unknown_sessions)},
                f"a session of a kind this version does not know: {labels}",
                None,
            )
            self.notes.append(f"{listed.name}: left out a session of a kind this version does not know: {labels}")
        else:
            self.holding.forget(Entity.EVENT, event_id, HeldKind.UNKNOWN_SESSION)


def _dates(sessions: Any, last_date: date | None) -> dict[str, Any]:
    """An event's dates and instants, from its sessions; from its own date where it has none."""
    sessions = list(sessions)
    days = [session.local_date for session in sessions] or [last_date]
    starts = [session.starts_at for session in sessions if session.starts_at]
    ends = [session.ends_at for session in sessions if session.ends_at]
    return {
        "first_date": min(days),
        "last_date": max(days),
        "starts_at": min(starts) if starts else None,
        "ends_at": max(ends) if ends else None,
    }


def _hours(wait: timedelta) -> str:
    return f"{wait.total_seconds() / 3600:.0f} hours"
