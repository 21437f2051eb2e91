"""Qualifying sessions of 1994 to 2017, which Jolpica's schedule lacks and its qualifying tables show. Pure.

Until a schedule lists it, such a session has no time, and the day before the race as its date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from core.kinds import SessionKind, Source
from core.records import Event, ListedEvent, ListedResult, ListedSession, ScheduleAnswer
from core.rules.calendar.identity import SAME_WEEKEND, match_events, slug
from core.rules.calendar.season import FIRST_LIVETIMING_SEASON, Calendar

FIRST_QUALIFYING_SEASON = 1994
"""The first season with qualifying tables; from FIRST_LIVETIMING_SEASON on the schedule lists the sessions."""

NAME = "Qualifying"
BEFORE_THE_RACE = timedelta(days=1)


def needs_tables(known: Calendar, answer: ScheduleAnswer, now: datetime) -> bool:
    """Whether some finished race has no known or listed qualifying session, which a table may show."""
    if not _is_unlisted(answer):
        return False
    matched = match_events(known.events.values(), answer.events)
    return any(
        not _lists_qualifying(listed)
        and listed.last_date < now.date()
        and SessionKind.QUALIFYING not in known.sessions_of(matched.get(index, ""))
        for index, listed in enumerate(answer.events)
    )


def with_qualifying(
    known: Calendar, answer: ScheduleAnswer, matched: Mapping[int, str], tables: Sequence[ListedResult]
) -> ScheduleAnswer:
    """The answer, with the qualifying sessions that its source does not list.

    Args:
        matched: the known event of each listed one, by its index.
        tables: the season's qualifying results; each table with rows proves a session. Known sessions need no proof.
    """
    if not _is_unlisted(answer):
        return answer
    shown = [one.event for one in tables if one.event and (one.result is None or one.result.entries)]
    events = [
        _completed(listed, known, known.events.get(matched.get(index, "")), shown)
        for index, listed in enumerate(answer.events)
    ]
    return answer.model_copy(update={"events": tuple(events)})


def _completed(listed: ListedEvent, known: Calendar, event: Event | None, shown: Sequence[ListedEvent]) -> ListedEvent:
    """A listed race with its qualifying, on its known date or otherwise the day before."""
    if _lists_qualifying(listed):
        return listed
    session = known.sessions_of(event.id).get(SessionKind.QUALIFYING) if event else None
    if session is None and not any(_is_same(listed, other) for other in shown):
        return listed
    before = event.last_date - session.local_date if event and session else BEFORE_THE_RACE
    qualifying = ListedSession(kind=SessionKind.QUALIFYING, name=NAME, local_date=listed.last_date - before)
    return listed.model_copy(update={"sessions": (qualifying, *listed.sessions)})


def _is_unlisted(answer: ScheduleAnswer) -> bool:
    """Whether qualifying sessions are not listed by an answer's source in its season."""
    return answer.source is Source.JOLPICA and FIRST_QUALIFYING_SEASON <= answer.season < FIRST_LIVETIMING_SEASON


def _lists_qualifying(listed: ListedEvent) -> bool:
    return any(slot.kind is SessionKind.QUALIFYING for slot in listed.sessions)


def _is_same(listed: ListedEvent, other: ListedEvent) -> bool:
    """Whether two events of a season, listed by one source, are the same."""
    return slug(listed.name) == slug(other.name) and abs(listed.last_date - other.last_date) <= SAME_WEEKEND
