"""Writing what differs: inserts and updates of keyed rows, the feed's entries, and the notice of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, Update, bindparam, delete, insert, select, text, update

from core.bounds import STORED
from core.records import Change, Held, Record
from core.rules.confirmation import Key
from core.schema import changes, columns, held

R = TypeVar("R", bound=Record)
HELD_KEY = ("entity", "entity_id", "kind")
CHANNEL = "f1_changes"
NOTICE_BYTES = 7_900
"""PostgreSQL refuses a notice of 8,000 bytes and more."""

NOTIFY = text("SELECT pg_notify(:channel, :notice)")


def read(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    """A query's rows as dictionaries."""
    return [dict(row) for row in connection.execute(query).mappings()]


def read_records(connection: Connection, table: Table, record: type[R], *conditions: ColumnElement[bool]) -> list[R]:
    """A table's rows as records, of the columns that the record has fields for."""
    rows = connection.execute(records_of(table, record).where(*conditions)).mappings()
    return [record.model_validate(dict(row), context=STORED) for row in rows]


@lru_cache(maxsize=64)
def records_of(table: Table, record: type[Record]) -> Select[Any]:
    """The query of a table's columns that a record has fields for."""
    return select(*(column for column in table.columns if column.name in record.model_fields))


def write_rows(
    connection: Connection,
    table: Table,
    before: Mapping[Any, Record],
    after: Mapping[Any, Record],
    stamp: datetime | None = None,
) -> int:
    """Insert the rows that are new and update those that differ, by primary key; equal rows are not touched.

    Args:
        before, after: rows by key, as they were read in this transaction and as they should be.
        stamp: goes into `updated_at` of what is written, for tables that have it.

    Returns:
        How many rows were written.
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


def delete_rows(connection: Connection, table: Table, keys: Sequence[str], gone: Iterable[Sequence[Any]]) -> None:
    """Delete rows by the given key columns."""
    rows = [{f"is_{name}": value for name, value in zip(keys, key, strict=True)} for key in gone]
    if rows:
        statement = delete(table)
        for name in keys:
            statement = statement.where(table.c[name] == bindparam(f"is_{name}"))
        connection.execute(statement, rows)


def write_held(connection: Connection, before: Mapping[Key, Held], after: Mapping[Key, Held]) -> None:
    """Make the held answers what they should be: gone, new or said again; equal ones are not touched."""
    differing = {key: answer for key, answer in after.items() if before.get(key) != answer}
    delete_rows(connection, held, HELD_KEY, [key for key in before if key not in after or key in differing])
    write_rows(connection, held, {}, differing)


def write_changes(connection: Connection, happened: Sequence[Change], at: datetime, flow_run_id: str | None) -> None:
    """Enter what happened in the feed and, on PostgreSQL, give notice of it with the commit."""
    if not happened:
        return
    rows = [{**columns(changes, change), "at": at, "flow_run_id": flow_run_id} for change in happened]
    if connection.dialect.name != "postgresql":
        connection.execute(insert(changes), rows)
        return
    ids = connection.scalars(insert(changes).returning(changes.c.id), rows)
    for notice in notices(sorted(ids)):
        connection.execute(NOTIFY, {"channel": CHANNEL, "notice": notice})


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
