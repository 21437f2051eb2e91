"""The difference that a revision makes, as data and as text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from core.kinds import Source
from core.records import Entry
from core.rules.results.differences import diff_entries, diff_text, matched

NAMES = {"russell": "Russell", "hamilton": "Hamilton", "piastri": "Piastri"}


def entry(driver: str | None, car: str, place: int | None, points: int | None = None, **more: Any) -> Entry:
    values = {
        "driver_id": driver,
        "car_number": car,
        "position": place,
        "classification": None if place is None else str(place),
        "points": None if points is None else Decimal(points),
        "source": Source.JOLPICA,
        **more,
    }
    return Entry.model_validate(values)


RUSSELL = entry("russell", "63", 1, 25, time_ms=5_258_241, grid=6)
HAMILTON = entry("hamilton", "44", 2, 18, gap_ms=526, grid=3)
PIASTRI = entry("piastri", "81", 3, 15)


def changed(before: Entry, **values: Any) -> Entry:
    return before.model_copy(update=values)


def said(before: list[Entry], after: list[Entry]) -> str:
    return diff_text(diff_entries(before, after), NAMES)


SPA = [
    changed(HAMILTON, position=1, classification="1", points=Decimal(25), gap_ms=None, time_ms=5_258_767),
    changed(PIASTRI, position=2, classification="2", points=Decimal(18)),
    changed(RUSSELL, position=None, classification="D", points=Decimal(0), time_ms=None),
]


def test_spa_2024() -> None:
    assert said([RUSSELL, HAMILTON, PIASTRI], SPA) == (
        "Russell 1 → DSQ, 25 → 0 points; Hamilton 2 → 1, 18 → 25 points; Piastri 3 → 2, 15 → 18 points"
    )


def test_the_data_holds_every_field_and_is_json() -> None:
    found = diff_entries([RUSSELL, HAMILTON, PIASTRI], SPA)
    assert json.loads(json.dumps(found)) == found
    assert found[0] == {
        "driver": "russell",
        "car": "63",
        "position": [1, None],
        "classification": ["1", "D"],
        "points": ["25", "0"],
        "time_ms": [5_258_241, None],
    }


RETIRED = changed(PIASTRI, position=None, classification="R")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ([RUSSELL], [RUSSELL], ""),
        ([RUSSELL], [changed(RUSSELL, source=Source.LIVETIMING)], ""),
        ([RUSSELL], [changed(RUSSELL, points=Decimal("25.000"))], ""),
        ([RUSSELL, HAMILTON], [HAMILTON, RUSSELL], ""),
        ([RUSSELL, HAMILTON], [RUSSELL], "Hamilton gone"),
        ([RUSSELL], [RUSSELL, HAMILTON], "Hamilton new"),
        ([RUSSELL], [changed(RUSSELL, time_ms=5_263_241)], "Russell time 1:27:38.241 → 1:27:43.241"),
        ([HAMILTON], [changed(HAMILTON, gap_ms=5_526, grid=8)], "Hamilton gap +0.526 → +5.526, grid 3 → 8"),
        ([RUSSELL], [changed(RUSSELL, position=2, classification="2", grid=9)], "Russell 1 → 2"),
        ([RUSSELL], [changed(RUSSELL, points=Decimal(26))], "Russell 25 → 26 points"),
        ([RETIRED], [changed(RETIRED, classification="D")], "Piastri ret → DSQ"),
        ([RETIRED], [changed(RETIRED, classification="W")], "Piastri ret → WD"),
        ([RETIRED], [changed(RETIRED, classification="N")], "Piastri ret → NC"),
        ([RETIRED], [changed(RETIRED, classification="E")], "Piastri ret → excl."),
        ([RETIRED], [changed(RETIRED, classification="F")], "Piastri ret → DNQ"),
        ([RETIRED], [PIASTRI], "Piastri ret → 3"),
        # Qualifying has positions only.
        ([changed(PIASTRI, classification=None)], [changed(PIASTRI, classification=None, position=5)], "Piastri 3 → 5"),
        # Live timing had the place, Jolpica has the classification.
        ([changed(PIASTRI, classification=None)], [PIASTRI], "1 entry in other details"),
        ([changed(PIASTRI, classification=None)], [changed(RETIRED, classification="D")], "Piastri 3 → DSQ"),
        ([changed(RUSSELL, points=None, grid=None)], [RUSSELL], "1 entry in other details"),
        # Another driver in the same car is another entry; the same driver in another car is not.
        ([RUSSELL], [changed(RUSSELL, driver_id="aitken")], "Russell gone; Aitken new"),
        ([RUSSELL], [changed(RUSSELL, car_number="1")], "Russell car 63 → 1"),
        # Where drivers are unknown, entries are matched by car number.
        ([entry(None, "63", 1)], [entry(None, "63", 2)], "car 63 1 → 2"),
        ([entry(None, "63", 2)], [changed(RUSSELL, points=None)], "Russell 2 → 1"),
    ],
)
def test_the_text_of_a_difference(before: list[Entry], after: list[Entry], text: str) -> None:
    assert said(before, after) == text


def test_one_driver_in_two_cars_keeps_them_apart() -> None:
    shared = [entry("fangio", "34", 1), entry("fangio", "30", None, classification="R")]
    assert matched(shared, shared[::-1]) == [(shared[0], shared[0]), (shared[1], shared[1])]


def test_nine_penalties_are_listed_and_a_reshuffled_field_is_counted() -> None:
    drivers = [entry(f"d{n}", str(n), n) for n in range(1, 21)]
    nine = [changed(d, position=n + 1, classification=str(n + 1)) if n <= 9 else d for n, d in enumerate(drivers, 1)]
    assert said(drivers, nine).count("→") == 9
    all_of_them = [changed(d, position=21 - n, classification=str(21 - n)) for n, d in enumerate(drivers, 1)]
    assert said(drivers, all_of_them).endswith("D11 11 → 10; 9 more")


def test_without_names_ids_are_readable() -> None:
    found = diff_entries([entry("max_verstappen", "1", 1)], [entry("max_verstappen", "1", 2)])
    assert diff_text(found) == "Max Verstappen 1 → 2"
