"""Many rows into a table at once: `COPY` on PostgreSQL, an INSERT of many elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert

FEW = 50
"""So many rows are inserted as fast as they are copied."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have the same columns, of types that need no conversion on PostgreSQL."""
    if not rows:
        return
    if connection.dialect.name != "postgresql" or len(rows) <= FEW:
        connection.execute(insert(table), rows)
        return
    quote = connection.dialect.identifier_preparer.quote
    schema = connection.get_execution_options()["schema_translate_map"][None]
    names = list(rows[0])
    statement = f"COPY {quote(schema)}.{quote(table.name)} ({', '.join(map(quote, names))}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])
