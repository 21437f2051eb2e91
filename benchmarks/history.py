"""The history's figures: whole seasons as a process, and the write of one beside COPY of the same rows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.measure import Measured, medians, peak_megabytes
from benchmarks.postgresql import copy, database_of, empty, rows_of, settings_of
from core.database import Database
from core.documents import RESULT_ROWS
from core.kinds import SessionKind, Source
from core.replay import Upstream
from core.rules.history import SeasonAnswer, season_history
from core.rules.results.points import race_points
from core.rules.results.polling import Cadence
from core.schema import metadata
from core.transform.results import listed_results
from core.transform.schedule import schedule_answer
from core.upsert.history import write_season

SEASONS = range(2010, 2018)
"""Generated of the sample's: 24 races with their qualifyings, more rows than any season of these had."""

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
TABLES = {"races": None, "results": SessionKind.RACE, "qualifying": SessionKind.QUALIFYING}
RACE_KEYS = ("raceName", "round", "url", "Circuit")

BACKFILL = f"""
import time
from datetime import datetime
from sqlalchemy import func, select
from core.database import connect
from core.fetch.session import lift_limits
from core.schema import upstream_requests
from core.settings import Settings
from flows.backfill import backfill_history
lift_limits(Settings.load())
began = time.perf_counter()
done = backfill_history.fn({SEASONS[0]}, {SEASONS[-1]}, datetime.fromisoformat("{NOW.isoformat()}"))
took = time.perf_counter() - began
assert len(done) == {len(SEASONS)}
with connect(Settings.load()).reading() as connection:
    asked = connection.scalar(select(func.sum(upstream_requests.c.ms))) / 1000
print((took - asked) / len(done))
"""


def measure(served: Upstream, dsn: str) -> Iterator[Measured]:
    """Every figure of the history."""
    generated = {season: season_of(served, season) for season in SEASONS}
    for season, tables in generated.items():
        served.overlay |= {(season, table): documents for table, documents in tables.items()}
    yield from _processes(dsn)
    yield from _written(generated[SEASONS[-1]], dsn)


def season_of(served: Upstream, season: int) -> dict[str, list[dict[str, Any]]]:
    """Jolpica's tables of a generated season: the sample's races and entries, with the season's points."""
    points = [str(number) for number in race_points(season)]
    found = {}
    for table, kind in TABLES.items():
        found[table] = []
        for race in served.documents(2024, table):
            made = {key: race[key] for key in RACE_KEYS}
            made |= {"season": str(season), "date": f"{season}{race['date'][4:]}"}
            if kind is not None:
                made[RESULT_ROWS[kind]] = [_paid(row, points) for row in race[RESULT_ROWS[kind]]]
            found[table].append(made)
    return found


def _paid(row: dict[str, Any], points: list[str]) -> dict[str, Any]:
    place = row.get("positionText", "")
    scored = int(place) <= len(points) if place.isdigit() else False
    return row | {"points": points[int(place) - 1] if scored else "0"} if "points" in row else row


def _processes(dsn: str) -> Iterator[Measured]:
    how = f"{len(SEASONS)} generated seasons, direct"
    taken = [_own_seconds(database_of(dsn, f"f1_history_{number}")) for number in range(3)]
    yield Measured("own time of a season's backfill", min(taken), " s", 0.4, f"{how}, PostgreSQL")
    megabytes = peak_megabytes(["-c", BACKFILL])
    yield Measured("peak memory of a backfill", megabytes, " MB", 300, f"{how}, SQLite")


def _own_seconds(database: Database) -> float:
    env = os.environ | settings_of(database)
    command = [sys.executable, "-c", BACKFILL]
    return float(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout)


def _written(listed: dict[str, list[dict[str, Any]]], dsn: str) -> Iterator[Measured]:
    season = SEASONS[-1]
    results = {kind: listed_results(listed[table], season, kind) for table, kind in TABLES.items() if kind is not None}
    answer = SeasonAnswer(schedule_answer(listed["races"], season, Source.JOLPICA), (), results)
    history = season_history(answer, {}, (), {}, NOW, CADENCE)
    ours, copied = database_of(dsn, "f1_written"), database_of(dsn, "f1_copied_history")

    def write() -> None:
        with ours.writing() as connection:
            write_season(connection, history, {}, NOW, None)

    write()
    tables = metadata.sorted_tables
    rows = rows_of(ours, tables)
    written, bare = medians(
        (lambda: empty(ours, tables), write),
        (lambda: empty(copied, tables), lambda: copy(dsn, copied, rows)),
    )
    count = sum(len(lines) for _, _, lines in rows)
    yield Measured("a season written / COPY of the same rows", written / bare, "×", 2, f"PostgreSQL, {count} rows")
