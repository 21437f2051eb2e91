"""Databases on the benchmarks' PostgreSQL, and COPY of their rows, with which other ways to write are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Table, make_url, select, text

from core.column_types import Json
from core.database import Database

Rows = tuple[Table, list[str], list[list[Any]]]
"""A table, the names of some of its columns, and their values, a list per row."""


def database_of(dsn: str, name: str) -> Database:
    """A schema of its own on PostgreSQL, with our tables."""
    database = Database(make_url(dsn).set(drivername="postgresql+psycopg"), name)
    database.ensure_schema()
    return database


def settings_of(database: Database) -> dict[str, str]:
    """The environment variables that select a database."""
    url = database.url.render_as_string(hide_password=False)
    return {"DATABASE_URL": url, "DATABASE_SCHEMA": database.schema or ""}


def connection_to(dsn: str) -> psycopg.Connection[Any]:
    """A connection without SQLAlchemy."""
    return psycopg.connect(make_url(dsn).set(drivername="postgresql").render_as_string(hide_password=False))


def rows_of(database: Database, tables: Iterable[Table]) -> list[Rows]:
    """All rows of some tables, as psycopg writes them, without numbers that the database assigns."""
    found = []
    with database.reading() as connection:
        for table in tables:
            columns = [column for column in table.columns if column.name != "id" or column.type.python_type is str]
            lines = [
                [
                    Jsonb(value) if isinstance(column.type, Json) else value
                    for column, value in zip(columns, row, strict=True)
                ]
                for row in connection.execute(select(*columns))
            ]
            found.append((table, [column.name for column in columns], lines))
    return found


def copy(dsn: str, database: Database, rows: Sequence[Rows]) -> None:
    """Write rows by COPY, the fastest way into PostgreSQL."""
    with connection_to(dsn) as connection, connection.cursor() as cursor:
        for table, names, lines in rows:
            listed = ", ".join(f'"{name}"' for name in names)
            with cursor.copy(f"COPY {database.schema}.{table.name} ({listed}) FROM STDIN".encode()) as copying:
                for line in lines:
                    copying.write_row(line)


def empty(database: Database, tables: Iterable[Table]) -> None:
    """Remove all rows of some tables, and of the tables that refer to them."""
    listed = ", ".join(f"{database.schema}.{table.name}" for table in tables)
    with database.writing() as connection:
        connection.execute(text(f"TRUNCATE {listed} CASCADE"))
