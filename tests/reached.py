"""States of a database in which several tests start: reached once, then restored."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable
from contextlib import closing
from pathlib import Path
from typing import Any

from core.database import Database, connect
from core.migrations import VERSION_TABLE
from core.schema import metadata
from core.settings import Settings

Content = dict[str, bytes]
"""A SQLite file's bytes, or on PostgreSQL each table's rows as COPY writes them."""


class Reached:
    """The content of a database in each state that was reached, for each kind of database."""

    def __init__(self) -> None:
        self._contents: dict[tuple[str, Hashable], Content] = {}

    def __call__(self, state: Hashable, reach: Callable[[], object]) -> None:
        """Bring the settings' database into a state; our tables must exist, with any rows.

        Args:
            state: its name, the same in each test that uses it.
            reach: brings the database into the state; called only for the first of these tests.
        """
        database = connect(Settings.load())
        key = database.engine.dialect.name, state
        if (content := self._contents.get(key)) is not None:
            put_back(database, content)
            return
        reach()
        self._contents[key] = content_of(database)


def checkpoint(file: Path) -> None:
    """Write a SQLite file's log into the file itself."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def content_of(database: Database) -> Content:
    """All rows of our tables."""
    if database.file is not None:
        checkpoint(database.file)
        return {"": database.file.read_bytes()}
    content = {}
    with database.reading() as connection:
        driver: Any = connection.connection.driver_connection
        for name in (VERSION_TABLE, *(table.name for table in metadata.sorted_tables)):
            with driver.cursor().copy(f'COPY "{database.schema}"."{name}" TO STDOUT') as copy:
                content[name] = b"".join(copy)
    return content


def put_back(database: Database, content: Content) -> None:
    """Replace all rows of our tables; on PostgreSQL the tables must exist."""
    if database.file is not None:
        database.engine.dispose()
        database.file.write_bytes(content[""])
        return
    with database.writing() as connection:
        driver: Any = connection.connection.driver_connection
        filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (TABLE {_path(database, name)})" for name in content)
        if names := [_path(database, name) for (name,) in driver.execute(filled)]:
            driver.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")
        for name, rows in content.items():
            if rows:
                with driver.cursor().copy(f"COPY {_path(database, name)} FROM STDIN") as copy:
                    copy.write(rows)
        numbered = [table for table in metadata.sorted_tables if table.autoincrement_column is not None]
        driver.execute(";".join(_next_id(_path(database, table.name)) for table in numbered if content[table.name]))


def _path(database: Database, name: str) -> str:
    return f'"{database.schema}"."{name}"'


def _next_id(table: str) -> str:
    """The statement that makes a table's next id follow its highest one."""
    return f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
