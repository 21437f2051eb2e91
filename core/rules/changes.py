"""The changes of an event or a session from its row before and after, and the feed's records. Pure functions.

There is one change per entity and kind: a race that moves to another circuit and another day in one sync is relocated
and postponed. `before` and `after` have the fields of the kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from pydantic import AwareDatetime

from core.kinds import ChangeKind, Entity, Status
from core.records import Change, Event, Record, Session
from core.rules.calendar.circuits import place_key
from core.rules.calendar.season import Calendar
from core.text import jsonable

EVENT_TIMES = ("first_date", "last_date", "starts_at", "ends_at")
SESSION_TIMES = ("local_date", "starts_at", "ends_at", "utc_offset_minutes")
PLACE = ("country", "locality", "circuit_id")
BOOKKEEPING = {"next_poll_at", "poll_attempts", "poll_faults", "last_error"}
"""Bookkeeping columns, excluded from the feed."""


class FeedChange(Change):
    """A change in the feed, with the words of the view `changes_in_words`.

    `event_id` and `session_id` are None if it is about neither or the row is gone; then `subject` is the entity's id.
    """

    id: int
    at: AwareDatetime
    event_id: str | None
    session_id: str | None
    subject: str
    words: str


def changes_between(before: Calendar, after: Calendar) -> Iterator[Change]:
    """The changes from one calendar to another: each event's, then its sessions', by date."""
    for event in after.events_in_order:
        yield from event_changes(before.events.get(event.id), event)
        own = after.sessions_of(event.id).values()
        for session in sorted(own, key=lambda session: (session.local_date, session.id)):
            yield from session_changes(before.sessions.get(session.id), session)


def event_changes(before: Event | None, after: Event) -> list[Change]:
    """The changes from one state of an event to the next; none if they are equal."""
    if before is None:
        return [_added(Entity.EVENT, after)]
    changed = _differing(before, after)
    kinds: dict[ChangeKind, Sequence[str]] = {}
    if "status" in changed:
        kind = _status_kind(before.status, after.status)
        kinds[kind] = ("status", "round") if kind is ChangeKind.CANCELLED else ("status",)
    if "round" in changed and after.status is not Status.CANCELLED:
        kinds[ChangeKind.RENUMBERED] = ("round",)
    if "name" in changed or ("official_name" in changed and before.official_name is not None):
        kinds[ChangeKind.RENAMED] = ("name", "official_name")
    if place_key(before.country, before.locality) != place_key(after.country, after.locality):
        kinds[ChangeKind.RELOCATED] = PLACE
    if "format" in changed:
        kinds[ChangeKind.FORMAT_CHANGED] = ("format",)
    if changed & set(EVENT_TIMES):
        kinds[_time_kind(before.starts_at, before.last_date, after.last_date)] = EVENT_TIMES
    return list(_changes(Entity.EVENT, before, after, changed, kinds))


def session_changes(before: Session | None, after: Session) -> list[Change]:
    """The changes from one state of a session to the next; none if they are equal."""
    if before is None:
        return [_added(Entity.SESSION, after)]
    changed = _differing(before, after)
    kinds: dict[ChangeKind, Sequence[str]] = {}
    if "status" in changed:
        kinds[_status_kind(before.status, after.status)] = ("status",)
    if "name" in changed:
        kinds[ChangeKind.RENAMED] = ("name",)
    if changed & {"local_date", "starts_at"}:
        kinds[_time_kind(before.starts_at, before.local_date, after.local_date)] = SESSION_TIMES
    return list(_changes(Entity.SESSION, before, after, changed, kinds))


def _changes(
    entity: Entity,
    before: Event | Session,
    after: Event | Session,
    changed: set[str],
    kinds: dict[ChangeKind, Sequence[str]],
) -> Iterator[Change]:
    """One change per kind; fields without a kind of their own are details that became known or better known."""
    fields_of = {kind: [name for name in fields if name in changed] for kind, fields in kinds.items()}
    covered = {name for fields in fields_of.values() for name in fields}
    if rest := [name for name in type(after).model_fields if name in changed - covered]:
        fields_of.setdefault(ChangeKind.DETAILED, []).extend(rest)
    for kind, fields in fields_of.items():
        yield Change(
            entity=entity,
            entity_id=after.id,
            kind=kind,
            before={name: jsonable(getattr(before, name)) for name in fields},
            after={name: jsonable(getattr(after, name)) for name in fields},
        )


def _added(entity: Entity, after: Event | Session) -> Change:
    fields = {name: jsonable(value) for name, value in after if name not in BOOKKEEPING}
    return Change(entity=entity, entity_id=after.id, kind=ChangeKind.ADDED, before=None, after=fields)


def _differing(before: Record, after: Record) -> set[str]:
    return {name for name, value in after if name not in BOOKKEEPING and getattr(before, name) != value}


def _status_kind(before: Status, after: Status) -> ChangeKind:
    if after is Status.CANCELLED:
        return ChangeKind.CANCELLED
    return ChangeKind.REINSTATED if before is Status.CANCELLED else ChangeKind.STATUS


def _time_kind(starts_at: datetime | None, before: date, after: date) -> ChangeKind:
    """The kind of a move: later, earlier, or another time on the same date; a first known time is only a detail."""
    if after == before:
        return ChangeKind.DETAILED if starts_at is None else ChangeKind.RESCHEDULED
    return ChangeKind.POSTPONED if after > before else ChangeKind.BROUGHT_FORWARD
