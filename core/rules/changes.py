"""The changes of an event or a session from its row before and after, and the feed's records. Pure functions.

There is one change per entity and kind: a race that moves to another circuit and another day in one sync is relocated
and postponed. `before` and `after` have the fields of the kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import AwareDatetime

from core.records import Change, ChangeKind, Entity, Event, Record, Session, Status
from core.rules.calendar.circuits import place_key
from core.text import jsonable

EVENT_TIMES = ("first_date", "last_date", "starts_at", "ends_at")
SESSION_TIMES = ("local_date", "starts_at", "ends_at", "utc_offset_minutes")
PLACE = ("country", "locality", "circuit_id")
BOOKKEEPING = {"next_poll_at", "poll_attempts", "poll_faults", "last_error"}
"""Bookkeeping columns, excluded from the feed."""


class FeedChange(Change):
    """A change in the feed, with the words of the view `changes_in_words`.

    `event_id` and `session_id` are None if it is about neither, or that row is gone; then `subject` is its id.
    """

    id: int
    at: AwareDatetime
    event_id: str | None
    session_id: str | None
    subject: str
    words: str


def event_changes(before: Event | None, after: Event) -> list[Change]:
    """The changes from one state of an event to the next; none if they are equal."""
    if before is None:
        return [_added(Entity.EVENT, after)]
    changed = _differing(before, after)
    kinds: list[tuple[ChangeKind, list[str]]] = []
    if "status" in changed:
        kind = _status_kind(before.status, after.status)
        kinds.append((kind, ["status", "round"] if kind is ChangeKind.CANCELLED else ["status"]))
    if "round" in changed and after.status is not Status.CANCELLED:
        kinds.append((ChangeKind.RENUMBERED, ["round"]))
    if "name" in changed or ("official_name" in changed and before.official_name is not None):
        kinds.append((ChangeKind.RENAMED, ["name", "official_name"]))
    if place_key(before.country, before.locality) != place_key(after.country, after.locality):
        kinds.append((ChangeKind.RELOCATED, list(PLACE)))
    if "format" in changed:
        kinds.append((ChangeKind.FORMAT_CHANGED, ["format"]))
    if changed & set(EVENT_TIMES):
        if before.starts_at is None and before.last_date == after.last_date:
            kinds.append((ChangeKind.DETAILED, list(EVENT_TIMES)))
        else:
            kinds.append((_move_kind(before.last_date, after.last_date), list(EVENT_TIMES)))
    return list(_changes(Entity.EVENT, before, after, changed, kinds))


def session_changes(before: Session | None, after: Session) -> list[Change]:
    """The changes from one state of a session to the next; none if they are equal."""
    if before is None:
        return [_added(Entity.SESSION, after)]
    changed = _differing(before, after)
    kinds: list[tuple[ChangeKind, list[str]]] = []
    if "status" in changed:
        kinds.append((_status_kind(before.status, after.status), ["status"]))
    if "name" in changed:
        kinds.append((ChangeKind.RENAMED, ["name"]))
    if changed & {"local_date", "starts_at"}:
        if before.starts_at is None and before.local_date == after.local_date:
            kinds.append((ChangeKind.DETAILED, list(SESSION_TIMES)))
        else:
            kinds.append((_move_kind(before.local_date, after.local_date), list(SESSION_TIMES)))
    return list(_changes(Entity.SESSION, before, after, changed, kinds))


def _changes(
    entity: Entity,
    before: Event | Session,
    after: Event | Session,
    changed: set[str],
    kinds: list[tuple[ChangeKind, list[str]]],
) -> Iterator[Change]:
    """One change per kind; fields of no kind are details that became known or better known."""
    fields_of: dict[ChangeKind, list[str]] = {}
    for kind, fields in kinds:
        fields_of.setdefault(kind, []).extend(name for name in fields if name in changed)
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


def _move_kind(before: Any, after: Any) -> ChangeKind:
    """By the day: a later one, an earlier one, or another time of the same."""
    if after == before:
        return ChangeKind.RESCHEDULED
    return ChangeKind.POSTPONED if after > before else ChangeKind.BROUGHT_FORWARD
