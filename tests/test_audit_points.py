"""The audit's rule for points: what was ever paid is right, and what was never paid is a fault."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.kinds import SessionKind, Source
from core.records import Entry
from core.rules.audit.points import faults

RACE, SPRINT = SessionKind.RACE, SessionKind.SPRINT


def paid(*rows: tuple[int | None, str]) -> list[Entry]:
    """Entries by place and points."""
    return [
        Entry(car_number=str(n), driver_id=f"d{n}", position=place, points=Decimal(points), source=Source.JOLPICA)
        for n, (place, points) in enumerate(rows)
    ]


def places(points: str) -> list[tuple[int | None, str]]:
    return list(enumerate(points.split(), start=1))


TRUE_POINTS = {
    "1950 fastest lap of the winner": (1950, places("9 6 4 3 2 0")),
    "Britain 1954, the fastest lap split seven ways": (
        1954,
        [(1, "8.14"), (2, "6.14"), (3, "4.14"), (4, "3.14"), (5, "2"), (6, "0.14"), (None, "0.14"), (None, "0.14")],
    ),
    "a car that three shared": (1956, [(1, "8"), (2, "2"), (2, "2"), (2, "2"), (3, "4"), (4, "3"), (5, "2"), (6, "1")]),
    "Monaco 1956, Fangio not paid for his second car": (
        1956,
        [(1, "8"), (2, "4"), (2, "3"), (3, "4"), (4, "1.5"), (4, "0"), (5, "2")],
    ),
    "Germany 1958, a car of Formula 2 in place 5": (1958, [*places("8 6 4 3 0 0"), (10, "2"), (None, "1")]),
    "Italy 1958, two in one car not paid": (1958, [(1, "8"), (2, "6"), (3, "5"), (4, "0"), (4, "0"), (5, "2")]),
    "Argentina 1960, place 3 not paid": (1960, [(1, "8"), (2, "6"), (3, "0"), (3, "0"), (4, "3"), (5, "2"), (6, "1")]),
    "France 1963, place 3 not paid": (1963, places("9 6 0 3 2 1")),
    "Germany 1969, paid below cars of Formula 2": (1969, [*places("9 6 4 3 0 0 0 0 0 0"), (11, "2"), (12, "1")]),
    "Spain 1975, half points": (1975, places("4.5 3 2 1.5 1 0.5 0")),
    "Italy 1984, two not paid": (1984, places("9 6 4 3 0 0")),
    "Australia 1987, one not paid": (1987, places("9 6 4 3 0 1")),
    "three cars finish": (1996, places("10 6 4")),
    "Abu Dhabi 2014, double": (2014, places("50 36 30 24 20 16 12 8 4 2")),
    "the fastest lap from 2019 on": (2019, places("25 18 15 13 10 8 6 4 2 1 0")),
    "the fastest lap outside the first ten": (2020, places("25 18 15 12 10 8 6 4 2 1 0")),
    "Belgium 2021, half": (2021, places("12.5 9 7.5 6 5 4 3 2 1 0.5")),
    "Japan 2022, full points": (2022, places("25 18 15 12 10 8 6 4 2 1")),
}
FALSE_POINTS = {
    "two fastest laps": (1950, [*places("9 6 4 3 2"), (None, "1")]),
    "too much for a shared car": (1956, [(1, "8"), (2, "6"), (2, "3"), (3, "4"), (4, "3"), (5, "2")]),
    "three not paid": (1984, places("9 6 4 0 0 0")),
    "paid without a place": (1984, [*places("9 6 4 3 2"), (None, "1")]),
    "two places exchanged": (1985, places("9 4 6 3 2 1")),
    "points of no table": (1985, places("9 6 4 3 2 0.5")),
    "a place not paid": (1991, places("10 6 4 3 0 1")),
    "the fastest lap before it paid": (2018, places("26 18 15 12 10 8 6 4 2 1")),
    "the fastest lap of the eleventh": (2019, places("25 18 15 12 10 8 6 4 2 1 1")),
    "two points for the fastest lap": (2019, places("26 19 15 12 10 8 6 4 2 1")),
    "half points when none were": (2023, places("12.5 9 7.5 6 5 4 3 2 1 0.5")),
}


@pytest.mark.parametrize("case", TRUE_POINTS)
def test_points_that_were_paid_have_no_fault(case: str) -> None:
    year, rows = TRUE_POINTS[case]
    assert faults(year, RACE, paid(*rows)) == []


@pytest.mark.parametrize("case", FALSE_POINTS)
def test_points_that_were_never_paid_are_faults(case: str) -> None:
    year, rows = FALSE_POINTS[case]
    assert faults(year, RACE, paid(*rows))


def test_the_points_of_a_sprint() -> None:
    assert faults(2021, SPRINT, paid(*places("3 2 1 0"))) == []
    assert faults(2022, SPRINT, paid(*places("8 7 6 5 4 3 2 1 0"))) == []
    assert faults(2022, SPRINT, paid(*places("8 7 6 5 4 3 2 1 1"))) == ["d8 has 1 points for place 9, which pays 0"]
