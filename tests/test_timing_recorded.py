"""Recorded archives of live timing: what is stored of them is what independent sources say."""

from __future__ import annotations

import csv
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from recording import RECORDED, Recording, needs_recording
from sqlalchemy import select

from core.database import Database
from core.rules.calendar.identity import season_of
from core.rules.timing.outcome import SyncedTiming, TimingOutcome
from core.schema import external_keys, metadata, results
from core.upsert.schedule import SeasonSummary

pytestmark = needs_recording

Sync = Callable[..., SeasonSummary]
Stored = Callable[[str], SyncedTiming]
Rows = list[dict[str, Any]]

BAKU, MEXICO = "2018-azerbaijan-grand-prix/race", "2021-mexico-city-grand-prix/qualifying"
SPRINT, QATAR = "2023-azerbaijan-grand-prix/sprint", "2025-qatar-grand-prix/sprint"
NOW = datetime(2026, 1, 15, tzinfo=UTC)

CLASSIFIED = {
    **dict.fromkeys(["44", "7", "11", "5", "55", "16", "14", "18", "2", "28", "9", "10", "20"], 51),
    "77": 48,
    "8": 42,
    "33": 39,
    "3": 39,
    "27": 10,
    "31": 0,
    "35": 0,
}
"""Baku 2018: the laps that each car completed, by the official classification."""

RETIRED = {"77", "8", "33", "3", "27", "31", "35"}
GAPS_MS = {
    "7": 2_460,
    "11": 4_024,
    "5": 5_329,
    "55": 7_515,
    "16": 9_158,
    "14": 10_931,
    "18": 12_546,
    "2": 14_152,
    "28": 18_030,
    "9": 18_512,
    "10": 24_720,
    "20": 30_663,
}
"""Baku 2018: the gaps to the winner at the flag: Magnussen's without the ten seconds of his penalty."""


def synced(session_id: str) -> SyncedTiming:
    from flows.poll_results import poll_results
    from flows.sync_timing import sync_timing

    poll_results.fn(event=session_id, now=NOW)
    (one,) = sync_timing.fn(event=session_id, now=NOW)
    return one


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, SyncedTiming]]:
    """By session the SQLite file with its archive, which takes seconds to read, and what became of it."""
    return {}


@pytest.fixture
def stored(
    kept: dict[str, tuple[Path, SyncedTiming]],
    sqlite: Database,
    recording: Recording,
    sync: Sync,
    tmp_path_factory: pytest.TempPathFactory,
) -> Stored:
    """Store a session's archive in the test's file, read once for all tests of this module."""

    def store(session_id: str) -> SyncedTiming:
        assert sqlite.file is not None
        if session_id not in kept:
            sync(season_of(session_id), NOW)
            kept[session_id] = tmp_path_factory.mktemp("archive") / "f1.db", synced(session_id)
            sqlite.engine.dispose()  # closing the last connection writes everything into the one file
            shutil.copyfile(sqlite.file, kept[session_id][0])
        else:
            sqlite.engine.dispose()
            shutil.copyfile(kept[session_id][0], sqlite.file)
        return kept[session_id][1]

    return store


def rows(database: Database, table: str, session_id: str) -> Rows:
    wanted = metadata.tables[table]
    with database.reading() as connection:
        found = connection.execute(
            select(wanted).where(wanted.c.session_id == session_id).order_by(*wanted.primary_key.columns)
        )
        return [dict(row) for row in found.mappings()]


def by_car(found: Rows) -> dict[str, Rows]:
    cars: defaultdict[str, Rows] = defaultdict(list)
    for row in found:
        cars[row["car_number"]].append(row)
    return cars


def test_every_car_of_a_race_has_the_laps_of_its_classification(
    database: Database, recording: Recording, sync: Sync
) -> None:
    sync(2018, NOW)
    assert not synced(BAKU).of(TimingOutcome.REFUSED, TimingOutcome.FAILED)
    laps = by_car(rows(database, "laps", BAKU))
    assert {car: len(own) - (car in RETIRED) for car, own in laps.items()} == CLASSIFIED
    for car, own in laps.items():
        assert [lap["lap"] for lap in own] == list(range(1, len(own) + 1))
        last = own[-1]
        if car in RETIRED:
            assert (last["time_ms"], last["sector_1_ms"], last["position"], last["is_accurate"]) == (None,) * 3 + (
                False,
            )
        assert own[0]["time_ms"] is None, "a first lap has no time in the archive"
        untimed = [lap["lap"] for lap in own[1 : CLASSIFIED[car]] if lap["time_ms"] is None]
        assert len(untimed) <= 2, (car, untimed)

    flag = {
        car: own[-1]["started_at"] + timedelta(milliseconds=own[-1]["time_ms"])
        for car, own in laps.items()
        if car not in RETIRED
    }
    for car, gap in GAPS_MS.items():
        assert abs((flag[car] - flag["44"]) / timedelta(milliseconds=1) - gap) <= 300, car

    under_safety_car = {lap["lap"] for lap in laps["44"] if "4" in lap["track_status"]}
    assert under_safety_car == {*range(1, 6), *range(40, 48)}


NOT_WITHIN = {("2", 1): "1.7 s more: Vandoorne's first", ("9", 2): "2.4 s more: Ericsson's second"}
"""Baku 2018: the stops whose time in the lane is not within 1.5 s of the independent list's, by car and stop."""


def test_a_race_has_the_stops_that_an_independent_list_has(stored: Stored, sqlite: Database) -> None:
    stored(BAKU)
    with (RECORDED / "truth" / "2018-azerbaijan-pit-stops.csv").open() as file:
        listed = {(row["number"], int(row["stop"])): row for row in csv.DictReader(file)}
    stops = {(stop["car_number"], stop["stop"]): stop for stop in rows(sqlite, "pit_stops", BAKU)}
    assert len(stops) == 36
    assert {key: stop["lap"] for key, stop in stops.items()} == {key: int(row["lap"]) for key, row in listed.items()}
    off = {key: abs(stop["lane_ms"] / 1000 - float(listed[key]["time"])) for key, stop in stops.items()}
    assert {key for key, seconds in off.items() if seconds > 1.5} == set(NOT_WITHIN)
    entered = {(lap["car_number"], lap["lap"]) for lap in rows(sqlite, "laps", BAKU) if lap["is_pit_in"]}
    assert {(stop["car_number"], stop["lap"]) for stop in stops.values()} == entered


def test_a_sprint_with_a_feed_of_stops_has_their_durations(stored: Stored, sqlite: Database) -> None:
    stored(QATAR)
    found = [
        (stop["car_number"], stop["lap"], stop["lane_ms"], stop["stationary_ms"])
        for stop in rows(sqlite, "pit_stops", QATAR)
    ]
    assert found == [("10", 17, 28_876, 2_900), ("18", 13, 30_852, 4_900), ("43", 17, 31_299, 4_000)]


def test_a_race_has_the_positions_of_its_classification_at_the_flag(stored: Stored, sqlite: Database) -> None:
    stored(BAKU)
    with sqlite.reading() as connection:
        listed = dict(
            connection.execute(select(results.c.car_number, results.c.position).where(results.c.session_id == BAKU))
            .tuples()
            .all()
        )
    at_flag = {lap["car_number"]: lap["position"] for lap in rows(sqlite, "laps", BAKU) if lap["lap"] == 51}
    assert at_flag == {car: listed[car] for car in at_flag}


def test_best_laps_equal_the_qualifying_times_and_deleted_laps_have_their_reason(
    stored: Stored, sqlite: Database
) -> None:
    stored(MEXICO)
    laps = rows(sqlite, "laps", MEXICO)
    with sqlite.reading() as connection:
        found = connection.execute(select(results).where(results.c.session_id == MEXICO)).mappings().all()
    best = {row["car_number"]: min(t for t in (row["q1_ms"], row["q2_ms"], row["q3_ms"]) if t) for row in found}
    timed = {
        car: min(lap["time_ms"] for lap in own if lap["time_ms"] and not lap["is_deleted"])
        for car, own in by_car(laps).items()
    }
    assert len(best) == 20
    assert timed == best
    deleted = {(lap["car_number"], lap["time_ms"]): lap["deleted_reason"] for lap in laps if lap["is_deleted"]}
    assert deleted == {("47", 81_524): "TRACK LIMITS AT TURN 12", ("22", 110_338): "TRACK LIMITS AT TURN 11"}


def test_a_gap_to_the_car_ahead_does_not_reject_laps(stored: Stored, sqlite: Database) -> None:
    """Jolpica has Russell's and Hamilton's so in the sprint at Baku 2023."""
    assert not stored(SPRINT).of(TimingOutcome.REFUSED)
    laps = by_car(rows(sqlite, "laps", SPRINT))
    assert Counter(len(own) for own in laps.values())[17] == 18
    assert {own[0]["driver_id"] for own in laps.values()} >= {"russell", "hamilton", "perez"}


def test_both_safety_cars_of_a_race_are_in_race_controls_messages(stored: Stored, sqlite: Database) -> None:
    stored(BAKU)
    found = rows(sqlite, "race_control", BAKU)
    assert [row["ordinal"] for row in found] == list(range(1, 110))
    assert [row["at"] for row in found] == sorted(row["at"] for row in found)
    deployed = [row["lap"] for row in found if row["category"] == "SafetyCar" and "DEPLOYED" in row["message"]]
    assert deployed == [1, 40]
    sector = next(row for row in found if row["scope"] == "Sector")
    assert (sector["flag"], sector["sector"], sector["message"]) == ("YELLOW", 2, "YELLOW IN TRACK SECTOR 2")


def test_the_weather_is_that_of_the_feed_with_a_row_per_minute(stored: Stored, sqlite: Database) -> None:
    stored(MEXICO)
    found = rows(sqlite, "weather", MEXICO)
    assert len(found) == 104
    first = found[0]
    assert abs(first.pop("at") - datetime(2021, 11, 6, 19, 45, 53, tzinfo=UTC)) < timedelta(seconds=1)
    del first["session_id"]
    assert first == {
        "air_c": 21.1,
        "track_c": 46.9,
        "humidity_pct": 21.7,
        "pressure_hpa": 784.0,
        "wind_mps": 0.4,
        "wind_deg": 17,
        "is_raining": False,
    }


def test_a_missing_feed_leaves_its_table_empty_and_is_noted(stored: Stored, sqlite: Database) -> None:
    (missing,) = stored(BAKU).of(TimingOutcome.MISSING)
    assert (missing.dataset, missing.rows) == ("weather", 0)
    assert rows(sqlite, "weather", BAKU) == []


@pytest.mark.parametrize(
    ("session_id", "laps", "pit_stops"),
    [
        (BAKU, 848, 36),
        (MEXICO, 311, 0),
        (QATAR, 380, 3),
        (SPRINT, 308, 4),
        ("2023-azerbaijan-grand-prix/sprint_qualifying", 233, 0),
        ("2024-chinese-grand-prix/sprint_qualifying", 218, 0),
        ("2024-british-grand-prix/practice_1", 459, 0),
    ],
)
def test_no_recorded_dataset_is_rejected(
    session_id: str, laps: int, pit_stops: int, stored: Stored, sqlite: Database
) -> None:
    one = stored(session_id)
    assert one.of(TimingOutcome.REFUSED, TimingOutcome.FAILED, TimingOutcome.INCOMPLETE) == []
    found = {dataset.dataset: dataset.rows for dataset in one.datasets}
    assert (found["laps"], found["pit_stops"]) == (laps, pit_stops)
    driven = by_car(rows(sqlite, "laps", session_id))
    for car, stints in by_car(rows(sqlite, "stints", session_id)).items():
        assert [stint["lap_start"] for stint in stints[1:]] == [stint["lap_end"] + 1 for stint in stints[:-1]]
        assert (stints[0]["lap_start"], stints[-1]["lap_end"]) == (1, driven[car][-1]["lap"])


def test_stand_ins_of_first_practice_are_entries_with_a_code_and_a_name(stored: Stored, sqlite: Database) -> None:
    session_id = "2024-british-grand-prix/practice_1"
    stored(session_id)
    found = {row["car_number"]: row for row in rows(sqlite, "entries", session_id)}
    assert len(found) == 20
    stand_ins = {
        car: (found[car]["driver_id"], found[car]["driver_code"], found[car]["full_name"], found[car]["team_color"])
        for car in ("37", "45", "50", "61")
    }
    assert stand_ins == {
        "37": (None, "HAD", "Isack Hadjar", "3671C6"),
        "45": (None, "COL", "Franco Colapinto", "64C4FF"),
        "50": (None, "BEA", "Oliver Bearman", "B6BABD"),
        "61": (None, "DOO", "Jack Doohan", "0093CC"),
    }


def test_formula_1s_own_keys_are_the_same_in_each_archive(stored: Stored, sqlite: Database) -> None:
    shootout = "2023-azerbaijan-grand-prix/sprint_qualifying"
    found = set()
    for session_id in (SPRINT, shootout, BAKU, MEXICO):
        stored(session_id)
        with sqlite.reading() as connection:
            found |= set(connection.execute(select(external_keys.c["entity", "entity_id", "external_id"])))
    assert {tuple(row) for row in found if row.entity != "driver"} == {
        ("session", SPRINT, "9069"),
        ("session", shootout, "9278"),
        ("session", BAKU, "5090"),
        ("session", MEXICO, "6565"),
        ("event", "2023-azerbaijan-grand-prix", "1207"),
        ("event", "2018-azerbaijan-grand-prix", "982"),
        ("event", "2021-mexico-city-grand-prix", "1103"),
        ("circuit", "baku", "144"),
        ("circuit", "rodriguez", "65"),
    }
    drivers = [row for row in found if row.entity == "driver"]
    assert len({row.entity_id for row in drivers}) == len({row.external_id for row in drivers}) == len(drivers) >= 19
    references = {row.entity_id: row.external_id for row in drivers}
    assert references.items() >= {"max_verstappen": "MAXVER01", "zhou": "GUAZHO01", "hulkenberg": "NICHUL01"}.items()
