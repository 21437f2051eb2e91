"""Connections to a SQLite file, including one that is read-only."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def open_file(file: Path, **options: Any) -> sqlite3.Connection:
    """A connection to a file in WAL mode, even if SQLite may not write in its folder.

    In a read-only folder, with no journal left to be read, the file is opened as immutable, so writes fail.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection: sqlite3.Connection = sqlite3.connect(file, **options)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        journal = Path(f"{file}-wal")
        if error.sqlite_errorcode & 0xFF not in UNWRITABLE or not file.is_file() or journal.exists():
            raise
        connection = sqlite3.connect(f"file:{quote(str(file))}?immutable=1", uri=True, **options)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
