"""The figures of what happened on track: one race's archive stored, and what a load of it takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from unittest.mock import patch

from benchmarks.measure import Measured, medians
from benchmarks.postgresql import connection_to, copy, database_of, empty, rows_of, settings_of
from core import fetch
from core.deadline import Deadline
from core.fetch.access import Access
from core.kinds import SessionKind
from core.queries import read_event_polls
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
    with patch.dict(os.environ, settings_of(ours)):
        settings = Settings.load()
        fetch.session.lift_limits(settings)
        sync_schedule.fn(season=SEASON, now=NOW)
    (due,) = read_event_polls(ours, EVENT, SessionKind.RACE)
    access = Access(settings, Deadline())
    document = fetch.archive.fetch_archive(due.event, due.session, access)
    loaded, polled = medians(
        lambda: fetch.archive.fetch_archive(due.event, due.session, Access(settings, Deadline())),
        lambda: fetch.timing.fetch_timing(due.event, due.session, Access(settings, Deadline())),
        repetitions=3,
    )
    served.requests.clear()
    fetch.timing.fetch_timing(due.event, due.session, Access(settings, Deadline()))
    yield Measured("requests of a poll of live timing's results", len(served.requests), "", 9, "no more than before")
    transformed = medians(lambda: read_archive(document, SessionKind.RACE), repetitions=3)[0]
    yield Measured("a race's archive loaded, mostly by FastF1", loaded, " s", None, "loopback")
    yield Measured("the same for a poll of its results", polled, " s", None, "loopback")
    yield Measured("its transform / FastF1's load", transformed / loaded, "×", 0.5, "six datasets")
    archive = read_archive(document, SessionKind.RACE)
    tables = [metadata.tables[gate.dataset.tables[0]] for gate in GATES]

    def undo() -> None:
        empty(ours, (*tables, dataset_states, changes))

    accept_archive(ours, RACE, archive, NOW)
    stored = rows_of(ours, tables)
    copied = database_of(dsn, "f1_timing_copied")
    _fill_keys(dsn)
    first, again, bare = medians(
        (undo, lambda: accept_archive(ours, RACE, archive, NOW)),
        lambda: accept_archive(ours, RACE, archive, NOW, by_name=True),
        (lambda: empty(copied, tables), lambda: copy(dsn, copied, stored)),
        repetitions=REPETITIONS,
    )
    count = sum(len(lines) for _, _, lines in stored)
    yield Measured("a race's timing stored / COPY of the same rows", first / bare, "×", 3, f"{count} rows")
    yield Measured("the same again / that COPY", again / bare, "×", None, "nothing but its states")


def _fill_keys(dsn: str) -> None:
    """The rows that foreign keys point to, as in the database that is compared."""
    with connection_to(dsn) as connection:
        for name in ("circuits", "events", "sessions", "drivers", "teams"):
            connection.execute(f"INSERT INTO f1_timing_copied.{name} SELECT * FROM f1_timing.{name}".encode())
