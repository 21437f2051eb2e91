"""What a source no longer lists. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from core.records import Event, ListedEvent, MalformedEvent, ScheduleAnswer, Session, SessionKind, Status
from core.rules.calendar.identity import slug
from core.rules.calendar.season import Calendar
from core.rules.calendar.times import session_time


def namesakes(known: Calendar, found: Collection[str], malformed: MalformedEvent) -> list[Event]:
    """The known events, beside those that were `found` in the answer, that an event that cannot be read may be."""
    if malformed.name is None:
        return []
    wanted = slug(malformed.name)
    events = sorted(known.events.values(), key=lambda event: (event.first_date, event.id))
    return [event for event in events if event.id not in found and slug(event.name) == wanted]


def absent_events(known: Calendar, answer: ScheduleAnswer, found: Collection[str]) -> list[Event]:
    """Events that this source listed before and no longer does; what has results is never among them.

    Neither is what may be listed and cannot be read: an event of that name, or any where not even the name says which.
    """
    if not answer.complete:
        return []
    unread = [namesakes(known, found, malformed) for malformed in answer.malformed]
    if not all(unread):
        return []
    listed = {event.id for events in unread for event in events} | set(found)
    return [
        event
        for event in known.events.values()
        if event.id not in listed
        and event.source is answer.source
        and event.status is not Status.CANCELLED
        and not any(session.has_results for session in known.sessions_of(event.id).values())
    ]


@dataclass(frozen=True)
class AbsentSessions:
    """An event's sessions that a source no longer lists; `replaced` where as many others took their place."""

    sessions: tuple[Session, ...] = ()
    replaced: bool = False


def absent_sessions(
    known: Mapping[SessionKind, Session], listed: ListedEvent, answer: ScheduleAnswer
) -> AbsentSessions:
    """The sessions of a listed event that are absent; none where the answer cannot tell."""
    if not (answer.complete and listed.sessions) or listed.unknown_sessions:
        return AbsentSessions()
    kinds = {slot.kind for slot in listed.sessions}
    absent = tuple(
        session
        for kind, session in known.items()
        if kind not in kinds
        and session.status is not Status.CANCELLED
        and session.source.rank >= answer.source.rank
        and not session.has_results
    )
    added = 0
    for slot in listed.sessions:
        before = known.get(slot.kind)
        is_new = before is None and session_time(slot, None) is not None
        added += is_new or (before is not None and before.status is Status.CANCELLED)
    return AbsentSessions(absent, replaced=added >= len(absent))
