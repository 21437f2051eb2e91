"""Live timing's frames with every known irregularity, and the entries they become."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from core.documents import TimingDocument
from core.fetch.frames import rows_of
from core.kinds import SessionKind, Source
from core.records import Entry
from core.transform.timing import timing_result

NAN = float("nan")
RACE, SPRINT, QUALIFYING, PRACTICE = (
    SessionKind.RACE,
    SessionKind.SPRINT,
    SessionKind.QUALIFYING,
    SessionKind.PRACTICE_1,
)


def timed(car: str, place: Any = NAN, **changes: Any) -> dict[str, Any]:
    return {"DriverNumber": car, "Abbreviation": f"D{car}", "Position": place} | changes


def lap(car: str, lap_number: int, seconds: float | None = 90.0, **changes: Any) -> dict[str, Any]:
    time = pd.NaT if seconds is None else pd.Timedelta(seconds=seconds)
    return {
        "DriverNumber": car,
        "LapNumber": float(lap_number),
        "LapTime": time,
        "Time": pd.Timedelta(hours=1),
    } | changes


def laps_of(**driven: int) -> list[dict[str, Any]]:
    return [lap(car.removeprefix("car"), n) for car, count in driven.items() for n in range(1, count + 1)]


def document(results: list[dict[str, Any]], laps: list[dict[str, Any]]) -> TimingDocument:
    """FastF1's frames as a fetch step returns them: JSON."""
    found: TimingDocument = {"results": rows_of(pd.DataFrame(results)), "laps": rows_of(pd.DataFrame(laps))}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def timing(
    kind: SessionKind, results: list[dict[str, Any]], laps: list[dict[str, Any]]
) -> dict[tuple[str, int], Entry]:
    found = timing_result(document(results, laps), 2024, 14, kind)
    assert {one.source for one in found.entries} <= {Source.LIVETIMING}
    return {one.key: one for one in found.entries}


def test_timing_has_numbers_and_codes_and_no_points() -> None:
    (found,) = timing(SPRINT, [timed("1", 1.0)], laps_of(car1=2)).values()
    assert found == Entry(
        car_number="1",
        driver_code="D1",
        listed_position=1,
        position=1,
        laps=2,
        best_lap_ms=90000,
        source=Source.LIVETIMING,
    )


def test_a_driver_who_never_drove_is_left_out() -> None:
    """The driver list also has reserves, and drivers of a support race."""
    found = timing(
        PRACTICE,
        [timed("1", 1.0), timed("98"), timed("99", "nan"), timed("97", -1)],
        [*laps_of(car1=3), *laps_of(car55=3)],
    )
    assert [car for car, _ in found] == ["1"]


def test_a_driver_without_a_place_is_kept() -> None:
    found = timing(SPRINT, [timed("1", 1.0), timed("22")], laps_of(car1=17, car22=2))
    assert (found["22", 0].position, found["22", 0].laps) == (None, 2)


@pytest.mark.parametrize(
    ("laps", "place"), [(100, 2), (90, 2), (89, None), (1, None)], ids=["all", "nine tenths", "less", "one"]
)
def test_nine_tenths_of_the_distance_are_classified(laps: int, place: int | None) -> None:
    for kind in (RACE, SPRINT):
        found = timing(kind, [timed("1", 1.0), timed("2", 2.0)], laps_of(car1=100, car2=laps))["2", 0]
        assert (found.position, found.listed_position) == (place, 2)


def test_nine_tenths_of_the_distance_are_required_of_races_only() -> None:
    found = timing(PRACTICE, [timed("1", 1.0), timed("2", 2.0)], laps_of(car1=30, car2=3))
    assert found["2", 0].position == 2


@pytest.mark.parametrize("place", [NAN, "nan", "", None, -1, pd.NaT], ids=repr)
def test_a_place_that_is_not_a_number_is_none(place: Any) -> None:
    assert timing(SPRINT, [timed("1", place)], laps_of(car1=3))["1", 0].listed_position is None


@pytest.mark.parametrize("deleted", [True, None])
def test_a_best_lap_is_one_that_was_not_deleted(deleted: bool | None) -> None:
    laps = [lap("1", 1, 88.0, Deleted=deleted), lap("1", 2, 90.0, Deleted=False), lap("1", 3, 91.0, Deleted=None)]
    assert timing(PRACTICE, [timed("1", 1.0)], laps)["1", 0].best_lap_ms == (90000 if deleted else 88000)


def test_laps_all_deleted_leave_no_best() -> None:
    found = timing(PRACTICE, [timed("1", 1.0)], [lap("1", 1, 88.0, Deleted=True)])["1", 0]
    assert (found.best_lap_ms, found.laps) == (None, 1)


def test_laps_without_a_time() -> None:
    laps = [lap("1", 1, None), lap("1", 2, 90.5), lap("1", 3, None, Time=pd.NaT), lap("2", 1, None, Time=pd.NaT)]
    found = timing(PRACTICE, [timed("1", 1.0), timed("2", 2.0)], laps)
    assert (found["1", 0].laps, found["1", 0].best_lap_ms) == (2, 90500), "an incomplete lap does not count"
    assert (found["2", 0].laps, found["2", 0].best_lap_ms) == (None, None)


def test_qualifying_by_timing() -> None:
    seconds = pd.Timedelta
    results = [
        timed("1", 1.0, Q1=seconds(seconds=91), Q2=seconds(seconds=90), Q3=seconds(seconds=90.5)),
        timed("2", 2.0, Q1=seconds(seconds=92), Q2=pd.NaT, Q3=pd.NaT),
        timed("3", NAN, Q1=pd.NaT, Q2=pd.NaT, Q3=pd.NaT),
        timed("4", NAN, Q1=pd.NaT, Q2=pd.NaT, Q3=pd.NaT),
    ]
    found = timing(QUALIFYING, results, [lap("1", 1, 89.0), lap("2", 1, 92.0), lap("3", 1, None)])
    first, second, third = (found[car, 0] for car in "123")
    assert (first.q1_ms, first.q2_ms, first.q3_ms, first.best_lap_ms) == (91000, 90000, 90500, 90000)
    assert (second.q1_ms, second.q2_ms, second.q3_ms, second.best_lap_ms) == (92000, None, None, 92000)
    assert (third.position, third.q1_ms, third.laps) == (None, None, 1)
    assert ("4", 0) not in found


def test_timing_with_columns_missing() -> None:
    found = timing_result(document([{"Position": 1.0}, {"Position": 2.0}], []), 2024, None, RACE)
    assert [(one.key, one.driver_code, one.laps) for one in found.entries] == [
        (("", 0), None, None),
        (("", 1), None, None),
    ]
    laps = [{"DriverNumber": "1", "LapNumber": 5.0, "LapTime": pd.Timedelta(seconds=90)}]
    (one,) = timing_result(document([timed("1", 1.0)], laps), 2024, 14, RACE).entries
    assert (one.laps, one.best_lap_ms) == (5, 90000)


def test_cars_of_one_number_in_timing_have_ordinals() -> None:
    assert list(timing(SPRINT, [timed("1", 1.0), timed("1", 2.0)], laps_of(car1=3))) == [("1", 0), ("1", 1)]


@pytest.mark.parametrize("nothing", ["nan", "None", "", NAN, None], ids=repr)
def test_placeholder_codes_and_numbers_of_timing_are_none(nothing: Any) -> None:
    (found,) = timing(SPRINT, [timed("1", 1.0) | {"DriverNumber": nothing, "Abbreviation": nothing}], []).values()
    assert (found.car_number, found.driver_code) == ("", None)


def test_an_empty_frame_is_an_empty_result() -> None:
    assert timing_result(document([], []), 2024, 14, RACE).entries == ()
