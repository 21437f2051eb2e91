"""Inserts many new rows into a table: COPY on PostgreSQL, one statement on SQLite."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import DBAPIError

from core.column_types import Json

_dumps = partial(json.dumps, ensure_ascii=False)
"""Writes JSON as the engine does."""


def copy_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows with the same columns, in the connection's transaction.

    Raises:
        DBAPIError: the database refuses a row, or does not answer.
    """
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    import psycopg

    driver: Any = connection.connection.driver_connection
    names = list(rows[0])
    written = _writers(table, names)
    try:
        with driver.cursor() as cursor, cursor.copy(_statement(connection, table, names)) as copying:
            for row in rows:
                copying.write_row([row[name] if write is None else write(row[name]) for name, write in written])
    except psycopg.Error as error:
        raise DBAPIError.instance(  # as for any other statement of SQLAlchemy's
            None, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _statement(connection: Connection, table: Table, names: Sequence[str]) -> str:
    schema = connection.get_execution_options()["schema_translate_map"][None]
    quoted = connection.dialect.identifier_preparer.quote
    columns = ", ".join(map(quoted, names))
    return f"COPY {quoted(schema)}.{quoted(table.name)} ({columns}) FROM STDIN"


def _writers(table: Table, names: Sequence[str]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """The columns, each with its conversion for COPY, if it needs one."""
    from psycopg.types.json import Jsonb

    def as_json(value: Any) -> Any:
        return None if value is None else Jsonb(value, _dumps)

    return [(name, as_json if isinstance(table.c[name].type, Json) else None) for name in names]
