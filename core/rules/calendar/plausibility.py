"""Whether a source's answer is a possible calendar, and how much of the known one it changes. Pure functions.

An impossible calendar is rejected as a whole, and the next source is used. An answer that changes an implausible share
of the season at once is applied only after confirmation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import combinations

from core.errors import ScheduleRejected
from core.kinds import EventFormat, Status
from core.records import Event, ListedEvent, ScheduleAnswer
from core.rules.calendar import moves
from core.rules.calendar.absence import absent_sessions
from core.rules.calendar.circuits import place_key
from core.rules.calendar.draft import zone_without_races
from core.rules.calendar.identity import SAME_WEEKEND, slug
from core.rules.calendar.season import Calendar
from core.rules.calendar.times import session_time
from core.rules.confirmation import AT_ONCE

MOST_EVENTS = 40
"""A season has had 24 races and four tests."""

IMPLAUSIBLE_EVENTS = 3
IMPLAUSIBLE_SHARE = 0.2


def require_plausible(answer: ScheduleAnswer) -> ScheduleAnswer:
    """The answer, if it is a possible calendar.

    Raises:
        ScheduleRejected: too many events, an event or a round twice, or not more readable events than unreadable ones.
    """
    if fault := _fault(answer):
        raise ScheduleRejected(answer.source.value, fault)
    return answer


def _fault(answer: ScheduleAnswer) -> str | None:
    events, malformed = answer.events, answer.malformed
    count = len(events) + len(malformed)
    if count > MOST_EVENTS:
        return f"not a calendar: {count} events"
    if malformed and len(malformed) >= len(events):
        first = malformed[0]
        return f"not a calendar: {len(malformed)} of {count} events cannot be read, the first: {first.reason}"
    rounds = Counter(event.round for event in events if event.round is not None)
    if twice := [number for number, times in rounds.items() if times > 1]:
        return f"not a calendar: {rounds[twice[0]]} events are round {twice[0]}"
    for one, other in combinations(events, 2):
        if _are_one(one, other):
            return f"not a calendar: {other.name} is listed twice"
    return None


def _are_one(one: ListedEvent, other: ListedEvent) -> bool:
    """Whether two are the same event: of one name or at one place, on one weekend."""
    if abs(one.last_date - other.last_date) > SAME_WEEKEND:
        return False
    if (one.format is EventFormat.TESTING) != (other.format is EventFormat.TESTING):
        return False
    if slug(one.name) == slug(other.name):
        return True
    return bool(one.locality) and place_key(one.country, one.locality) == place_key(other.country, other.locality)


def active_events(known: Calendar) -> int:
    """How many events of a season are not cancelled."""
    return sum(event.status is not Status.CANCELLED for event in known.events.values())


def is_implausible(known: Calendar, touched: set[str]) -> bool:
    """Whether an answer touches more events than plausibly change at once, however far in the future they are."""
    return len(touched) >= IMPLAUSIBLE_EVENTS and len(touched) > IMPLAUSIBLE_SHARE * active_events(known)


def touched_events(
    known: Calendar, answer: ScheduleAnswer, matched: Mapping[int, str], absent: Iterable[Event], now: datetime
) -> set[str]:
    """The known events that an answer drops or moves, and those that lose a session."""
    touched = {event.id for event in absent}
    for index, event_id in matched.items():
        event = known.events[event_id]
        if event.source is answer.source and event.status is not Status.CANCELLED:
            touched |= {event_id} if _touches(known, event, answer.events[index], answer, now) else set()
    return touched


def _touches(known: Calendar, event: Event, listed: ListedEvent, answer: ScheduleAnswer, now: datetime) -> bool:
    """Whether an answer drops a session of an event, or moves one in a way that would normally be applied at once."""
    sessions = known.sessions_of(event.id)
    if absent_sessions(sessions, listed, answer).sessions:
        return True
    zone = zone_without_races(event, listed)
    times = [(sessions.get(slot.kind), session_time(slot, zone)) for slot in listed.sessions]
    if not any(session is not None or time is not None for session, time in times):
        return moves.moves_without_sessions(event, listed, answer.source)
    return any(
        moves.is_move(session, time, answer.source) and moves.holding_time(session, time, now)[0] == AT_ONCE
        for session, time in times
        if session is not None and time is not None
    )
