"""The JSON that a subscriber receives. Pure.

A message has one or more changes of the feed, in order. docs/webhooks.md documents its shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import AwareDatetime

from core.kinds import ChangeKind, Entity, SessionKind
from core.records import Event, Record, Session
from core.rules.changes import FeedChange

CHANGES_AT_MOST = 100
BYTES_AT_MOST = 200_000
"""The size of a message's changes as JSON; a single change may be larger."""

LEADERS = 3


class AboutEvent(Record):
    """An event by id, and its name and round when the message was sent."""

    id: str
    name: str
    round: int | None


class AboutSession(Record):
    """A session by id, and its name when the message was sent."""

    id: str
    kind: SessionKind
    name: str


class Leader(Record):
    """One of the first places of a classification; ids and names are null for an unknown driver or team."""

    position: int
    car_number: str
    driver_id: str | None
    driver: str | None
    team_id: str | None
    team: str | None


class DescribedChange(Record):
    """One change of the feed, in words and as data."""

    id: int
    at: AwareDatetime
    kind: ChangeKind
    words: str
    entity: Entity
    entity_id: str
    season: int
    event: AboutEvent | None
    session: AboutSession | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    leaders: tuple[Leader, ...]


class DescribedChanges(Record):
    """The changes of a message, in the order of their ids."""

    changes: tuple[DescribedChange, ...]


class Message(Record):
    """What a subscriber receives; `timestamp` is when the last of the changes was made."""

    type: Literal["f1.changes"] = "f1.changes"
    timestamp: AwareDatetime
    data: DescribedChanges


class TrialData(Record):
    """A sentence about the message's purpose."""

    words: str


class TrialMessage(Record):
    """The message of `python -m flows webhooks test`."""

    type: Literal["f1.test"] = "f1.test"
    timestamp: AwareDatetime
    data: TrialData


def described(
    change: FeedChange, season: int, event: Event | None, session: Session | None, leaders: Sequence[Leader]
) -> DescribedChange:
    """A change with the event, session, drivers and teams that its ids name."""
    return DescribedChange(
        **change.model_dump(exclude={"event_id", "session_id", "subject", "words"}),
        words=f"{change.subject}: {change.words}",
        season=season,
        event=AboutEvent(id=event.id, name=event.name, round=event.round) if event else None,
        session=AboutSession(id=session.id, kind=session.kind, name=session.name) if session else None,
        leaders=tuple(leaders),
    )


def leaders_of(rows: Sequence[Mapping[str, Any]], drivers: Mapping[str, str], teams: Mapping[str, str]) -> list[Leader]:
    """The first places of a revision's rows, given the names of drivers and teams by id."""
    placed = [row for row in rows if 1 <= (row.get("position") or 0) <= LEADERS]
    return [
        Leader(
            position=row["position"],
            car_number=row["car_number"],
            driver_id=row.get("driver_id"),
            driver=drivers.get(row.get("driver_id") or ""),
            team_id=row.get("team_id"),
            team=teams.get(row.get("team_id") or ""),
        )
        for row in sorted(placed, key=lambda row: (row["position"], row.get("ordinal") or 0))
    ]


def message_of(changes: Sequence[DescribedChange]) -> Message:
    """A message with the first of the changes: as many as fit, and at least one."""
    held: list[DescribedChange] = []
    length = 0
    for change in changes[:CHANGES_AT_MOST]:
        length += len(change.model_dump_json().encode())
        if held and length > BYTES_AT_MOST:
            break
        held.append(change)
    return Message(timestamp=held[-1].at, data=DescribedChanges(changes=tuple(held)))


def message_id(subscriber: str, message: Message) -> str:
    """A message's `webhook-id`, equal for the same changes to the same subscriber."""
    listed = message.data.changes
    return f"{subscriber}_{listed[0].id}_{listed[-1].id}"
