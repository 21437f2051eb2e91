"""The meaning of a driver's error by SQLSTATE or SQLite's error code; its text is in the server's language."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError

from core.errors import DatabaseBusy, DatabaseError, DatabaseUnavailable, DataRefused

UNAVAILABLE = (
    "08",  # connection exception
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53300",  # too many connections
    "57P01",  # shut down by the administrator, or the connection ended
    "57P02",  # crash of another backend
    "57P03",  # starting up, shutting down, recovering
    "57P05",  # idle session ended
    "25P03",  # idle transaction ended
)
LOCKED = "55P03"
CANCELLED = "57014"
DATA = ("22", "23")
"""Data exceptions and constraint violations: writers take turns, so these mean bad data, not a race."""

SQLITE_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
SQLITE_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
SQLITE_DATA = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH)

UNWRITABLE = (UnicodeError, OverflowError)
"""Python's own errors, which drivers raise for a lone surrogate and for a number beyond 64 bits."""

LOCKED_LINE = "another program holds a lock on it for too long; try again when that is done"
CANCELLED_LINE = "a statement was cancelled: it took longer than statement_timeout, or an administrator ended it"


def explain(error: DBAPIError) -> tuple[type[DatabaseError], str]:
    """Our error class for a driver's error, and one line that says what happened."""
    kind = _kind_sqlite(error) if isinstance(error.orig, sqlite3.Error) else _kind_postgresql(error)
    if kind is DatabaseBusy:
        return kind, CANCELLED_LINE if _sqlstate(error) == CANCELLED else LOCKED_LINE
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return kind, lines[0] if lines else type(error.orig).__name__


def _kind_sqlite(error: DBAPIError) -> type[DatabaseError]:
    primary = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if primary in SQLITE_LOCKED:
        return DatabaseBusy
    return DataRefused if primary in SQLITE_DATA else DatabaseError


def _kind_postgresql(error: DBAPIError) -> type[DatabaseError]:
    sqlstate = _sqlstate(error)
    if sqlstate in (LOCKED, CANCELLED):
        return DatabaseBusy
    if error.connection_invalidated or sqlstate.startswith(UNAVAILABLE):
        return DatabaseUnavailable
    if not sqlstate and isinstance(error, OperationalError | InterfaceError):
        return DatabaseUnavailable  # not from the server: libpq could not connect, or lost the connection
    if sqlstate.startswith(DATA) or (not sqlstate and isinstance(error, DataError)):
        return DataRefused
    return DatabaseError


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
