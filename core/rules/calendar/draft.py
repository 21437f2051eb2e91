"""A reconciliation in progress: its inputs, and the next calendar so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from core.kinds import Source, Status
from core.records import Circuit, Event, ListedEvent, ScheduleAnswer, Session
from core.rules.calendar.circuits import time_zone, venue_at
from core.rules.calendar.identity import circuit_of, has_moved_away
from core.rules.calendar.season import Calendar
from core.rules.confirmation import Confirmation


@dataclass(frozen=True)
class Draft:
    """The next state of a season's calendar.

    `implausible`: the answer changes so much of the season at once that it needs confirmation. `races` are Jolpica's
    events of the season, for their circuits.
    """

    known: Calendar
    answer: ScheduleAnswer
    now: datetime
    races: Sequence[ListedEvent]
    implausible: bool
    confirmation: Confirmation
    events: dict[str, Event]
    sessions: dict[str, Session]
    circuits: dict[str, Circuit]
    notes: list[str] = field(default_factory=list)

    @property
    def source(self) -> Source:
        """The source that answered."""
        return self.answer.source

    def put_session(self, session: Session) -> None:
        """Add or replace a session."""
        self.sessions[session.id] = session

    def active_sessions(self, event_id: str) -> list[Session]:
        """An event's sessions that are not cancelled so far."""
        own = [session for session in self.sessions.values() if session.event_id == event_id]
        return [session for session in own if session.status is not Status.CANCELLED]

    def add_circuit(self, listed: ListedEvent) -> str | None:
        """Add a listed event's circuit with its time zone, and return its id; None if the circuit is unknown."""
        circuit = circuit_of(listed, self.races, self.circuits)
        if circuit is None:
            return None
        zone = time_zone(circuit.id)
        self.circuits[circuit.id] = circuit.model_copy(update={"time_zone": zone and zone.key})
        return circuit.id


def zone_of(circuit_id: str | None, listed: ListedEvent) -> ZoneInfo | None:
    """The time zone of a listed event: its circuit's, otherwise that of the venue at its place."""
    return time_zone(circuit_id or venue_at(listed.country, listed.locality))


def zone_without_races(event: Event, listed: ListedEvent) -> ZoneInfo | None:
    """A listed event's zone from its own circuit, or the known circuit if the place is unchanged."""
    known = None if has_moved_away(event, listed) else event.circuit_id
    return zone_of(listed.circuit.id if listed.circuit else known, listed)
