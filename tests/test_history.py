"""Recorded seasons from an empty database: each row of a race as an independent source has it, in few requests."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from conftest import in_turn
from recording import RECORDED, Recording, needs_recording
from sqlalchemy import Row, func, select

from core.database import Database
from core.documents import PAGE
from core.kinds import SessionKind
from core.schema import results, sessions, upstream_requests
from flows.backfill import backfill_history

pytestmark = needs_recording

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ROWS = {
    1950: 162,
    1954: 230,
    1958: 241,
    1964: 210,
    1967: 208,
    1979: 402,
    1988: 496,
    1991: 539,
    1995: 418,
    1997: 376,
    2000: 374,
    2003: 320,
    2007: 374,
    2012: 480,
}
"""Rows of races by season."""

LETTERS = {"DNF": "R", "DNS": "W", "NC": "N", "DSQ": "D", "EX": "E", "DNQ": "F", "DNPQ": "F"}
"""Ergast's letters for the independent source's."""

DISQUALIFIED = "disqualified after the finish: Jolpica gives no time then"
EXPLAINED = {
    (1988, "1988-08-28", "20", "time"): DISQUALIFIED,
    (1988, "1988-08-28", "19", "time"): DISQUALIFIED,
    (1997, "1997-08-24", "9", "time"): DISQUALIFIED,
    (2000, "2000-03-12", "17", "time"): DISQUALIFIED,
    (2000, "2000-03-26", "2", "time"): DISQUALIFIED,
}
"""Where the two differ: (season, date, car, field) → why."""

Entries = dict[tuple[str, str], list[Any]]


def classified(database: Database, season: int) -> Entries:
    """Ours by date and car; of a shared car, or of a driver's several, in the order of the table."""
    found: Entries = defaultdict(list)
    query = (
        select(results, sessions.c.local_date)
        .join(sessions, sessions.c.id == results.c.session_id)
        .where(sessions.c.kind == SessionKind.RACE.value, sessions.c.id.like(f"{season}-%"))
        .order_by(results.c.listed_position, results.c.ordinal)
    )
    with database.reading() as connection:
        for row in connection.execute(query):
            found[str(row.local_date), row.car_number].append(row)
    return found


def true(season: int) -> Entries:
    """The independent source's, in the same way."""
    found: Entries = defaultdict(list)
    with (RECORDED / "truth" / f"{season}.csv").open() as file:
        for row in csv.DictReader(file):
            if row["session"] == SessionKind.RACE.value:
                found[row["date"], row["number"]].append(row)
    return found


def differences(row: Row[Any], truth: Mapping[str, str]) -> Iterator[str]:
    """The fields in which the two differ; what one of them leaves open is not compared."""
    if row.classification != LETTERS.get(truth["position"], truth["position"]):
        yield "place"
    if (row.points or Decimal(0)) != Decimal(truth["points"] or 0):
        yield "points"
    if (row.laps or 0) != int(truth["laps"] or 0):
        yield "laps"
    if truth["grid"].isdigit() and row.grid != int(truth["grid"]):
        yield "grid"
    if truth["time"] and row.time_ms != milliseconds(truth["time"]):
        yield "time"


def milliseconds(clock: str) -> int:
    """1:31:44.742 or 27:05.456 in milliseconds."""
    parts = reversed(clock.split(":"))
    return round(sum(float(part) * 60**power for power, part in enumerate(parts)) * 1000)


@pytest.mark.parametrize(("season", "database"), in_turn(ROWS), indirect=["database"])
def test_every_row_of_every_race_equals_the_independent_source(
    season: int, database: Database, recording: Recording
) -> None:
    [done] = backfill_history.fn(first=season, last=season, now=NOW)
    assert (done.failure, done.notes) == ("", ())
    ours, theirs = classified(database, season), true(season)
    assert ours.keys() == theirs.keys()
    assert sum(map(len, theirs.values())) == ROWS[season]
    found = set()
    for key, rows in theirs.items():
        assert len(ours[key]) == len(rows), key
        for row, truth in zip(ours[key], rows, strict=True):
            found |= {(season, *key, field) for field in differences(row, truth)}
    assert found == {key for key in EXPLAINED if key[0] == season}


@pytest.mark.parametrize("season", ROWS)
def test_a_season_is_one_request_and_one_for_every_hundred_rows(
    season: int, sqlite: Database, recording: Recording
) -> None:
    backfill_history.fn(first=season, last=season, now=NOW)
    counts = select(sessions.c.kind, func.count()).join(results, results.c.session_id == sessions.c.id)
    with sqlite.reading() as connection:
        rows = {row[0]: row[1] for row in connection.execute(counts.group_by(sessions.c.kind))}
        asked = connection.scalar(select(func.count()).select_from(upstream_requests))
    assert asked == 1 + sum(math.ceil(count / PAGE) for count in rows.values()) == len(recording.requests())
