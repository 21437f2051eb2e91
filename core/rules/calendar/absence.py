"""Events and sessions that a source no longer lists, and when they are cancelled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.kinds import Entity, HeldKind, SessionKind, Status
from core.records import Event, ListedEvent, MalformedEvent, ScheduleAnswer, Session
from core.rules.calendar.draft import Draft
from core.rules.calendar.identity import slug
from core.rules.calendar.season import Calendar
from core.rules.calendar.times import session_time
from core.rules.confirmation import ABSENCE, AT_ONCE, IMPLAUSIBLE
from core.text import hours


def namesakes(known: Calendar, found: Collection[str], malformed: MalformedEvent) -> list[Event]:
    """The known events that share a malformed event's name and are not among those `found` in the answer."""
    if malformed.name is None:
        return []
    wanted = slug(malformed.name)
    return [event for event in known.events_in_order if event.id not in found and slug(event.name) == wanted]


def absent_events(known: Calendar, answer: ScheduleAnswer, found: Collection[str]) -> list[Event]:
    """Events that this source listed before and no longer does, without those that have results.

    An event that could be one of the malformed ones is not absent; if a malformed one has no name, none is absent.
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
    """An event's sessions that a source no longer lists; `replaced` if as many others took their place."""

    sessions: tuple[Session, ...] = ()
    replaced: bool = False


def absent_sessions(
    known: Mapping[SessionKind, Session], listed: ListedEvent, answer: ScheduleAnswer
) -> AbsentSessions:
    """The absent sessions of a listed event; none if the answer cannot show an absence."""
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


def cancel_or_hold_event(draft: Draft, event: Event) -> None:
    """Cancel an absent event with its sessions once the absence is confirmed; until then hold it."""
    wait = IMPLAUSIBLE if draft.implausible else ABSENCE
    if not _confirm_or_hold(draft, Entity.EVENT, event, wait):
        draft.notes.append(_note(event.name, wait))
        return
    draft.events[event.id] = event.model_copy(update={"status": Status.CANCELLED, "round": None})
    for session in draft.known.sessions_of(event.id).values():
        draft.put_session(session.model_copy(update={"status": Status.CANCELLED}))


def cancel_or_hold_sessions(draft: Draft, event: Event, absent: AbsentSessions) -> bool:
    """Cancel absent sessions, at once if others replace them, otherwise once confirmed; returns whether all are."""
    wait = IMPLAUSIBLE if draft.implausible else AT_ONCE if absent.replaced else ABSENCE
    all_confirmed = True
    for session in absent.sessions:
        if _confirm_or_hold(draft, Entity.SESSION, session, wait):
            draft.put_session(session.model_copy(update={"status": Status.CANCELLED}))
        else:
            all_confirmed = False
            draft.notes.append(f"{event.name}: {_note(session.name, wait)}")
    return all_confirmed


def _confirm_or_hold(draft: Draft, entity: Entity, absent: Event | Session, wait: timedelta) -> bool:
    payload, reason = {"source": draft.source.value}, f"{absent.name} is no longer listed"
    return draft.confirmation.confirm_or_hold(entity, absent.id, HeldKind.ABSENT, payload, reason, wait)


def _note(name: str, wait: timedelta) -> str:
    return f"{name} is no longer listed: cancelled if that is still so in {hours(wait)}"
