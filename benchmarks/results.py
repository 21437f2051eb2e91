"""The results' figures: idle polls as processes, one race accepted, a season's backlog."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from sqlalchemy import insert, select

from benchmarks.measure import Measured, medians, python
from benchmarks.postgresql import database_of, settings_of
from core import fetch
from core.database import Database
from core.deadline import Deadline
from core.documents import RESULT_ROWS
from core.fetch.access import Access
from core.kinds import SessionKind
from core.records import SessionResult
from core.replay import Upstream
from core.rules.calendar.identity import event_id_of, new_event_id, session_id
from core.rules.results.polling import Cadence
from core.schema import changes, driver_standings, result_revisions, results, sessions, team_standings
from core.settings import Settings
from core.transform.results import result_of_race
from core.upsert.results import accept_result

SEASON = 2024
AFTER = datetime(2024, 12, 10, tzinfo=UTC)
CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
BARE = """
import prefect, sqlalchemy, psycopg
with sqlalchemy.create_engine("sqlite://").connect() as connection:
    connection.exec_driver_sql("SELECT 1")
"""
LAST_RACE = "2024-abu-dhabi-grand-prix/race"


def measure(served: Upstream, dsn: str) -> Iterator[Measured]:
    """Every figure of the results."""
    yield from _backlog(served)
    yield from _idle()
    yield from _accepted(dsn)


def _backlog(served: Upstream) -> Iterator[Measured]:
    from core.rules.results import polling
    from flows import poll_results
    from flows.sync_schedule import sync_schedule

    os.environ["DATABASE_URL"] = "sqlite:///backlog.db"
    settings = Settings.load()
    fetch.session.lift_limits(settings)
    sync_schedule.fn(season=SEASON, now=AFTER)
    served.requests.clear()
    with patch.object(polling, "FIRST_LIVETIMING_SEASON", 2100):
        began = time.perf_counter()
        polled = poll_results.poll_results.fn(now=AFTER)
        took = time.perf_counter() - began
    tables = [request for request in served.requests if "tandings" not in request.path]
    how = f"{len(polled)} sessions of Jolpica"
    yield Measured("requests for a season's backlog", len(tables), "", 12, how)
    yield Measured("a season's backlog, limits lifted", took, " s", 2, how)


def _idle() -> Iterator[Measured]:
    os.environ["DATABASE_URL"] = "sqlite:///idle.db"
    for module in ("refresh_statuses", "poll_results"):
        idle = python("-m", f"flows.{module}")
        idle()
        ours, bare = medians(idle, python("-c", BARE))
        yield Measured(f"idle {module} as a process / bare imports and a query", ours / bare, "×", 1.3, "direct")


def _accepted(dsn: str) -> Iterator[Measured]:
    ours = database_of(dsn, "f1_accepted")
    last = _fill(ours)
    event = event_id_of(LAST_RACE)
    of_race = {
        results: results.c.session_id == LAST_RACE,
        result_revisions: result_revisions.c.session_id == LAST_RACE,
        driver_standings: driver_standings.c.event_id == event,
        team_standings: team_standings.c.event_id == event,
        changes: changes.c.entity_id.in_((LAST_RACE, str(SEASON))),
    }
    with ours.reading() as connection:
        written = {
            table: [dict(row) for row in connection.execute(select(table).where(wanted)).mappings()]
            for table, wanted in of_race.items()
        }
    written[changes] = [{name: v for name, v in row.items() if name != "id"} for row in written[changes][-2:]]

    def undo() -> None:
        with ours.writing() as connection:
            for table, wanted in of_race.items():
                connection.execute(table.delete().where(wanted))
            fresh = {"results_state": "awaited", "revision": 0}
            connection.execute(sessions.update().where(sessions.c.id == LAST_RACE).values(**fresh))

    def accept() -> None:
        accept_result(ours, LAST_RACE, last, AFTER, CADENCE)

    def plain() -> None:
        with ours.writing() as connection:
            for table, rows in written.items():
                connection.execute(insert(table), rows)

    first, again, simple = medians((undo, accept), accept, (undo, plain), repetitions=15)
    how = "PostgreSQL, results, revision, changes, standings"
    yield Measured("a race accepted / bare INSERTs of the same rows", first / simple, "×", 3, how)
    yield Measured("the same race again / those INSERTs", again / simple, "×", 1, "nothing but its next poll")


def _fill(database: Database) -> SessionResult:
    """A season in the database, with all results but for the last race's, which is returned."""
    from flows.sync_schedule import sync_schedule

    with patch.dict(os.environ, settings_of(database)):
        sync_schedule.fn(season=SEASON, now=AFTER)
    last: SessionResult | None = None
    for kind in RESULT_ROWS:
        for race in fetch.jolpica.fetch_results(SEASON, kind, None, Access(Settings.load(), Deadline())):
            result = result_of_race(race, kind)
            identity = session_id(new_event_id(SEASON, race["raceName"], ()), kind)
            accept_result(database, identity, result, AFTER, CADENCE)
            if kind is SessionKind.RACE:
                last = result
    assert last is not None
    return last
