"""Many records into a table at once: `COPY` on PostgreSQL, an INSERT of many elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Table, insert

from core.records import Record
from core.schema import columns

FEW = 50
"""So many rows are inserted as fast as they are copied."""


def insert_records(connection: Connection, table: Table, key: Mapping[str, Any], records: Sequence[Record]) -> None:
    """Insert records of one kind, each with the columns of `key`, of types that PostgreSQL takes as they are."""
    if not records:
        return
    if connection.dialect.name != "postgresql" or len(records) <= FEW:
        connection.execute(insert(table), [{**key, **columns(table, record)} for record in records])
        return
    quote = connection.dialect.identifier_preparer.quote
    schema = connection.get_execution_options()["schema_translate_map"][None]
    names = [name for name in type(records[0]).model_fields if name in table.columns]
    listed = ", ".join(map(quote, [*key, *names]))
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {quote(schema)}.{quote(table.name)} ({listed}) FROM STDIN") as copy,
    ):
        for record in records:
            values = (getattr(record, name) for name in names)
            copy.write_row([*key.values(), *(value.value if isinstance(value, StrEnum) else value for value in values)])
