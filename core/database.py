"""The database: its engine, its transactions and the version of its schema.

All writers take one lock (an advisory lock on PostgreSQL, `BEGIN IMMEDIATE` on SQLite), so that the ids in
`changes` appear in the order of commits.
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

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from core import sqlite
from core.errors import DatabaseError, DatabaseUnavailable, SchemaForeign, SchemaNewer
from core.migrations import HEAD, REVISIONS, VERSION_TABLE
from core.schema import metadata
from core.settings import SECRETS, Settings, file_of, shown_url

CONNECT_SECONDS = 5
LOCK_SECONDS = 60
GONE = (
    "refused",
    "closed",
    "timeout",
    "timed out",
    "starting up",
    "shutting down",
    "terminating",
    "could not translate",
    "resolve host",
    "network",
    "locked",
    "reset",
    "lost",
    "too many",
    "recovery mode",
    "no route",
)


class Database:
    """One database and, on PostgreSQL, the schema in it that is ours."""

    def __init__(self, url: URL, schema: str) -> None:
        self.url = url
        self.is_postgresql = url.get_backend_name() == "postgresql"
        self.schema = schema if self.is_postgresql else None
        connect: dict[str, Any] = (
            # Said outright, for a database in SQL_ASCII says nothing: psycopg would give bytes where text is.
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
            # Names as they are: PostgreSQL takes no escapes beyond ASCII into such a database.
            json_serializer=partial(json.dumps, ensure_ascii=False),
        )
        self.engine = self.engine.execution_options(schema_translate_map={None: self.schema})
        self.file = file_of(url)
        if self.file is not None:
            event.listen(self.engine, "do_connect", partial(_open_sqlite, self.file))
        if not self.is_postgresql:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    def __repr__(self) -> str:
        return f"Database({self.name!r})"

    @property
    def name(self) -> str:
        """The URL without its passwords."""
        return shown_url(self.url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection in a transaction that only reads.

        Raises:
            DatabaseError: the database does not answer, or refuses.
        """
        with self._told(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction that holds the writers' lock until it ends.

        Raises:
            DatabaseError: the database does not answer, or refuses.
        """
        with self._told(), self.engine.connect() as connection:
            connection = connection.execution_options(writing=True)
            with connection.begin():
                if self.is_postgresql:
                    locked = "SELECT set_config('lock_timeout', :wait, true), pg_advisory_xact_lock(:key)"
                    connection.execute(text(locked), {"wait": f"{LOCK_SECONDS}s", "key": self._lock_key})
                yield connection

    def ensure_schema(self) -> None:
        """Create or upgrade our tables where that is due; of several first runs, one does it.

        Raises:
            SchemaNewer: a later version of this program has migrated the database.
            SchemaForeign: tables of our names exist that are not ours.
        """
        with self.reading() as connection:
            version = self._version(connection)
        if version == HEAD:
            return
        self._refuse_newer(version)
        if not self.is_postgresql:
            with self._told(), self.engine.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]
        with self.writing() as connection:
            version = self._version(connection)
            self._refuse_newer(version)
            if version is None:
                self._refuse_foreign(connection)
                if self.schema:
                    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"'))
            if version != HEAD:
                self._migrate(connection)

    def version(self) -> str | None:
        """The schema's revision in the database; None where it was never created, and a SQLite file is not made."""
        if self.file is not None and not self.file.exists():
            return None
        with self.reading() as connection:
            return self._version(connection)

    def _version(self, connection: Connection) -> str | None:
        # The catalogue's own rows: to_regclass answers from a cache that a wait for the lock does not refresh.
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
            raise SchemaNewer(
                f"{self.name} has schema version {version}, newer than this program's {HEAD}: upgrade f1-flows"
            )

    def _refuse_foreign(self, connection: Connection) -> None:
        there = inspect(connection)
        if taken := sorted(set(there.get_table_names(schema=self.schema)) & set(metadata.tables)):
            where = f"schema {self.schema}" if self.schema else "the file"
            advice = "set DATABASE_SCHEMA to another name" if self.schema else "use another file"
            raise SchemaForeign(f"{where} holds a table {taken[0]} that is not ours; {advice}")

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

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn a driver's error into one line that names the database and never its password."""
        try:
            yield
        except DBAPIError as error:
            said = str(error.orig).strip() or type(error.orig).__name__
            lines = [line.strip() for line in said.splitlines() if line.strip()]
            message = f"database {self.name}: {self._hidden(lines[0])}"
            lost = error.connection_invalidated or isinstance(error, InterfaceError)
            lost = lost or (isinstance(error, OperationalError) and any(word in said.lower() for word in GONE))
            raise (DatabaseUnavailable if lost else DatabaseError)(message) from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise DatabaseError(f"database {self.name}: {self._hidden(str(error).splitlines()[0])}") from error

    def _hidden(self, said: str) -> str:
        for secret in (self.url.password, *(self.url.query.get(name) for name in SECRETS)):
            said = said.replace(str(secret), "***") if secret else said
        return said


def _open_sqlite(file: Path, _dialect: Dialect, _record: Any, _arguments: Any, options: dict[str, Any]) -> Any:
    return sqlite.open_file(file, **options)


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's recipe: we say BEGIN ourselves
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@lru_cache(maxsize=8)
def _database(url: URL, schema: str) -> Database:
    return Database(url, schema)


def connect(settings: Settings) -> Database:
    """The settings' database, one engine a process; no connection is made yet."""
    return _database(settings.database, settings.database_schema)
