"""What counts in each season: the rules themselves, and every recorded standing after every round."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import SEASONS, UNLIKE, published_after, rounds_of
from recording import needs_recording

from core.database import Database
from core.kinds import SessionKind
from core.records import Competitor
from core.rules.results.championship import best_placed
from core.rules.results.disagreements import differences
from core.rules.results.season_rules import Part, rules_of
from core.rules.results.standings import Adjustment, Round, RoundEvent, RoundResult, Scored, Tables, standings_after
from core.upsert.adjustments import read_adjustments

RACE = SessionKind.RACE


@needs_recording
@pytest.mark.parametrize("folder", SEASONS, ids=lambda folder: folder.name)
def test_every_recorded_standing_is_computed(folder: Path, sqlite: Database) -> None:
    """Points and wins always, places since 2000, with the adjustments that the migration brings."""
    season = int(folder.name)
    with sqlite.reading() as connection:
        adjustments = read_adjustments(connection, season)
    found: dict[tuple[int, Competitor, str], list[int]] = {}
    compared = 0
    for event, tables in standings_after(rounds_of(folder), adjustments):
        for competitor, computed in tables.items():
            published = published_after(folder, competitor)[event.round or 0]
            compared += len(published)
            for one in differences(season, computed, best_placed(published)):
                found.setdefault((season, competitor, one.competitor_id), []).append(event.round or 0)
    assert compared > 100
    assert found == {key: list(rounds) for key, (rounds, _) in UNLIKE.items() if key[0] == season}


@pytest.mark.parametrize(
    ("season", "rounds", "parts"),
    [
        (1950, 7, [Part(None, 4)]),
        (1953, 9, [Part(None, 4)]),
        (1954, 9, [Part(None, 5)]),
        (1957, 8, [Part(None, 5)]),
        (1958, 11, [Part(None, 6)]),
        (1959, 9, [Part(None, 5)]),
        (1960, 10, [Part(None, 6)]),
        (1961, 8, [Part(None, 5)]),
        (1962, 9, [Part(None, 5)]),
        (1963, 10, [Part(None, 6)]),
        (1965, 10, [Part(None, 6)]),
        (1966, 9, [Part(None, 5)]),
        (1967, 11, [Part(6, 5), Part(None, 4)]),
        (1968, 12, [Part(6, 5), Part(None, 5)]),
        (1977, 17, [Part(9, 8), Part(None, 7)]),
        (1978, 16, [Part(8, 7), Part(None, 7)]),
        (1979, 15, [Part(7, 4), Part(None, 4)]),
        (1980, 14, [Part(7, 5), Part(None, 5)]),
        (1981, 15, [Part(None, 11)]),
        (1990, 16, [Part(None, 11)]),
        (1991, 16, [Part(None, None)]),
        (2026, 24, [Part(None, None)]),
    ],
)
def test_the_results_that_count_for_drivers(season: int, rounds: int, parts: list[Part]) -> None:
    driver, *team = rules_of(season, rounds)
    assert list(driver.parts) == parts
    assert (driver.counts_all_cars, driver.counts_indianapolis, driver.at_most) == (True, True, None)
    assert [list(one.parts) for one in team] == (
        [] if season < 1958 else [parts if season < 1979 else [Part(None, None)]]
    )


@pytest.mark.parametrize(
    ("season", "most", "all_cars", "indianapolis"),
    [
        (1958, 8, False, False),
        (1960, 8, False, False),
        (1961, 8, False, True),
        (1962, None, False, True),
        (1978, None, False, True),
        (1979, None, True, True),
        (2003, None, True, True),
    ],
)
def test_the_points_that_a_race_pays_constructors(
    season: int, most: int | None, all_cars: bool, indianapolis: bool
) -> None:
    _, team = rules_of(season, 16)
    assert (team.at_most[0] if team.at_most else None, team.counts_all_cars, team.counts_indianapolis) == (
        most,
        all_cars,
        indianapolis,
    )


def season_of(*races: Mapping[str, str], season: int, circuits: Sequence[str] = (), to_come: int = 0) -> list[Round]:
    """A season's rounds: each race by driver, in order, with points; a driver's team is the first letter."""
    rounds = []
    for number, race in enumerate(races, start=1):
        entries = [
            Scored(str(place), driver, driver[0], place, place, Decimal(points))
            for place, (driver, points) in enumerate(race.items(), start=1)
        ]
        circuit = circuits[number - 1] if circuits else None
        rounds.append(Round(event_of(season, number, circuit), [RoundResult(RACE, entries)]))
    return rounds + [Round(event_of(season, len(races) + n)) for n in range(1, to_come + 1)]


def event_of(season: int, number: int, circuit: str | None = None) -> RoundEvent:
    return RoundEvent(f"{season}-{number:02}", season, number, date(season, 1, number), circuit)


def points_after_each(rounds: Sequence[Round], competitor: Competitor, competitor_id: str) -> list[Decimal]:
    found = []
    for _, tables in standings_after(rounds):
        found += [one.points for one in tables[competitor] if one.competitor_id == competitor_id]
    return found


def test_the_best_rounds_count_as_of_each_round() -> None:
    rounds = season_of({"a": "4"}, {"a": "8"}, {"a": "3"}, {"a": "6"}, {"a": "8"}, {"a": "2"}, season=1950)
    assert points_after_each(rounds, "driver", "a") == [4, 12, 15, 21, 26, 26]


def test_the_halves_of_a_season_are_of_all_its_rounds_including_those_to_come() -> None:
    """Eleven rounds: the best five of six, and the best four of five."""
    races = [{"a": "9"}] * 6
    assert points_after_each(season_of(*races, season=1967, to_come=5), "driver", "a")[-1] == 45
    assert points_after_each(season_of(*races, season=1967), "driver", "a")[-1] == 18 + 18
    later = [{"a": "1"}] * 5
    assert points_after_each(season_of(*races, *later, season=1967), "driver", "a")[-1] == 45 + 4


def test_only_the_best_car_scores_for_a_constructor_until_1978() -> None:
    race = {"ax": "9", "ay": "6", "b": "4"}
    for season, paid in ((1966, 9), (1978, 9), (1979, 15)):
        assert points_after_each(season_of(race, season=season, to_come=13), "team", "a") == [paid]


def test_the_fastest_lap_and_the_ninth_point_are_the_drivers_alone() -> None:
    for season, paid in ((1958, "9"), (1959, "8.5"), (1961, "9")):
        rounds = season_of({"a": paid, "b": "7", "c": "0"}, season=season)
        assert points_after_each(rounds, "driver", "a") == [Decimal(paid)]
        assert points_after_each(rounds, "team", "a") == [8]
        assert points_after_each(rounds, "team", "b") == [6]
        assert points_after_each(rounds, "team", "c") == [0], "the third was paid none"
    assert points_after_each(season_of({"a": "9"}, season=1962), "team", "a") == [9]


def test_indianapolis_is_a_round_of_the_drivers_only() -> None:
    rounds = season_of({"a": "8"}, {"b": "8"}, season=1958, circuits=["monaco", "indianapolis"])
    tables = standings_after(rounds)[-1][1]
    assert [one.competitor_id for one in tables["driver"]] == ["a", "b"]
    assert [one.competitor_id for one in tables["team"]] == ["a"]


def test_before_1958_there_is_no_constructors_championship() -> None:
    assert standings_after(season_of({"a": "8"}, season=1957))[0][1].keys() == {"driver"}


def adjustment(points: int = 0, round: int | None = None, *, is_excluded: bool = False) -> Adjustment:
    return Adjustment(
        season=2024,
        round=round,
        competitor="driver",
        competitor_id="a",
        points=Decimal(points),
        is_excluded=is_excluded,
        reason="by way of example",
        source="here",
    )


def first_of(rounds: Sequence[Round], *adjustments: Adjustment) -> list[tuple[str, Decimal, int | None]]:
    """The driver `a` and who is first, after each round."""
    return [
        (tables["driver"][0].competitor_id, one.points, one.position)
        for _, tables in standings_after(rounds, adjustments)
        for one in tables["driver"]
        if one.competitor_id == "a"
    ]


def test_an_adjustment_holds_from_its_round_on() -> None:
    rounds = season_of({"a": "25", "b": "18"}, {"a": "25", "b": "18"}, season=2024)
    assert first_of(rounds) == [("a", 25, 1), ("a", 50, 1)]
    assert first_of(rounds, adjustment(-20, 2)) == [("a", 25, 1), ("b", 30, 2)]
    assert first_of(rounds, adjustment(-20)) == [("b", 5, 2), ("b", 30, 2)]
    assert first_of(rounds, adjustment(-40)) == [("b", 0, 2), ("b", 10, 2)], "never less than none"
    assert first_of(rounds, adjustment(round=2, is_excluded=True)) == [("a", 25, 1), ("b", 50, None)]
    assert first_of(rounds, adjustment(-50, is_excluded=True)) == [("b", 0, None), ("b", 0, None)]


def test_an_adjustment_of_the_other_championship_or_of_nobody_changes_nothing() -> None:
    rounds = season_of({"a": "25", "b": "18"}, season=2024)
    other = adjustment(-20).model_copy(update={"competitor": "team", "competitor_id": "b"})
    nobody = adjustment(-20).model_copy(update={"competitor_id": "x"})
    assert [tables["driver"] for _, tables in standings_after(rounds, [other, nobody])] == [
        tables["driver"] for _, tables in standings_after(rounds)
    ]


def test_standings_from_an_event_on_equal_those_of_the_whole_season() -> None:
    rounds = season_of({"a": "8"}, {"b": "8"}, {"b": "6"}, season=1950)
    assert standings_after(rounds, from_event="1950-02") == standings_after(rounds)[1:]
    assert standings_after([]) == []


scores = st.lists(
    st.dictionaries(st.sampled_from(["ax", "ay", "bx", "cx"]), st.integers(0, 9).map(str), min_size=1),
    min_size=1,
    max_size=16,
)
seasons = st.sampled_from([1950, 1954, 1958, 1961, 1966, 1967, 1978, 1979, 1980, 1988, 1991, 2020])


def totals(rounds: Sequence[Round]) -> dict[tuple[str, str], Decimal]:
    last: Tables = standings_after(rounds)[-1][1]
    return {(competitor, one.competitor_id): one.points for competitor, table in last.items() for one in table}


@given(season=seasons, races=scores, chance=st.randoms(use_true_random=False))
def test_the_order_of_entries_changes_nothing(season: int, races: list[dict[str, str]], chance: random.Random) -> None:
    rounds = season_of(*races, season=season)
    shuffled = []
    for one in rounds:
        entries = list(one.results[0].entries)
        chance.shuffle(entries)
        shuffled.append(Round(one.event, [RoundResult(RACE, entries)]))
    assert standings_after(shuffled) == standings_after(rounds)


@given(season=seasons, races=scores)
def test_points_never_fall_from_round_to_round_and_never_exceed_what_was_paid(
    season: int, races: list[dict[str, str]]
) -> None:
    before: dict[tuple[str, str], Decimal] = {}
    paid: dict[tuple[str, str], Decimal] = {}
    for (_, tables), race in zip(standings_after(season_of(*races, season=season)), races, strict=True):
        for driver, points in race.items():
            for key in (("driver", driver), ("team", driver[0])):
                paid[key] = paid.get(key, Decimal(0)) + Decimal(points)
        now = {(competitor, one.competitor_id): one.points for competitor, table in tables.items() for one in table}
        assert all(now[key] >= points for key, points in before.items())
        assert all(points <= paid[key] for key, points in now.items())
        before = now


@given(season=st.integers(1981, 1990), counted=st.lists(st.integers(1, 9), min_size=11, max_size=15))
def test_a_result_no_better_than_the_counted_ones_adds_nothing(season: int, counted: list[int]) -> None:
    races = [{"ax": str(points)} for points in counted]
    least = sorted(counted, reverse=True)[10]
    with_one_more = season_of(*races, {"ax": str(least)}, season=season)
    assert totals(with_one_more)["driver", "ax"] == totals(season_of(*races, season=season))["driver", "ax"]
    assert totals(with_one_more)["driver", "ax"] == sum(sorted(counted)[-11:])


@given(races=scores)
def test_all_points_count_since_1991(races: list[dict[str, str]]) -> None:
    found = totals(season_of(*races, season=1991))
    for driver in {driver for race in races for driver in race}:
        assert found["driver", driver] == sum(int(race.get(driver, 0)) for race in races)
    assert sum(points for (competitor, _), points in found.items() if competitor == "team") == sum(
        int(points) for race in races for points in race.values()
    )
