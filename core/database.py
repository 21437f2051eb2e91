"""The database: its engine, its transactions and the version of its schema.

All writers take one lock (an advisory lock on PostgreSQL, `BEGIN IMMEDIATE` on SQLite), so ids in `changes` are in
commit order.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.engine import URL, Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from core.driver_errors import SQLITE_UNWRITABLE, UNWRITABLE, explain
from core.errors import DatabaseError, DataRefused
from core.migrations import HEAD, REVISIONS, VERSION_TABLE
from core.schema import metadata
from core.settings import SECRETS, Settings, file_of, shown_url

CONNECT_SECONDS = 5
LOCK_SECONDS = 60.0
"""How long a writer waits for other writers; on SQLite also how long a reader waits."""
TABLE_LOCK_SECONDS = 10.0
"""PostgreSQL: how long a statement waits for a table's or row's lock; only other programs hold one for long."""
STATEMENT_SECONDS = 60.0
"""PostgreSQL: how long a statement may take, except in a migration."""

# Set for each transaction, because a pooler may share the session. Limits set by URL, role or database are kept.
_LIMITS = """
    coalesce(nullif(current_setting('lock_timeout'), '0'), :table_lock) AS table_lock,
    coalesce(nullif(current_setting('statement_timeout'), '0'), :statement) AS statement
"""
_SET = "SELECT set_config('lock_timeout', table_lock, true), set_config('statement_timeout', statement, true) FROM "
BEGIN_READING = text(f"{_SET} (SELECT {_LIMITS}) AS ours")
# OFFSET 0 keeps the subquery from being flattened: the limits are read before the wait for the lock.
BEGIN_WRITING = text(
    f"""{_SET} (
        SELECT {_LIMITS}, set_config('lock_timeout', :lock, true), pg_advisory_xact_lock(:key) OFFSET 0
    ) AS ours"""
)


class Database:
    """One database and, on PostgreSQL, our schema in it."""

    def __init__(self, url: URL, schema: str) -> None:
        self.url = url
        self.is_postgresql = url.get_backend_name() == "postgresql"
        self.schema = schema if self.is_postgresql else None
        connect: dict[str, Any] = (
            # Set explicitly: from a database in SQL_ASCII psycopg would return bytes instead of text.
            {"connect_timeout": CONNECT_SECONDS, "application_name": "f1-flows", "client_encoding": "utf8"}
            if self.is_postgresql
            else {"timeout": LOCK_SECONDS}
        )
        connect = {key: value for key, value in connect.items() if key not in url.query}
        self.engine = create_engine(
            url,
            connect_args=connect,
            hide_parameters=True,
            pool_pre_ping=self.is_postgresql,
            # No escapes: PostgreSQL does not store escapes beyond ASCII in such a database.
            json_serializer=partial(json.dumps, ensure_ascii=False),
        )
        self.engine = self.engine.execution_options(schema_translate_map={None: self.schema})
        self.file = file_of(url)
        if self.file is not None:
            event.listen(self.engine, "do_connect", partial(_open_sqlite, self.file))
        if self.is_postgresql:
            event.listen(self.engine, "begin", self._begin_postgresql)
        else:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        event.listen(self.engine, "handle_error", self._refuse_unwritable)

    def __repr__(self) -> str:
        return f"Database({self.name!r})"

    @property
    def name(self) -> str:
        """The URL without its passwords."""
        return shown_url(self.url)

    @contextmanager
    def reading(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """A connection in a transaction that only reads.

        Args:
            snapshot: all queries see one state of the database, as they always do on SQLite.

        Raises:
            DatabaseError: the database does not answer, or refuses.
        """
        isolated = {"isolation_level": "REPEATABLE READ"} if snapshot and self.is_postgresql else {}
        with self._readable_errors(), self.engine.execution_options(**isolated).begin() as connection:
            yield connection

    @contextmanager
    def writing(self, *, migrating: bool = False) -> Iterator[Connection]:
        """A connection in a transaction that holds the writers' lock until it ends.

        Args:
            migrating: do not limit how long a statement takes.

        Raises:
            DatabaseError: the database does not answer, or refuses.
        """
        with self._readable_errors(), self.engine.connect() as connection:
            connection = connection.execution_options(writing=True, migrating=migrating)
            with connection.begin():
                yield connection

    def ensure_schema(self) -> None:
        """Create or upgrade our tables if necessary; concurrent first runs do it once.

        Raises:
            DatabaseError: a later version has migrated the database, or tables with our names are not ours.
        """
        with self.reading() as connection:
            version = self._version(connection)
        if version == HEAD:
            return
        self._refuse_newer(version)
        if not self.is_postgresql:
            self._keep_write_ahead_log()
        with self.writing(migrating=True) as connection:
            version = self._version(connection)
            self._refuse_newer(version)
            if version is None:
                self._refuse_foreign(connection)
                if self.schema:
                    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"'))
            if version != HEAD:
                self._migrate(connection)

    def _keep_write_ahead_log(self) -> None:
        with self._readable_errors(), self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                driver.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # SQLite refuses the second of two concurrent first runs without waiting; the first one sets the mode.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise

    def version(self) -> str | None:
        """The schema's revision in the database; None if there is none. Does not create a SQLite file."""
        if self.file is not None and not self.file.exists():
            return None
        with self.reading() as connection:
            return self._version(connection)

    def _version(self, connection: Connection) -> str | None:
        # Reads the catalogue, because to_regclass uses a cache that is not refreshed after a wait for the lock.
        catalogue = (
            "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = :schema AND tablename = :name"
            if self.is_postgresql
            else "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name AND :schema IS NULL"
        )
        found = connection.scalar(text(catalogue), {"schema": self.schema, "name": VERSION_TABLE})
        if found is None:
            return None
        prefix = f'"{self.schema}".' if self.schema else ""
        version: str | None = connection.scalar(text(f"SELECT version_num FROM {prefix}{VERSION_TABLE}"))
        return version

    def _refuse_newer(self, version: str | None) -> None:
        if version is not None and version not in REVISIONS:
            raise DatabaseError(
                f"{self.name} has schema version {version}, newer than this program's {HEAD}: upgrade f1-flows"
            )

    def _refuse_foreign(self, connection: Connection) -> None:
        there = inspect(connection)
        if taken := sorted(set(there.get_table_names(schema=self.schema)) & set(metadata.tables)):
            where = f"schema {self.schema}" if self.schema else "the file"
            advice = "set DATABASE_SCHEMA to another name" if self.schema else "use another file"
            raise DatabaseError(f"{where} holds a table {taken[0]} that is not ours; {advice}")

    def _migrate(self, connection: Connection) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", "core:migrations")
        config.attributes.update(connection=connection, schema=self.schema)
        command.upgrade(config, "head")

    @property
    def _lock_key(self) -> int:
        digest = hashlib.sha256(f"f1-flows:{self.schema}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def _begin_postgresql(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        limits = {
            "table_lock": _milliseconds(TABLE_LOCK_SECONDS),
            "statement": "0" if options.get("migrating") else _milliseconds(STATEMENT_SECONDS),
        }
        if options.get("writing"):
            connection.execute(BEGIN_WRITING, limits | {"lock": _milliseconds(LOCK_SECONDS), "key": self._lock_key})
        else:
            connection.execute(BEGIN_READING, limits)

    @contextmanager
    def _readable_errors(self) -> Iterator[None]:
        """Turn a driver's error into one line that names the database and hides its password."""
        try:
            yield
        except DBAPIError as error:
            kind, said = explain(error)
            raise kind(f"database {self.name}: {self._hidden(said)}") from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise DatabaseError(f"database {self.name}: {self._hidden(str(error).splitlines()[0])}") from error

    def _refuse_unwritable(self, context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(error, UNWRITABLE):
            raise DataRefused(f"database {self.name}: {error}") from error

    def _hidden(self, said: str) -> str:
        for secret in (self.url.password, *(self.url.query.get(name) for name in SECRETS)):
            said = said.replace(str(secret), "***") if secret else said
        return said


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _open_sqlite(
    file: Path, _dialect: Dialect, _record: Any, _arguments: Any, options: dict[str, Any]
) -> sqlite3.Connection:
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
        if error.sqlite_errorcode & 0xFF not in SQLITE_UNWRITABLE or not file.is_file() or journal.exists():
            raise
        connection = sqlite3.connect(f"file:{quote(str(file))}?immutable=1", uri=True, **options)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's recipe: BEGIN is sent by `_begin_sqlite`
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@lru_cache(maxsize=8)
def _database(url: URL, schema: str) -> Database:
    return Database(url, schema)


def connect(settings: Settings) -> Database:
    """The settings' database, one engine per process; does not connect yet."""
    return _database(settings.database, settings.database_schema)
