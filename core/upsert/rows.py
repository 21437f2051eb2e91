"""Writes only differences: keyed rows, held answers, and the feed of changes with its notification."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Delete, Table, Update, bindparam, delete, insert, text, update

from core.queries import read_feed
from core.records import Change, Held, Record
from core.rules.changes import FeedChange
from core.rules.confirmation import Key
from core.schema import changes, columns, held
from core.upsert.bulk import copy_rows

HELD_KEY = ("entity", "entity_id", "kind")
CHANNEL = "f1_changes"
NOTICE_BYTES = 7_900
"""PostgreSQL refuses a notice of 8,000 bytes or more."""

NOTIFY = text("SELECT pg_notify(:channel, :notice)")


def write_rows(
    connection: Connection,
    table: Table,
    before: Mapping[Any, Record],
    after: Mapping[Any, Record],
    stamp: datetime | None = None,
) -> int:
    """Insert new rows and update those that differ, by primary key; equal rows are not touched.

    Args:
        before, after: rows by key, as read in this transaction and as they should be.
        stamp: the value of `updated_at` in written rows, for tables that have it.

    Returns:
        The number of rows written.
    """
    stamped = {"updated_at": stamp} if stamp is not None else {}
    fresh = [{**columns(table, row), **stamped} for key, row in after.items() if key not in before]
    if fresh:
        connection.execute(insert(table), fresh)
    differing = [
        {**columns(table, row), **stamped} for key, row in after.items() if key in before and before[key] != row
    ]
    if differing:
        statement, named = _update(table, tuple(differing[0]))
        connection.execute(statement, [{named[name]: value for name, value in row.items()} for row in differing])
    return len(fresh) + len(differing)


@lru_cache(maxsize=64)
def _update(table: Table, names: tuple[str, ...]) -> tuple[Update, dict[str, str]]:
    """The update of these columns by primary key, and each one's parameter."""
    keys = [column.name for column in table.primary_key]
    named = {name: f"is_{name}" if name in keys else f"to_{name}" for name in names}
    statement = update(table).values({name: bindparam(named[name]) for name in names if name not in keys})
    for name in keys:
        statement = statement.where(table.c[name] == bindparam(named[name]))
    return statement, named


def replace_rows(
    connection: Connection,
    table: Table,
    key: tuple[str, ...],
    gone: Sequence[Sequence[Any]],
    rows: Sequence[Mapping[str, Any]],
    *,
    by_copy: bool = False,
) -> None:
    """Delete the rows with these values of the key columns, and insert others in their place; `by_copy`: if many."""
    if gone:
        connection.execute(_delete(table, key), [dict(zip(key, values, strict=True)) for values in gone])
    if by_copy:
        copy_rows(connection, table, rows)
    elif rows:
        connection.execute(insert(table), rows)


@lru_cache(maxsize=64)
def _delete(table: Table, key: tuple[str, ...]) -> Delete:
    return delete(table).where(*(table.c[name] == bindparam(name) for name in key))


def write_held(connection: Connection, before: Mapping[Key, Held], after: Mapping[Key, Held]) -> None:
    """Write the held answers that differ, and delete those that are gone."""
    differing = {key: answer for key, answer in after.items() if before.get(key) != answer}
    gone = [key for key in before if key not in after or key in differing]
    replace_rows(connection, held, HELD_KEY, gone, [columns(held, answer) for answer in differing.values()])


def write_changes(
    connection: Connection, happened: Sequence[Change], at: datetime, flow_run_id: str | None
) -> list[int]:
    """Add changes to the feed and, on PostgreSQL, notify on commit; returns their ids, in order."""
    if not happened:
        return []
    rows = [{**columns(changes, change), "at": at, "flow_run_id": flow_run_id} for change in happened]
    ids = sorted(connection.scalars(insert(changes).returning(changes.c.id), rows))
    if connection.dialect.name == "postgresql":
        for notice in notices(ids):
            connection.execute(NOTIFY, {"channel": CHANNEL, "notice": notice})
    return ids


def write_feed(
    connection: Connection, happened: Sequence[Change], at: datetime, flow_run_id: str | None
) -> tuple[FeedChange, ...]:
    """Add changes to the feed as `write_changes` does, and return them with their words."""
    ids = write_changes(connection, happened, at, flow_run_id)
    return tuple(read_feed(connection, changes.c.id.in_(ids))) if ids else ()


def notices(ids: Sequence[int], limit: int = NOTICE_BYTES) -> list[str]:
    """Change ids as JSON arrays, each short enough for one notice."""
    texts: list[str] = []
    part: list[int] = []
    for identity in ids:
        if part and len(json.dumps([*part, identity])) > limit:
            texts.append(json.dumps(part))
            part = []
        part.append(identity)
    return [*texts, json.dumps(part)] if part else texts
