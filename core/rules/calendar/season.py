"""A season as the database holds it, and which sources to fetch it from. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from core.kinds import EventFormat, SessionKind, Source
from core.records import Circuit, Event, Held, ScheduleAnswer, Session
from core.rules import confirmation
from core.rules.calendar import identity

FIRST_LIVETIMING_SEASON = 2018
"""The first season in live timing's archive, and in FastF1's own schedule, which is made from it."""


@dataclass(frozen=True)
class Calendar:
    """A season as the database holds it, each row by its key; `circuits` are those of all seasons."""

    events: Mapping[str, Event] = field(default_factory=dict)
    sessions: Mapping[str, Session] = field(default_factory=dict)
    circuits: Mapping[str, Circuit] = field(default_factory=dict)
    held: Mapping[confirmation.Key, Held] = field(default_factory=dict)

    @property
    def events_in_order(self) -> list[Event]:
        """The events by date."""
        return sorted(self.events.values(), key=lambda event: event.in_order)

    def sessions_of(self, event_id: str) -> dict[SessionKind, Session]:
        """An event's sessions by kind."""
        return {s.kind: s for s in self.sessions.values() if s.event_id == event_id}


def sources_of(season: int, now: datetime) -> tuple[Source, ...]:
    """The sources that may have a season's schedule, best first; live timing only once the season has begun."""
    if season < FIRST_LIVETIMING_SEASON:
        return (Source.JOLPICA,)
    return tuple(source for source in Source if source is not Source.LIVETIMING or season <= now.year)


def begun(answer: ScheduleAnswer, now: datetime) -> ScheduleAnswer:
    """The answer; if its source is incomplete, without events that have not begun."""
    if answer.complete:
        return answer
    events = tuple(event for event in answer.events if event.last_date <= now.date() + timedelta(days=1))
    return answer.model_copy(update={"events": events})


class CircuitsNeed(Enum):
    """Whether circuits must be fetched from Jolpica: not at all, at once, or again later."""

    NONE = 0
    AT_ONCE = 1
    AGAIN = 2


def circuits_need(calendar: Calendar, answer: ScheduleAnswer) -> CircuitsNeed:
    """Whether a race of the answer has no known circuit: new, moved, or missing at Jolpica so far."""
    if any(event.circuit for event in answer.events):
        return CircuitsNeed.NONE
    need = CircuitsNeed.NONE
    matched = identity.match_events(calendar.events.values(), answer.events)
    for index, listed in enumerate(answer.events):
        if listed.format is EventFormat.TESTING:
            continue
        known = calendar.events.get(matched.get(index, ""))
        if known is None or (known.circuit_id is not None and identity.has_moved_away(known, listed)):
            return CircuitsNeed.AT_ONCE
        if known.circuit_id is None:
            need = CircuitsNeed.AGAIN
    return need
