"""Points tables: each season's winner and last paid place, and the points that one entry may have."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.kinds import SessionKind
from core.rules.results.points import most_points, race_points, scales

RACE, SPRINT, QUALIFYING = SessionKind.RACE, SessionKind.SPRINT, SessionKind.QUALIFYING


@pytest.mark.parametrize(
    ("seasons", "winner", "paid", "total"),
    [
        ((1950, 1959), 8, 5, 23),
        ((1960, 1960), 8, 6, 24),
        ((1961, 1990), 9, 6, 25),
        ((1991, 2002), 10, 6, 26),
        ((2003, 2009), 10, 8, 39),
        ((2010, 2030), 25, 10, 101),
    ],
)
def test_race_tables_change_in_their_season(seasons: tuple[int, int], winner: int, paid: int, total: int) -> None:
    for season in seasons:
        table = race_points(season)
        assert (table[0], len(table), sum(table)) == (winner, paid, total)


def sprint_points(season: int) -> tuple[Decimal, ...]:
    return next((scale.places for scale in scales(season, SPRINT)), ())


def test_sprints_pay_since_2021_and_eight_places_since_2022() -> None:
    assert [len(sprint_points(season)) for season in (2020, 2021, 2022, 2026)] == [0, 3, 8, 8]
    assert sprint_points(2021) == (3, 2, 1)
    assert sprint_points(2022)[0] == 8


def test_the_fastest_lap_earned_a_point_twice_in_history() -> None:
    paying = [season for season in range(1950, 2027) if scales(season, RACE)[0].fastest_lap_places]
    assert paying == [*range(1950, 1960), *range(2019, 2025)]


@pytest.mark.parametrize(
    ("season", "kind", "points", "plausible"),
    [
        (2023, RACE, "26", True),  # a win and the fastest lap
        (2025, RACE, "26", False),  # the fastest lap's point was abolished
        (2020, SPRINT, "8", False),
        (2023, SPRINT, "9", False),  # no fastest lap in a sprint
        (2023, RACE, "19", True),  # a race of half its distance or more
        (2023, RACE, "20", True),  # with the fastest lap
        (2023, RACE, "14", True),
        (2021, RACE, "14", False),  # before the graded tables
        (2021, RACE, "12.5", True),  # Belgium
        (2022, RACE, "12.5", False),
        (2009, RACE, "2.5", True),  # Malaysia
        (1991, RACE, "0.5", True),  # Australia
        (1970, RACE, "4.5", False),
        (2014, RACE, "50", True),  # Abu Dhabi
        (2015, RACE, "50", False),
        (1960, RACE, "9", False),
        (2020, RACE, "0", True),
        (2023, QUALIFYING, "1", False),
    ],
)
def test_which_points_one_entry_can_have(season: int, kind: SessionKind, points: str, plausible: bool) -> None:
    found = {Decimal(0)}.union(*(scale.values for scale in scales(season, kind)))
    assert (Decimal(points) in found) is plausible


@pytest.mark.parametrize(
    ("season", "kind", "most"),
    [
        (1954, RACE, 9),
        (1960, RACE, 8),
        (1991, RACE, 10),
        (2014, RACE, 50),
        (2024, RACE, 26),
        (2025, RACE, 25),
        (2020, SPRINT, 0),
        (2021, SPRINT, 3),
        (2024, SPRINT, 8),
        (2024, QUALIFYING, 0),
    ],
)
def test_the_most_points_that_one_entry_can_have(season: int, kind: SessionKind, most: int) -> None:
    assert most_points(season, kind) == most


def test_the_fastest_lap_counts_in_the_first_ten_only() -> None:
    usual = scales(2023, RACE)[0]
    assert [usual.pays_fastest_lap(position) for position in (1, 10, 11, None)] == [True, True, False, False]


def test_seasons_before_1950_have_no_points() -> None:
    with pytest.raises(ValueError, match="1949"):
        race_points(1949)
