"""Database faults: other programs' locks, long statements, outages, and data that the database refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, create_engine, insert, make_url, select, text

from core import database as database_module
from core.database import Database
from core.errors import DatabaseBusy, DatabaseError, DatabaseUnavailable, DataRefused, F1FlowsError
from core.kinds import SessionKind
from core.replay import Upstream
from core.retries import is_transient
from core.schema import events, results, sessions, teams
from flows import poll_results, sync_schedule

NEVER = 600.0
"""Seconds, more than any test waits."""

MARCH = "2024-03-05T00:00:00+00:00"


@pytest.fixture
def season(database: Database, replay: Upstream) -> Database:
    """The calendar of 2024, and Bahrain's results due."""
    replay.as_of = datetime(2024, 3, 5, tzinfo=UTC)
    assert sync_schedule.main(["2024", "--now", MARCH]) == 0
    return database


@contextmanager
def locked(database: Database, table: str) -> Iterator[None]:
    """Hold a table's strongest lock, as another program might; on SQLite that of the whole file."""
    database.engine.dispose()
    if database.is_postgresql:
        other = create_engine(database.url)
        with other.begin() as connection:
            connection.execute(text(f'LOCK TABLE "{database.schema}"."{table}" IN ACCESS EXCLUSIVE MODE'))
            yield
        other.dispose()
        return
    connection = sqlite3.connect(str(database.url.database), isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


def impatient(database: Database, environment: pytest.MonkeyPatch) -> None:
    """Let the next runs wait only a tenth of a second for a table's lock."""
    environment.setattr(database_module, "TABLE_LOCK_SECONDS", 0.1)
    if not database.is_postgresql:
        environment.setenv("DATABASE_URL", f"{database.url.render_as_string()}?timeout=0.1")


@pytest.mark.parametrize("table", ["f1_flows_version", "sessions", "results", "changes", "upstream_requests"])
def test_a_foreign_lock_is_one_line_and_the_next_run_succeeds(
    season: Database,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    table: str,
) -> None:
    impatient(season, environment)
    capsys.readouterr()
    with locked(season, table):
        assert poll_results.main(["--now", MARCH]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert [line for line in said.splitlines() if "holds a lock" in line] == said.strip().splitlines()[-1:]
    assert said.strip().splitlines()[-1].startswith("error: database ")
    assert poll_results.main(["--now", MARCH]) == 0
    with season.reading() as connection:
        race = sessions.c.event_id == "2024-bahrain-grand-prix", sessions.c.kind == SessionKind.RACE.value
        assert connection.scalars(select(sessions.c.results_state).where(*race)).all() == ["official"]
        assert connection.scalar(select(results.c.driver_id).where(results.c.position == 1).limit(1))


def shown(connection: Connection) -> tuple[str, str]:
    """The timeouts that are in force, as PostgreSQL shows them."""
    found = connection.execute(
        text("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
    ).one()
    return found[0], found[1]


def test_every_transaction_has_limits_and_the_session_behind_a_pooler_keeps_none(postgresql: Database) -> None:
    with postgresql.reading() as connection:
        assert shown(connection) == ("10s", "1min")
    with postgresql.writing() as connection:
        assert shown(connection) == ("10s", "1min")
    with postgresql.writing(migrating=True) as connection:
        assert shown(connection) == ("10s", "0")
        session = connection.connection.driver_connection
    assert session is not None
    assert session.execute("SHOW lock_timeout").fetchone() == ("0",)
    assert session.execute("SHOW statement_timeout").fetchone() == ("0",)
    session.rollback()


def test_timeouts_in_the_url_win(postgresql: Database) -> None:
    options = "-c lock_timeout=3s -c statement_timeout=2min"
    own = Database(postgresql.url.update_query_dict({"options": options}), postgresql.schema or "")
    with own.reading() as connection:
        assert shown(connection) == ("3s", "2min")
    with own.writing(migrating=True) as connection:
        assert shown(connection) == ("3s", "2min")
    own.engine.dispose()


def test_waiting_for_another_writer_and_for_a_table_have_separate_timeouts(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Database(postgresql.url, postgresql.schema or "")
    monkeypatch.setattr(database_module, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(database_module, "TABLE_LOCK_SECONDS", NEVER)
    with other.writing(), pytest.raises(DatabaseBusy, match="holds a lock"), postgresql.writing():
        pass
    monkeypatch.setattr(database_module, "LOCK_SECONDS", NEVER)
    monkeypatch.setattr(database_module, "TABLE_LOCK_SECONDS", 0.1)
    with locked(postgresql, "teams"), pytest.raises(DatabaseBusy, match="holds a lock"), postgresql.writing() as mine:
        mine.execute(insert(teams), {"id": "williams", "name": "Williams"})
    with postgresql.writing() as mine:
        mine.execute(insert(teams), {"id": "williams", "name": "Williams"})
    other.engine.dispose()


def test_statements_have_a_timeout_and_migrations_none(postgresql: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "STATEMENT_SECONDS", 0.05)
    with pytest.raises(DatabaseBusy, match="statement_timeout"), postgresql.reading() as connection:
        connection.execute(text(f"SELECT pg_sleep({NEVER})"))
    with postgresql.writing(migrating=True) as connection:
        connection.execute(text("SELECT pg_sleep(0.1)"))


OUTAGES = ["08006", "08P01", "40001", "40P01", "53300", "57P01", "57P02", "57P03"]


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        *((outage, DatabaseUnavailable) for outage in OUTAGES),
        ("55P03", DatabaseBusy),
        ("57014", DatabaseBusy),
        ("22003", DataRefused),
        ("23514", DataRefused),
        ("42501", DatabaseError),
        ("53100", DatabaseError),
        ("P0001", DatabaseError),
    ],
)
def test_an_error_is_known_by_its_sqlstate_in_any_language(
    postgresql: Database, sqlstate: str, kind: type[F1FlowsError]
) -> None:
    """The message may be in another language, or contain the English words of another error."""
    said = "le système se ferme" if kind is DatabaseUnavailable else "the connection was closed by a network timeout"
    raised = text(f"DO $$ BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = '{sqlstate}'; END $$")
    with pytest.raises(DatabaseError) as failed, postgresql.reading() as connection:
        connection.execute(raised)
    assert type(failed.value) is kind
    assert is_transient(failed.value) == (kind is DatabaseUnavailable)
    assert "\n" not in str(failed.value)
    assert kind is DatabaseBusy or said in str(failed.value)


def test_an_unreachable_database_is_a_transient_error() -> None:
    gone = Database(make_url("postgresql+psycopg://user@127.0.0.1:9/f1"), "f1")
    with pytest.raises(DatabaseUnavailable, match="port 9"), gone.reading():
        pass


EVENT = {
    "id": "2024-x",
    "season": 2024,
    "name": "X",
    "official_name": "X",
    "country": "X",
    "locality": "X",
    "format": "conventional",
    "first_date": datetime(2024, 3, 1).date(),
    "last_date": datetime(2024, 3, 3).date(),
    "status": "scheduled",
    "source": "fastf1",
    "updated_at": datetime(2024, 3, 1, tzinfo=UTC),
}
BAD = {
    "beyond 64 bits": {"round": 10**30},
    "a lone surrogate": {"name": "Gr\ud800n"},
    "an unknown status": {"status": "rained off"},
    "no name": {"name": None},
    "no such circuit": {"circuit_id": "nowhere"},
}
BAD_ON_POSTGRESQL = {"beyond the column": {"season": 40_000}, "a NUL": {"name": "Gr\0n"}}


@pytest.mark.parametrize("wrong", [*BAD, *BAD_ON_POSTGRESQL])
def test_data_that_the_database_refuses_are_not_an_outage(database: Database, wrong: str) -> None:
    """SQLite stores numbers beyond a column and NULs: there only the records refuse them."""
    with database.writing() as connection:
        connection.execute(insert(events), EVENT)
    bad = {**EVENT, "id": "2024-y", **(BAD | BAD_ON_POSTGRESQL)[wrong]}
    if wrong in BAD_ON_POSTGRESQL and not database.is_postgresql:
        with database.writing() as connection:
            connection.execute(insert(events), bad)
        return
    with pytest.raises(DataRefused) as refused, database.writing() as connection:
        connection.execute(insert(events), bad)
    assert not is_transient(refused.value)
    assert "\n" not in str(refused.value)
    with database.reading() as connection:
        assert connection.scalars(select(events.c.id)).all() == ["2024-x"]
