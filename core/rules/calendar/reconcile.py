"""A calendar's life: what a source's answer makes of what is known. Pure functions of both and a given `now`.

The rules and the cases they come from: `tests/test_lifecycle.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.records import (
    Change,
    Entity,
    Event,
    HeldKind,
    ListedEvent,
    ListedSession,
    ScheduleAnswer,
    Session,
    SessionKind,
    Source,
    Status,
    jsonable,
)
from core.rules import confirmation
from core.rules.calendar import identity, moves
from core.rules.calendar.absence import AbsentSessions, absent_events, absent_sessions
from core.rules.calendar.circuits import time_zone, venue_at
from core.rules.calendar.rejection import keep_malformed, keep_rejected
from core.rules.calendar.season import Calendar
from core.rules.calendar.times import SessionTime, session_time, status_at
from core.rules.calendar.weekends import by_clock, event_dates, new_session, timed
from core.rules.changes import EVENT_TIMES, event_changes, session_changes
from core.rules.confirmation import Confirmation

IMPLAUSIBLE_EVENTS = 3
IMPLAUSIBLE_SHARE = 0.2
IMPLAUSIBLE_MOVE = "it moves with an implausible share of the season"


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
    rejected: Mapping[Source, str] | None = None,
    force: bool = False,
) -> Reconciled:
    """What a source's answer makes of a known season.

    `races` are Jolpica's events of the season, for their circuits, where they were asked for; `rejected` the better
    sources whose answers can be no calendar, and why. With `force` nothing is held that can be read: it is applied at
    once.
    """
    return _Reconciliation(known, answer, now, races, rejected or {}, force).run()


class _Reconciliation:
    """One run of `reconcile`: the known state, and the next one as it takes shape."""

    def __init__(
        self,
        known: Calendar,
        answer: ScheduleAnswer,
        now: datetime,
        races: Sequence[ListedEvent],
        rejected: Mapping[Source, str],
        force: bool,
    ) -> None:
        self.known = known
        self.answer = answer
        self.now = now
        self.races = races
        self.rejected = rejected
        self.listed = answer.events
        self.confirmation = Confirmation(known.held, now, force=force)
        self.events = dict(known.events)
        self.sessions = dict(known.sessions)
        self.circuits = dict(known.circuits)
        self.notes: list[str] = []

    def run(self) -> Reconciled:
        matched = identity.match_events(self.known.events.values(), self.listed)
        found = set(matched.values())
        absent = absent_events(self.known, self.answer, found)
        self.braked = self._is_implausible(matched, absent)
        for index, listed in enumerate(self.listed):
            if index in matched:
                self._update(self.known.events[matched[index]], listed)
            else:
                self._add(listed)
        for event in absent:
            self._miss(event)
        keep_rejected(self.confirmation, self.answer.season, self.rejected)
        self.notes += keep_malformed(self.confirmation, self.known, self.answer, found, self.events)
        changes = [
            change
            for before, after, told in self._rows()
            for change in (event_changes(before, after) if told else session_changes(before, after))
        ]
        calendar = Calendar(self.events, self.sessions, self.circuits, self.confirmation.kept)
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

    def _miss(self, event: Event) -> None:
        """Cancel an event, with its sessions, once its absence is believed."""
        wait = confirmation.IMPLAUSIBLE if self.braked else confirmation.ABSENCE
        if self.confirmation.confirm_or_hold(
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
        """Whether one answer drops or moves more of the season than happens at once in reality, however far ahead."""
        touched = {event.id for event in absent}
        for index, event_id in matched.items():
            event = self.known.events[event_id]
            if event.source is self.answer.source and event.status is not Status.CANCELLED:
                touched |= {event_id} if self._touches(event, self.listed[index]) else set()
        active = sum(event.status is not Status.CANCELLED for event in self.known.events.values())
        braked = len(touched) >= IMPLAUSIBLE_EVENTS and len(touched) > IMPLAUSIBLE_SHARE * active
        if braked:
            self.notes.append(
                f"{self.answer.source.value} drops or moves {len(touched)} of {active} events at once: "
                f"what it drops or moves is held for {_hours(confirmation.IMPLAUSIBLE)}"
            )
        return braked

    def _touches(self, event: Event, listed: ListedEvent) -> bool:
        """Whether an answer drops a session of an event, or moves one in a way that would be believed at once."""
        sessions = self.known.sessions_of(event.id)
        if absent_sessions(sessions, listed, self.answer).sessions:
            return True
        zone = self._zone(event, listed)
        times = [(sessions.get(slot.kind), session_time(slot, zone)) for slot in listed.sessions]
        if not any(session is not None or time is not None for session, time in times):
            return moves.moves_without_sessions(event, listed, self.answer.source)
        return any(
            moves.is_move(session, time, self.answer.source)
            and moves.patience(session, time, self.now)[0] == moves.AT_ONCE
            for session, time in times
            if session is not None and time is not None
        )

    # -- what is listed ---------------------------------------------------------------------------

    def _add(self, listed: ListedEvent) -> None:
        circuit_id = self._circuit_id(listed)
        identity_ = identity.new_event_id(listed.season, listed.name, self.events)
        zone = time_zone(circuit_id or venue_at(listed.country, listed.locality))
        sessions = {}
        for slot in listed.sessions:
            time = session_time(slot, zone)
            if time is not None:
                sessions[slot.kind] = self._new_session(identity_, listed, slot, time)
        dates = event_dates(sessions.values(), listed.last_date)
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
        self.confirmation.forget(Entity.EVENT, event.id, HeldKind.ABSENT)
        moved_away = bool(listed.locality) and not identity.same_place(event, listed)
        circuit_id = self._circuit_id(listed) or (None if moved_away else event.circuit_id)
        zone = time_zone(circuit_id or venue_at(listed.country, listed.locality))
        sessions = self.known.sessions_of(event.id)
        believed = self._update_sessions(event, listed, sessions, zone)
        now_active = [
            session
            for session in self.sessions.values()
            if session.event_id == event.id and session.status is not Status.CANCELLED
        ]
        returns = event.status is Status.CANCELLED
        if now_active or returns or self._may_move_date(event, listed):
            dates = event_dates(now_active, listed.last_date)
        else:
            dates = {name: getattr(event, name) for name in EVENT_TIMES}
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
                "format": listed.format if believed else event.format,
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
            session, time = known.get(slot.kind), session_time(slot, zone)
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
                self.sessions[session.id] = timed(session, event.format, time)
        active = [s for s in self.sessions.values() if s.event_id == event.id and s.status is not Status.CANCELLED]
        if active and event.status is not Status.CANCELLED:
            update.update(event_dates(active, event.last_date))
        self.events[event.id] = event.model_copy(update=update)

    def _update_sessions(
        self, event: Event, listed: ListedEvent, known: Mapping[SessionKind, Session], zone: Any
    ) -> bool:
        """Bring an event's sessions up to date; whether kinds that take the place of others are believed."""
        absent = absent_sessions(known, listed, self.answer)
        believed = self._miss_sessions(event, absent) or not absent.replaced
        for slot in listed.sessions:
            session, time = known.get(slot.kind), session_time(slot, zone)
            if session is not None and (believed or session.status is not Status.CANCELLED):
                self._update_session(session, listed, slot, time)
            elif session is None and time is not None and believed:
                fresh = self._new_session(event.id, listed, slot, time)
                self.sessions[fresh.id] = fresh
        return believed

    def _miss_sessions(self, event: Event, absent: AbsentSessions) -> bool:
        """Cancel sessions once their absence is believed, at once where others took their place; whether all are."""
        wait = confirmation.IMPLAUSIBLE if self.braked else moves.AT_ONCE if absent.replaced else confirmation.ABSENCE
        believed = True
        for session in absent.sessions:
            if self.confirmation.confirm_or_hold(
                Entity.SESSION,
                session.id,
                HeldKind.ABSENT,
                {"source": self.answer.source.value},
                f"{session.name} is no longer listed",
                wait,
            ):
                self.sessions[session.id] = session.model_copy(update={"status": Status.CANCELLED})
            else:
                believed = False
                self.notes.append(
                    f"{event.name}: {session.name} is no longer listed: cancelled if that is still so in {_hours(wait)}"
                )
        return believed

    def _update_session(
        self, session: Session, listed: ListedEvent, slot: ListedSession, time: SessionTime | None
    ) -> None:
        if self.answer.source.rank > session.source.rank:
            return
        self.confirmation.forget(Entity.SESSION, session.id, HeldKind.ABSENT)
        renamed = session.model_copy(update={"name": slot.name, "source": self.answer.source})
        returns = session.status is Status.CANCELLED
        if time is None or (time.starts_at is None and time.local_date == session.local_date):
            moved = False
        else:
            moved = (time.starts_at, time.local_date) != (session.starts_at, session.local_date)
        if moved and time is not None and (returns or self._may_move(session, time)):
            renamed = timed(renamed, listed.format, time)
            if not session.has_results:
                renamed = by_clock(renamed, self.now)
        elif not moved:
            self.confirmation.forget(Entity.SESSION, session.id, HeldKind.MOVED)
            if time is not None and time.utc_offset_minutes is not None:
                renamed = renamed.model_copy(update={"utc_offset_minutes": time.utc_offset_minutes})
        if returns:
            renamed = by_clock(renamed, self.now)
        self.sessions[session.id] = renamed

    def _may_move(self, session: Session, time: SessionTime) -> bool:
        """Whether a session's move is believed now; if not, it is held."""
        wait: timedelta | None = moves.AT_ONCE
        reason, about = "", session.id
        if moves.is_move(session, time, self.answer.source):
            wait, reason = moves.patience(session, time, self.now)
            if wait == moves.AT_ONCE and self.braked:
                wait, reason = confirmation.IMPLAUSIBLE, IMPLAUSIBLE_MOVE
                about = self.known.events[session.event_id].name
        payload = {"starts_at": jsonable(time.starts_at), "local_date": jsonable(time.local_date)}
        if self.confirmation.confirm_or_hold(Entity.SESSION, session.id, HeldKind.MOVED, payload, reason, wait):
            return True
        self._tell_move(about, reason, wait)
        return False

    def _may_move_date(self, event: Event, listed: ListedEvent) -> bool:
        """Whether the date of an event without sessions is believed now; if not, it is held."""
        braked = self.braked and moves.moves_without_sessions(event, listed, self.answer.source)
        payload = {"last_date": jsonable(listed.last_date)}
        wait, reason = (confirmation.IMPLAUSIBLE, IMPLAUSIBLE_MOVE) if braked else (moves.AT_ONCE, "")
        if self.confirmation.confirm_or_hold(Entity.EVENT, event.id, HeldKind.MOVED, payload, reason, wait):
            return True
        self._tell_move(event.name, reason, wait)
        return False

    def _tell_move(self, about: str, reason: str, wait: timedelta | None) -> None:
        """Note a move that is held; of an implausible one only the event."""
        note = f"{about}: {reason}: {f'moved if that is still so in {_hours(wait)}' if wait else 'kept where it is'}"
        if note not in self.notes:
            self.notes.append(note)

    # -- making rows ------------------------------------------------------------------------------

    def _new_session(self, event_id: str, listed: ListedEvent, slot: ListedSession, time: SessionTime) -> Session:
        return new_session(event_id, listed.format, slot, time, self.answer.source, self.now)

    def _circuit_id(self, listed: ListedEvent) -> str | None:
        circuit = identity.circuit_of(listed, self.races, self.circuits)
        if circuit is None:
            return None
        zone = time_zone(circuit.id)
        self.circuits[circuit.id] = circuit.model_copy(update={"time_zone": zone and zone.key})
        return circuit.id

    def _zone(self, event: Event, listed: ListedEvent) -> Any:
        stays = not listed.locality or identity.same_place(event, listed)
        circuit = listed.circuit.id if listed.circuit else event.circuit_id if stays else None
        return time_zone(circuit or venue_at(listed.country, listed.locality))

    def _keep_unknown(self, event_id: str, listed: ListedEvent) -> None:
        if listed.unknown_sessions:
            labels = ", ".join(listed.unknown_sessions)
            self.confirmation.confirm_or_hold(
                Entity.EVENT,
                event_id,
                HeldKind.UNKNOWN_SESSION,
                {"labels": list(listed.unknown_sessions)},
                f"a session of a kind this version does not know: {labels}",
                None,
            )
            self.notes.append(f"{listed.name}: left out a session of a kind this version does not know: {labels}")
        else:
            self.confirmation.forget(Entity.EVENT, event_id, HeldKind.UNKNOWN_SESSION)


def _hours(wait: timedelta) -> str:
    return f"{wait.total_seconds() / 3600:.0f} hours"
