"""Several writers at once, readers beside them, and a process killed in the middle."""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from killing import deaths
from sqlalchemy import select, text
from waiting import HANGS

from core.database import Database
from core.kinds import ChangeKind, Entity, Source
from core.records import Change, ScheduleAnswer
from core.replay import Upstream
from core.rules.calendar.circuits import VENUES
from core.schema import changes, events, held, sessions
from core.settings import Settings
from core.transform.schedule import schedule_answer
from core.upsert.rows import CHANNEL, notices, write_changes
from core.upsert.schedule import upsert_schedule

NOW = datetime(2024, 2, 1, tzinfo=UTC)


def races() -> list[dict[str, Any]]:
    """A season of Jolpica's documents: a race on each of ten Sundays."""
    ids = sorted(VENUES)[:10]
    return [
        {
            "season": "2024",
            "round": str(n),
            "raceName": f"{circuit} Grand Prix",
            "date": f"2024-03-{n:02}",
            "time": "14:00:00Z",
            "Qualifying": {"date": f"2024-03-{n:02}", "time": "10:00:00Z"},
            "Circuit": {
                "circuitId": circuit,
                "circuitName": circuit,
                "Location": {"locality": VENUES[circuit].places[0], "country": VENUES[circuit].country},
            },
        }
        for n, circuit in enumerate(ids, 1)
    ]


@pytest.fixture
def answer() -> ScheduleAnswer:
    return schedule_answer(races(), 2024, Source.JOLPICA)


def dump(database: Database) -> dict[str, list[Any]]:
    """Every table's rows without the columns that depend on when they were written."""
    with database.reading() as connection:
        return {
            table.name: sorted(
                tuple(
                    value for name, value in row.items() if name not in ("updated_at", "id" if table is changes else "")
                )
                for row in connection.execute(select(table)).mappings()
            )
            if table is not changes
            else [
                tuple(row)
                for row in connection.execute(
                    select(changes.c.entity_id, changes.c.kind).order_by(changes.c.entity_id, changes.c.kind)
                )
            ]
            for table in (events, sessions, held, changes)
        }


def test_first_runs_at_once_create_the_schema_once(new_database: Database) -> None:
    both = threading.Barrier(4)

    def first_run() -> None:
        mine = Database(new_database.url, new_database.schema or "f1")
        both.wait(HANGS)
        mine.ensure_schema()
        mine.engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        for run in [pool.submit(first_run) for _ in range(4)]:
            run.result()
    assert new_database.version() is not None
    if not new_database.is_postgresql:
        with new_database.reading() as connection:
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"


def test_two_syncs_at_once_leave_one_set_of_changes(database: Database, answer: ScheduleAnswer) -> None:
    both = threading.Barrier(2)

    def sync() -> int:
        mine = Database(database.url, database.schema or "f1")
        both.wait(HANGS)
        summary = upsert_schedule(mine, answer, (), NOW)
        mine.engine.dispose()
        return len(summary.changes)

    with ThreadPoolExecutor(2) as pool:
        counts = sorted(run.result() for run in [pool.submit(sync) for _ in range(2)])
    assert counts == [0, 30]
    with database.reading() as connection:
        assert len(connection.execute(select(events)).all()) == 10
        assert len(connection.execute(select(changes)).all()) == 30


def test_a_reader_that_follows_ids_misses_nothing(postgresql: Database) -> None:
    """Four writers of changes, and one reader that always reads what follows the last id it saw."""
    change = Change(entity=Entity.EVENT, entity_id="2024-x", kind=ChangeKind.STATUS, before=None, after=None)
    done = threading.Event()

    def write(writer: int) -> None:
        mine = Database(postgresql.url, postgresql.schema or "")
        for number in range(15):
            with mine.writing() as connection:
                write_changes(connection, [change] * (1 + (writer + number) % 3), NOW, None)
        mine.engine.dispose()

    def follow() -> list[int]:
        seen: list[int] = []
        last_round = False
        while not last_round:
            last_round = done.is_set()
            after = changes.c.id > (seen[-1] if seen else 0)
            with postgresql.reading() as connection:
                seen += connection.scalars(select(changes.c.id).where(after).order_by(changes.c.id))
        return seen

    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(follow)
        for writer in [pool.submit(write, n) for n in range(4)]:
            writer.result()
        done.set()
        seen = reader.result()
    with postgresql.reading() as connection:
        assert seen == list(connection.scalars(select(changes.c.id).order_by(changes.c.id)))
    assert len(seen) == 4 * 30


def test_a_commit_notifies_its_change_ids(postgresql: Database, answer: ScheduleAnswer) -> None:
    import psycopg

    dsn = postgresql.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(dsn, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        upsert_schedule(postgresql, answer, (), NOW)
        notices = [notice.payload for notice in listener.notifies(timeout=HANGS, stop_after=1)]
    with postgresql.reading() as connection:
        ids = list(connection.scalars(select(changes.c.id).order_by(changes.c.id)))
    assert notices == [str(ids)]


def test_a_database_without_an_encoding_holds_the_same_names(
    postgresql: Database, environment: pytest.MonkeyPatch, answer: ScheduleAnswer
) -> None:
    """SQL_ASCII is the encoding of new databases in a cluster that was created under the C locale."""
    name = f"ascii_{postgresql.schema}"
    with postgresql.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        )
    plain = Database(postgresql.url.set(database=name), "f1")
    named = answer.model_copy(
        update={"events": (answer.events[0].model_copy(update={"name": "São Paulo Grand Prix"}),)}
    )
    try:
        plain.ensure_schema()
        upsert_schedule(plain, named, (), NOW)
        with plain.reading() as connection:
            assert connection.scalars(select(events.c.name)).all() == ["São Paulo Grand Prix"]
    finally:
        plain.engine.dispose()
        with postgresql.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP DATABASE {name}"))


def test_notices_stay_within_what_postgresql_takes() -> None:
    ids = list(range(10**9, 10**9 + 3000))
    texts = notices(ids)
    assert max(len(text.encode()) for text in texts) < 8000
    assert [n for text in texts for n in json.loads(text)] == ids


def test_a_foreign_table_is_neither_touched_nor_adopted(new_database: Database, answer: ScheduleAnswer) -> None:
    """On PostgreSQL it is in the application's schema, beside ours; in a shared SQLite file the run refuses."""
    foreign = text("CREATE TABLE events (id integer PRIMARY KEY, title text)")
    if new_database.schema:
        with new_database.engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA app_{new_database.schema}"))
            connection.execute(text(f"CREATE TABLE app_{new_database.schema}.events (id integer, title text)"))
        new_database.ensure_schema()
        upsert_schedule(new_database, answer, (), NOW)
        with new_database.engine.begin() as connection:
            assert connection.execute(text(f"SELECT * FROM app_{new_database.schema}.events")).all() == []
            connection.execute(text(f"DROP SCHEMA app_{new_database.schema} CASCADE"))
        return
    with new_database.engine.begin() as connection:
        connection.execute(foreign)
    with pytest.raises(Exception, match="not ours"):
        new_database.ensure_schema()
    with new_database.engine.begin() as connection:
        assert connection.execute(text("SELECT name FROM sqlite_master")).scalars().all() == ["events"]


def test_a_foreign_table_in_our_schema_is_refused(new_postgresql: Database) -> None:
    with new_postgresql.engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {new_postgresql.schema}"))
        connection.execute(text(f"CREATE TABLE {new_postgresql.schema}.events (id integer)"))
    with pytest.raises(Exception, match="DATABASE_SCHEMA"):
        new_postgresql.ensure_schema()


IN_MIGRATION = (2, 7, 13)
IN_SYNC = (5, 9, 12, 14, 17, 19, 21)
"""Numbers of statements before which the process is killed: in the migration, the reads, the ledger, the upsert."""


def test_after_a_kill_at_any_point_the_next_run_ends_like_an_undisturbed_one(
    new_database: Database, replay: Upstream, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SIGKILL at ten statements, spread over migration, ledger and upsert, each followed by the next attempt."""
    from flows.sync_schedule import main

    replay.as_of = datetime(2024, 2, 1, tzinfo=UTC)
    arguments = ["2024", "--now", "2024-02-01T00:00:00Z"]
    assert main(arguments) == 0
    undisturbed = dump(new_database)
    if new_database.schema:
        with new_database.engine.begin() as connection:
            connection.execute(text(f'DROP SCHEMA "{new_database.schema}" CASCADE'))
    else:
        environment.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/killed.db")
    from core.database import connect

    disturbed = connect(Settings.load())
    died: list[int] = []
    for places in (IN_MIGRATION, IN_SYNC):
        died += deaths("flows.sync_schedule", arguments, [("", place) for place in places])
        disturbed.ensure_schema()
    assert died == [signal.SIGKILL] * 10
    assert main(arguments) == 0
    assert dump(disturbed) == undisturbed
