"""Whether a source's answer can be a season's calendar at all. Pure functions.

An answer that cannot is that source's fault as a whole: nothing of it is believed, and the next source is asked.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from core.errors import ScheduleRejected
from core.records import EventFormat, ListedEvent, ScheduleAnswer
from core.rules.calendar.circuits import place_key
from core.rules.calendar.identity import SAME_WEEKEND, slug

MOST_EVENTS = 40
"""A season has had 24 races and four tests."""


def calendar(answer: ScheduleAnswer) -> ScheduleAnswer:
    """The answer, if it can be a season's calendar.

    Raises:
        ScheduleRejected: it has too many events, one twice, a round twice, or as many that cannot be read as others.
    """
    if fault := _fault(answer):
        raise ScheduleRejected(answer.source.value, fault)
    return answer


def _fault(answer: ScheduleAnswer) -> str | None:
    events, malformed = answer.events, answer.malformed
    count = len(events) + len(malformed)
    if count > MOST_EVENTS:
        return f"no calendar: {count} events"
    if malformed and len(malformed) >= len(events):
        first = malformed[0]
        return f"no calendar: {len(malformed)} of {count} events cannot be read, the first: {first.reason}"
    rounds = Counter(event.round for event in events if event.round is not None)
    if twice := [number for number, times in rounds.items() if times > 1]:
        return f"no calendar: {rounds[twice[0]]} events are round {twice[0]}"
    for one, other in combinations(events, 2):
        if _are_one(one, other):
            return f"no calendar: {other.name} twice"
    return None


def _are_one(one: ListedEvent, other: ListedEvent) -> bool:
    """Whether two are one event: of one name or at one place, on one weekend."""
    if abs(one.last_date - other.last_date) > SAME_WEEKEND:
        return False
    if (one.format is EventFormat.TESTING) != (other.format is EventFormat.TESTING):
        return False
    if slug(one.name) == slug(other.name):
        return True
    return bool(one.locality) and place_key(one.country, one.locality) == place_key(other.country, other.locality)
