"""The figures of what happened on track: one race's archive stored, and what a load of it takes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import make_url, select

from benchmarks.calendar import database_of
from benchmarks.measure import Measured, medians
from core import fetch
from core.deadline import Deadline
from core.fetch.access import Access
from core.queries import read_event_polls
from core.records import SessionKind
from core.replay import Upstream
from core.rules.timing.gates import GATES
from core.schema import changes, dataset_states, metadata
from core.settings import Settings
from core.transform.archive.answers import read_archive
from core.upsert.timing import accept_archive

EVENT, SEASON = "2024-sao-paulo-grand-prix", 2024
RACE = f"{EVENT}/race"
NOW = datetime(2024, 12, 10, tzinfo=UTC)
REPETITIONS = 9


def measure(served: Upstream, dsn: str) -> Iterator[Measured]:
    """Every figure of what happened on track."""
    from flows.sync_schedule import sync_schedule

    ours = database_of(dsn, "f1_timing")
    kept = {name: os.environ.get(name) for name in ("DATABASE_URL", "DATABASE_SCHEMA")}
    os.environ.update(DATABASE_URL=ours.url.render_as_string(hide_password=False), DATABASE_SCHEMA="f1_timing")
    settings = Settings.load()
    fetch.session.lift_limits(settings)
    sync_schedule.fn(season=SEASON, now=NOW)
    (due,) = read_event_polls(ours, EVENT, SessionKind.RACE)
    session = fetch.timing.TimedSession.of(due.event, due.session)
    assert session is not None
    access = Access(settings, Deadline())
    document = fetch.archive.fetch_archive(session, access)
    loaded, polled = medians(
        lambda: fetch.archive.fetch_archive(session, Access(settings, Deadline())),
        lambda: fetch.timing.fetch_timing(session, Access(settings, Deadline())),
        repetitions=3,
    )
    served.requests.clear()
    fetch.timing.fetch_timing(session, Access(settings, Deadline()))
    yield Measured("requests of a poll of live timing's results", len(served.requests), "", 9, "no more than before")
    transformed = medians(lambda: read_archive(document, SessionKind.RACE), repetitions=3)[0]
    yield Measured("a race's archive loaded, mostly by FastF1", loaded, " s", None, "loopback")
    yield Measured("the same for a poll of its results", polled, " s", None, "loopback")
    yield Measured("its transform / FastF1's load", transformed / loaded, "×", 0.5, "six datasets")
    archive = read_archive(document, SessionKind.RACE)
    tables = [metadata.tables[gate.dataset.tables[0]] for gate in GATES]

    def undo() -> None:
        with ours.writing() as connection:
            for table in tables:
                connection.execute(table.delete())
            connection.execute(dataset_states.delete())
            connection.execute(changes.delete())

    accept_archive(ours, RACE, archive, NOW)
    with ours.reading() as connection:
        stored = {table: [tuple(row) for row in connection.execute(select(table))] for table in tables}
    copied = database_of(dsn, "f1_timing_copied")
    plain = make_url(dsn).set(drivername="postgresql").render_as_string(hide_password=False)
    _fill_keys(dsn)

    def copy() -> None:
        with psycopg.connect(plain) as connection, connection.cursor() as cursor:
            for table, rows in stored.items():
                with cursor.copy(f"COPY f1_timing_copied.{table.name} FROM STDIN") as copying:
                    for row in rows:
                        copying.write_row(row)

    first: list[float] = []
    bare: list[float] = []
    again: list[float] = []
    for _ in range(REPETITIONS):
        undo()
        first += _taken(lambda: accept_archive(ours, RACE, archive, NOW))
        again += _taken(lambda: accept_archive(ours, RACE, archive, NOW, by_name=True))
        with copied.writing() as connection:
            for table in tables:
                connection.execute(table.delete())
        bare += _taken(copy)
    middle = [sorted(times)[REPETITIONS // 2] for times in (first, bare, again)]
    count = sum(map(len, stored.values()))
    yield Measured("a race's timing stored / COPY of the same rows", middle[0] / middle[1], "×", 3, f"{count} rows")
    yield Measured("the same again / that COPY", middle[2] / middle[1], "×", None, "nothing but its states")
    os.environ.update({name: value for name, value in kept.items() if value is not None})
    if kept["DATABASE_SCHEMA"] is None:
        del os.environ["DATABASE_SCHEMA"]


def _fill_keys(dsn: str) -> None:
    """The rows that foreign keys point to, as in the database that is compared."""
    plain: Any = make_url(dsn).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        for name in ("circuits", "events", "sessions", "drivers", "teams"):
            connection.execute(f"INSERT INTO f1_timing_copied.{name} SELECT * FROM f1_timing.{name}".encode())


def _taken(action: Any) -> list[float]:
    began = time.perf_counter()
    action()
    return [time.perf_counter() - began]
