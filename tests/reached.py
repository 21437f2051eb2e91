"""States of a database that several tests begin with: reached once, then put back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable
from contextlib import closing
from typing import Any

from sqlalchemy import Table

from core.database import Database, connect
from core.schema import metadata
from core.settings import Settings

Content = dict[str, bytes]
"""A SQLite file's bytes, or on PostgreSQL each table's rows as COPY writes them."""


class Reached:
    """The content of a database in each state that a test asked for, on each kind of database."""

    def __init__(self) -> None:
        self._contents: dict[tuple[str, Hashable], Content] = {}

    def __call__(self, state: Hashable, reach: Callable[[], object]) -> None:
        """Bring the settings' database, which has our tables, into a state, whatever their rows.

        Args:
            state: its name, the same for each test that wants it.
            reach: what leads there; called for the first of them.
        """
        database = connect(Settings.load())
        key = database.engine.dialect.name, state
        if (content := self._contents.get(key)) is not None:
            _put_back(database, content)
            return
        reach()
        self._contents[key] = _content(database)


def _content(database: Database) -> Content:
    if database.file is not None:
        with closing(sqlite3.connect(database.file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return {"": database.file.read_bytes()}
    content = {}
    with database.reading() as connection:
        driver: Any = connection.connection.driver_connection
        for table in metadata.sorted_tables:
            with driver.cursor().copy(f"COPY {_name(database, table)} TO STDOUT") as copy:
                content[table.name] = b"".join(copy)
    return content


def _put_back(database: Database, content: Content) -> None:
    if database.file is not None:
        database.engine.dispose()
        database.file.write_bytes(content[""])
        return
    tables = metadata.sorted_tables
    with database.writing() as connection:
        driver: Any = connection.connection.driver_connection
        # Migrations wrote rows too.
        driver.execute(";".join(f"DELETE FROM {_name(database, table)}" for table in reversed(tables)))
        for table in tables:
            if content[table.name]:
                with driver.cursor().copy(f"COPY {_name(database, table)} FROM STDIN") as copy:
                    copy.write(content[table.name])
        driver.execute(
            ";".join(_next_id(database, table) for table in tables if table.autoincrement_column is not None)
        )


def _name(database: Database, table: Table) -> str:
    return f'"{database.schema}"."{table.name}"'


def _next_id(database: Database, table: Table) -> str:
    """The statement that lets a table's next row follow the last one."""
    name = _name(database, table)
    return f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), coalesce(max(id) + 1, 1), false) FROM {name}"
