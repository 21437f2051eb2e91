"""The next changes for a subscriber, with the names of what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select

from core.deliver.subscribers import Subscriber
from core.queries import read_feed, read_records
from core.records import Driver, Event, Session, Team
from core.rules.calendar.identity import season_of
from core.rules.changes import FeedChange
from core.rules.deliveries.message import CHANGES_AT_MOST, DescribedChange, Leader, described, leaders_of
from core.rules.deliveries.schedule import Delivery
from core.schema import changes, drivers, events, result_revisions, sessions, teams


def read_batch(connection: Connection, subscriber: Subscriber, delivery: Delivery) -> tuple[list[DescribedChange], int]:
    """The next changes of a subscriber's kinds: those of the message under way, otherwise the first unsent ones.

    If there are none, the subscriber wants nothing up to the change with the returned id.
    """
    head: int = connection.scalar(select(func.max(changes.c.id))) or delivery.last_change_id
    passed = head if delivery.message_last_id is None else delivery.message_last_id
    wanted = [changes.c.id > delivery.last_change_id, *_of_kinds(subscriber)]
    if delivery.message_last_id is not None:
        wanted.append(changes.c.id <= delivery.message_last_id)
    return _described(connection, read_feed(connection, *wanted, limit=CHANGES_AT_MOST)), passed


def count_waiting(connection: Connection, subscriber: Subscriber, after: int) -> int:
    """How many changes of a subscriber's kinds come after a change."""
    return connection.scalar(select(func.count()).where(changes.c.id > after, *_of_kinds(subscriber))) or 0


def _of_kinds(subscriber: Subscriber) -> list[ColumnElement[bool]]:
    return [] if subscriber.kinds is None else [changes.c.kind.in_([kind.value for kind in subscriber.kinds])]


def _described(connection: Connection, found: Sequence[FeedChange]) -> list[DescribedChange]:
    of = {one.id: one for one in _by_id(connection, events, Event, (change.event_id for change in found))}
    about = {one.id: one for one in _by_id(connection, sessions, Session, (change.session_id for change in found))}
    leaders = _leaders(connection, found)
    made = []
    for change in found:
        event, session = of.get(change.event_id or ""), about.get(change.session_id or "")
        season = event.season if event else season_of(change.entity_id)
        made.append(described(change, season, event, session, leaders.get(change.id, ())))
    return made


def _leaders(connection: Connection, found: Sequence[FeedChange]) -> dict[int, list[Leader]]:
    """The leaders of the revisions that changes are about, by change."""
    numbers = {
        change.id: (change.entity_id, change.after["revision"])
        for change in found
        if change.after and "results_state" in change.after and "revision" in change.after
    }
    if not numbers:
        return {}
    revision = result_revisions.c
    one_of = or_(*((revision.session_id == of) & (revision.revision == number) for of, number in numbers.values()))
    query = select(revision.session_id, revision.revision, revision.rows).where(one_of)
    rows = {(row.session_id, row.revision): row.rows for row in connection.execute(query)}
    entries = [entry for listed in rows.values() for entry in listed]
    people = _by_id(connection, drivers, Driver, (entry.get("driver_id") for entry in entries))
    names = {driver.id: driver.full_name for driver in people}
    made_by = _by_id(connection, teams, Team, (entry.get("team_id") for entry in entries))
    cars = {team.id: team.name for team in made_by}
    return {of: leaders_of(rows[key], names, cars) for of, key in numbers.items() if key in rows}


def _by_id(connection: Connection, table: Table, record: type[Any], ids: Iterable[str | None]) -> list[Any]:
    return read_records(connection, table, record, table.c.id.in_({one for one in ids if one is not None}))
