"""The calendar's figures: a sync as a process, its upsert beside COPY and a hand-written worker, its statements."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import fastf1
from sqlalchemy import event, select

from benchmarks.measure import Measured, medians, peak_megabytes, python
from benchmarks.postgresql import copy, database_of, empty, rows_of
from core.database import connect
from core.deadline import Deadline
from core.fetch import schedule
from core.fetch.access import Access
from core.fetch.session import asking
from core.kinds import Source
from core.replay import Upstream
from core.rules.calendar.reconcile import reconcile
from core.rules.calendar.season import Calendar
from core.schema import changes, circuits, columns, events, sessions
from core.settings import Settings
from core.transform.schedule import schedule_answer
from core.upsert.rows import write_changes, write_rows

SEASON = 2024
NOW = datetime(2024, 2, 1, tzinfo=UTC)
BARE = f"""
import os, fastf1
from prefect import flow, task
from core.fetch.fastf1_internals import use_mirror
use_mirror(os.environ["F1_UPSTREAM_URL"])
os.makedirs(os.environ["FASTF1_CACHE_DIR"], exist_ok=True)
fastf1.Cache.configure(cache_dir=os.environ["FASTF1_CACHE_DIR"], use_requests_cache=False)

@flow
def schedule(season: int):
    return fastf1.get_event_schedule(season, backend="fastf1")

print(schedule.fn({SEASON}))
"""
"""The least that a flow of Prefect which reads the same schedule does; its function is called without an API."""


def measure(served: Upstream, dsn: str) -> Iterator[Measured]:
    """Every figure of the calendar."""
    sync = python("-m", "flows.sync_schedule", str(SEASON))
    sync()
    ours, bare = medians(sync, python("-c", BARE))
    yield Measured("sync as a process / bare FastF1 and Prefect", ours / bare, "×", 1.3, "direct, unchanged season")
    megabytes = peak_megabytes(["-m", "flows.sync_schedule", str(SEASON)])
    yield Measured("peak memory of a sync", megabytes, " MB", 260, "direct")
    yield from _upsert(dsn)
    yield from _requests(served)
    yield from _transform()


def _upsert(dsn: str) -> Iterator[Measured]:
    access = Access(Settings.load(), Deadline())
    races, answer = (
        schedule_answer(schedule.fetch_schedule(SEASON, source, access), SEASON, source)
        for source in (Source.JOLPICA, Source.FASTF1)
    )
    result = reconcile(Calendar(), answer, NOW, races=races.events)
    ours, copied, worker = (database_of(dsn, name) for name in ("f1", "f1_copied", "f1_worker"))
    tables = (circuits, events, sessions, changes)
    after = result.calendar

    def upsert() -> None:
        with ours.writing() as connection:
            write_rows(connection, circuits, {}, after.circuits)
            write_rows(connection, events, {}, after.events, stamp=NOW)
            write_rows(connection, sessions, {}, after.sessions, stamp=NOW)
            write_changes(connection, result.changes, NOW, None)

    upsert()
    written = rows_of(ours, tables)
    rows: dict[Any, list[dict[str, Any]]] = {
        circuits: [columns(circuits, row) for row in after.circuits.values()],
        events: [{**columns(events, row), "updated_at": NOW} for row in after.events.values()],
        sessions: [{**columns(sessions, row), "updated_at": NOW} for row in after.sessions.values()],
    }

    def by_hand() -> None:
        """As hand-written workers do: a SELECT, then an INSERT, a row at a time, each committed."""
        with worker.engine.connect() as connection:
            for table, lines in rows.items():
                for line in lines:
                    if connection.execute(select(table).where(table.c.id == line["id"])).first() is None:
                        connection.execute(table.insert().values(**line))
                    connection.commit()

    upserted, bare, slow = medians(
        (lambda: empty(ours, tables), upsert),
        (lambda: empty(copied, tables), lambda: copy(dsn, copied, written)),
        (lambda: empty(worker, tables), by_hand),
    )
    yield Measured("upsert of a season / COPY of the same rows", upserted / bare, "×", 6, "PostgreSQL, empty tables")
    yield Measured("row by row as by hand / upsert", slow / upserted, "×", None, "without its changes")


def _requests(served: Upstream) -> Iterator[Measured]:
    from flows.sync_schedule import sync_schedule

    statements: list[str] = []
    os.environ["DATABASE_URL"] = "sqlite:///requests.db"
    for what, limit in (("a new season", 2), ("a known one", 1)):
        served.requests.clear()
        statements.clear()
        engine = connect(Settings.load()).engine

        def count(_c: Any, _k: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        event.listen(engine, "before_cursor_execute", count)
        sync_schedule.fn(season=SEASON, now=NOW)
        event.remove(engine, "before_cursor_execute", count)
        yield Measured(f"upstream requests for {what}", len(served.requests), "", limit, "")
    most = max(sum(f".{table} " in f"{s} ".replace("\n", " ") for s in statements) for table in ("events", "sessions"))
    yield Measured("SQL statements per table, unchanged", most, "", 3, "a known season")


def _transform() -> Iterator[Measured]:
    access = Access(Settings.load(), Deadline())
    documents = schedule.fetch_schedule(SEASON, Source.FASTF1, access)

    def build() -> None:
        fastf1.get_event_schedule(SEASON, backend="fastf1")

    time.sleep(0.3)
    with asking(Source.FASTF1, access):
        document = fastf1.Cache.requests_get(f"{access.settings.f1_upstream_url}/schedule/schedule_{SEASON}.json")
    answered = SimpleNamespace(text=document.text)
    with patch.object(fastf1.Cache, "requests_get", lambda *_a, **_k: answered):
        ours, theirs = medians(lambda: schedule_answer(documents, SEASON, Source.FASTF1), build)
    yield Measured("transform / FastF1 building its frame", ours / theirs, "×", 1, "in memory")
