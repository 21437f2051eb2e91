"""Standings: every round of two recorded seasons, countback, and deductions."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from conftest import RECORDED, needs_recording

from core.records import Entry, SessionKind, Source, Standing
from core.rules.results.standings import RoundResult, differences, merged, standings

RACE, SPRINT = SessionKind.RACE, SessionKind.SPRINT


def document(season: int, name: str) -> list[dict[str, Any]]:
    path = RECORDED / "ergast" / str(season) / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else []


def recorded_results(season: int) -> list[RoundResult]:
    found = []
    for name, key, kind in (("results", "Results", RACE), ("sprint", "SprintResults", SPRINT)):
        for event in document(season, name):
            entries = [
                Entry(
                    car_number=row["number"],
                    driver_id=row["Driver"]["driverId"],
                    team_id=row["Constructor"]["constructorId"],
                    listed_position=int(row["position"]),
                    position=int(row["position"]) if row["positionText"].isdigit() else None,
                    points=Decimal(row["points"]),
                    source=Source.JOLPICA,
                )
                for row in event[key]
            ]
            found.append(RoundResult(round=int(event["round"]), kind=kind, entries=tuple(entries)))
    return found


def published(season: int, competitor: str) -> dict[int, list[Standing]]:
    name, key = ("driver", "Driver") if competitor == "driver" else ("constructor", "Constructor")
    return {
        int(table["round"]): [
            Standing(
                competitor_id=row[key][f"{name}Id"],
                position=int(row["position"]) if "position" in row else None,
                points=Decimal(row["points"]),
                wins=int(row["wins"]),
                source="results",
            )
            for row in table[f"{key}Standings"]
        ]
        for table in document(season, f"{name}standings")
    }


@needs_recording
@pytest.mark.parametrize(("season", "competitor"), [(2020, "driver"), (2023, "driver"), (2023, "team")])
def test_every_recorded_round_is_reproduced(season: int, competitor: Any) -> None:
    results = recorded_results(season)
    tables = published(season, competitor)
    assert len(tables) == {2020: 17, 2023: 22}[season]
    for number, table in tables.items():
        assert standings([r for r in results if r.round <= number], competitor) == table, f"round {number}"


@needs_recording
def test_a_published_deduction_is_reported_and_applied() -> None:
    computed = standings(recorded_results(2020), "team")
    table = published(2020, "team")[17]
    assert differences(computed, table) == [
        "mclaren: position 4 by results, 3 published",
        "racing_point: points 210 by results, 195 published; position 3 by results, 4 published",
    ]
    assert [(s.competitor_id, s.points, s.source) for s in merged(computed, table)][2:4] == [
        ("mclaren", 202, "jolpica"),
        ("racing_point", 195, "jolpica"),
    ]


def race(number: int, *places: str | None, kind: SessionKind = RACE, out: tuple[str, ...] = ()) -> RoundResult:
    """A race without points: these drivers in this order, then those that retired."""
    entries = [
        Entry(
            car_number=str(place),
            driver_id=driver,
            listed_position=place,
            position=place if driver not in out else None,
            points=Decimal(0),
            source=Source.JOLPICA,
        )
        for place, driver in enumerate([*places, *out], start=1)
    ]
    return RoundResult(round=number, kind=kind, entries=tuple(entries))


def order(*results: RoundResult) -> list[tuple[str, int | None, int]]:
    return [(s.competitor_id, s.position, s.wins) for s in standings(results, "driver")]


def test_countback_goes_from_wins_downwards() -> None:
    # b and a each have a second place, b a third; c's win comes before both.
    found = order(race(1, "c", "a", "x", "b"), race(2, "x", "b", "c", "y"), race(3, "y", "x", "b", "a"))
    assert [driver for driver, _, _ in found] == ["x", "c", "y", "b", "a"]


def test_sprints_give_neither_wins_nor_countback() -> None:
    found = order(race(1, "a", "b"), race(2, "b", "a"), race(2, "b", "a", kind=SPRINT))
    assert found == [("a", 1, 1), ("b", 2, 1)]


def test_a_competitor_never_classified_has_no_position() -> None:
    assert order(race(1, "a", out=("b", "c"))) == [("a", 1, 1), ("b", None, 0), ("c", None, 0)]


def test_an_unknown_driver_has_no_standing() -> None:
    assert order(race(1, "a", None)) == [("a", 1, 1)]


def test_without_published_standings_ours_stay() -> None:
    computed = standings([race(1, "a", "b")], "driver")
    assert merged(computed, []) == computed
    assert differences(computed, computed) == []


def test_a_competitor_that_is_not_published_keeps_points_but_no_position() -> None:
    computed = standings([race(1, "a", "b")], "driver")
    found = merged(computed, computed[:1])
    assert [(s.competitor_id, s.position, s.source) for s in found] == [("a", 1, "jolpica"), ("b", None, "results")]
    assert differences(computed, computed[:1]) == ["b: not published"]
