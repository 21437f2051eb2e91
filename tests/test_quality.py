"""The gates: each rejects its case, and none rejects a result of two recorded seasons."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from recording import RECORDED, needs_recording

from core.kinds import ResultsState, SessionKind, Source
from core.records import Entry, SessionResult
from core.rules.results.points import race_points
from core.rules.results.quality import GATES, Case, Severity, examine, is_short
from core.transform.results import result_of_race

RACE, SPRINT, QUALIFYING = SessionKind.RACE, SessionKind.SPRINT, SessionKind.QUALIFYING


def field(season: int = 2025, size: int = 20, **changes: dict[str, Any]) -> tuple[Entry, ...]:
    """A race of d1, d2 ... in that order with the season's points; `changes` replace a driver's values."""
    table = race_points(season)
    return tuple(
        Entry.model_validate(
            {
                "car_number": str(place),
                "driver_id": f"d{place}",
                "listed_position": place,
                "position": place,
                "classification": str(place),
                "points": table[place - 1] if place <= len(table) else Decimal(0),
                "laps": 57,
                "source": Source.JOLPICA,
                **changes.get(f"d{place}", {}),
            }
        )
        for place in range(1, size + 1)
    )


def found(
    entries: Sequence[Entry], previous: Sequence[Entry] = (), season: int = 2025, kind: SessionKind = RACE, **more: Any
) -> dict[str, str]:
    """The gates that find fault, with their messages."""
    result = SessionResult(season=season, round=1, kind=kind, source=Source.JOLPICA, entries=tuple(entries))
    return {finding.gate: finding.message for finding in examine(Case(result, previous, **more))}


OUT = {"position": None, "classification": "R", "points": Decimal(0)}
WITHDRAWN = {**OUT, "classification": "W", "laps": 0}

CASES: list[tuple[str, list[str], dict[str, Any]]] = [
    ("a good table", [], {"entries": field()}),
    ("retirements", [], {"entries": field(d19=OUT, d20=OUT)}),
    ("empty", ["empty"], {"entries": ()}),
    ("empty after full", ["empty"], {"entries": (), "previous": field()}),
    ("half a table", ["entries_lost"], {"entries": field(size=10), "previous": field()}),
    ("three are gone", ["entries_lost"], {"entries": field(size=17), "previous": field()}),
    ("two are gone", ["entries_withdrawn"], {"entries": field(size=18), "previous": field()}),
    (
        "five that never started are gone",
        [],
        {"entries": field(size=15), "previous": field(**{f"d{n}": WITHDRAWN for n in range(16, 21)})},
    ),
    ("more than before", [], {"entries": field(), "previous": field(size=10)}),
    (
        "official calls cars and drivers otherwise than timing",
        [],
        {
            "entries": field(),
            "previous": [e.model_copy(update={"driver_id": None, "car_number": f"9{e.car_number}"}) for e in field()],
            "previous_state": ResultsState.PROVISIONAL,
        },
    ),
    (
        "half an official table after timing's whole",
        ["entries_lost"],
        {"entries": field(size=10), "previous": field(), "previous_state": ResultsState.PROVISIONAL},
    ),
    (
        "places gone",
        ["values_lost"],
        {"entries": [e.model_copy(update={"position": None, "points": None}) for e in field()], "previous": field()},
    ),
    ("the same car twice", ["duplicate_entry"], {"entries": field(d20={"car_number": "19"})}),
    ("the same driver twice", ["duplicate_entry"], {"entries": field(d20={"driver_id": "d19"})}),
    (
        "one driver in two cars, 1955",
        [],
        {"entries": field(1955, d20={"driver_id": "d19"}), "season": 1955},
    ),
    ("rows without anybody", ["unidentified_entry"], {"entries": field(d20={"car_number": "", "driver_id": None})}),
    ("two in one place", ["duplicate_place", "gap_in_places"], {"entries": field(d12={"position": 11})}),
    (
        "a shared car, 1956",
        [],
        {"entries": field(1956, 5, d5={"position": 4, "car_number": "4", "ordinal": 1}), "season": 1956},
    ),
    (
        "two cars in one place, 1956",
        ["place_shared"],
        {"entries": field(1956, 5, d5={"position": 4}), "season": 1956},
    ),
    (
        "no second place, Brazil 1983",
        ["gap_in_places"],
        {"entries": field(1983, d2={**OUT, "classification": "D"}), "season": 1983},
    ),
    ("nine points for sixth, 2025", ["points_off_table", "points_sum"], {"entries": field(d6={"points": Decimal(9)})}),
    (
        "nine for sixth with the fastest lap, 2023",
        [],
        {"entries": field(d6={"points": Decimal(9), "fastest_lap_rank": 1}), "season": 2023},
    ),
    (
        "nine for sixth without the fastest lap, 2023",
        ["points_off_table"],
        {"entries": field(d6={"points": Decimal(9), "fastest_lap_rank": 3}), "season": 2023},
    ),
    (
        "two fastest laps, 2023",
        ["points_sum"],
        {"entries": field(d6={"points": Decimal(9)}, d7={"points": Decimal(7)}), "season": 2023},
    ),
    (
        "more points for fifth than for fourth",
        ["points_contradict_places", "points_off_table"],
        {"entries": field(d4={"points": Decimal(10)}, d5={"points": Decimal(12)})},
    ),
    (
        "places reversed",
        ["points_contradict_places", "points_off_table"],
        {"entries": [e.model_copy(update={"position": 21 - n}) for n, e in enumerate(field(), start=1)]},
    ),
    (
        "points without a place",
        ["points_contradict_places", "points_off_table", "points_sum"],
        {"entries": field(d20={**OUT, "points": Decimal(2)})},
    ),
    ("a place whose points are missing", ["points_contradict_places"], {"entries": field(d1={"points": None})}),
    (
        "classified in the points and paid nothing, 1984",
        ["points_off_table", "points_not_falling", "points_sum"],
        {"entries": field(1984, d5={"points": Decimal(0)}), "season": 1984},
    ),
    (
        "a point for the fastest lap of a retirement, 1954",
        [],
        {"entries": field(1954, 5, d5={**OUT, "points": Decimal(1)}), "season": 1954},
    ),
    (
        "999 points",
        ["points_impossible", "points_off_table", "points_sum"],
        {"entries": field(d1={"points": Decimal(999)})},
    ),
    (
        "fewer than no points",
        ["points_impossible", "points_off_table", "points_sum"],
        {"entries": field(d20={"points": Decimal(-3)})},
    ),
    ("30 cars", ["too_many_entries"], {"entries": field(size=30)}),
    ("34 cars, 1989", [], {"entries": field(1989, size=34), "season": 1989}),
    (
        "another race's classification",
        ["another_sessions"],
        {"entries": field(), "others": {"2025-monaco-grand-prix/race": field()}},
    ),
    (
        "a race with the same winner's time and another second",
        [],
        {"entries": field(), "others": {"2025-monaco-grand-prix/race": field(d2={"driver_id": "d21"})}},
    ),
    (
        "half points, Belgium 2021",
        [],
        {"entries": [e.model_copy(update={"points": (e.points or 0) / Decimal(2)}) for e in field()], "season": 2021},
    ),
    ("points in qualifying", ["points_impossible", "points_off_table"], {"entries": field(size=1), "kind": QUALIFYING}),
    (
        "points in qualifying are none",
        [],
        {"entries": [e.model_copy(update={"points": None, "laps": None}) for e in field()], "kind": QUALIFYING},
    ),
    ("a winner who did not drive", ["winner_without_laps"], {"entries": field(d1={"laps": 0})}),
    (
        "a support race's car",
        ["unknown_number"],
        {"entries": field(), "known_numbers": {str(n) for n in range(1, 20)}},
    ),
    ("the first round knows no numbers yet", [], {"entries": field(), "known_numbers": set()}),
]


@pytest.mark.parametrize(("gates", "case"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_case_has_the_findings_of_its_gates(gates: list[str], case: dict[str, Any]) -> None:
    assert list(found(**case)) == gates


def test_every_gate_has_a_case() -> None:
    assert {gate for _, gates, _ in CASES for gate in gates} == {gate.__name__ for _, gate in GATES}


def test_messages_name_the_entry_and_the_fault() -> None:
    assert found(field(size=18), field())["entries_withdrawn"] == "no longer there: d19, d20"
    assert found(field(d6={"points": Decimal(9)})) == {
        "points_off_table": "d6 has 9 points for 6: in no table",
        "points_sum": "102 points paid, 101 expected",
    }


def test_losing_good_rows_is_rejected_and_oddities_are_warnings() -> None:
    result = SessionResult(season=2025, round=1, kind=RACE, source=Source.JOLPICA, entries=field(size=17))
    assert [finding.severity for finding in examine(Case(result, field()))] == [Severity.REJECT]
    odd = result.model_copy(update={"entries": field(d1={"laps": 0})})
    assert [finding.severity for finding in examine(Case(odd))] == [Severity.WARN]


# Jolpica gives Austin's disqualified Hamilton and Leclerc places 19 and 20, after those who retired from 16 on; and
# Silverstone's qualifying, where Bottas was sent to the back, has two in place 15.
OF_2023 = {
    ("results", "18"): {"gap_in_places": "no entry in place 16, 17, 18"},
    ("qualifying", "10"): {"place_shared": "perez, bottas all in place 15"},
}


@needs_recording
@pytest.mark.parametrize(("season", "expected"), [(2020, {}), (2023, OF_2023)])
def test_recorded_seasons_are_stopped_by_no_gate_but_the_expected(
    season: int, expected: dict[tuple[str, str], dict[str, str]]
) -> None:
    findings = {}
    sessions = 0
    for name, key, kind in (
        ("results", "Results", RACE),
        ("sprint", "SprintResults", SPRINT),
        ("qualifying", "QualifyingResults", QUALIFYING),
    ):
        path = RECORDED / "ergast" / str(season) / f"{name}.json"
        for event in json.loads(path.read_text()) if path.exists() else []:
            entries = [
                Entry(
                    car_number=row["number"],
                    driver_id=row["Driver"]["driverId"],
                    position=int(row["position"]) if row.get("positionText", "0").isdigit() else None,
                    points=Decimal(row["points"]) if "points" in row else None,
                    laps=int(row["laps"]) if "laps" in row else None,
                    fastest_lap_rank=int(row["FastestLap"]["rank"]) if "rank" in row.get("FastestLap", {}) else None,
                    source=Source.JOLPICA,
                )
                for row in event[key]
            ]
            if faults := found(entries, entries, season, kind):
                findings[name, event["round"]] = faults
            sessions += 1
    assert findings == expected
    assert sessions == {2020: 34, 2023: 50}[season]


@needs_recording
@pytest.mark.parametrize("season", sorted(path.name for path in (RECORDED / "history").glob("[0-9]*")))
def test_no_historic_table_is_rejected(season: str) -> None:
    """Shared drives, drivers who were paid nothing, fields from 10 to 55 entries."""
    refused = []
    for name, kind in (("results", RACE), ("qualifying", QUALIFYING)):
        path = RECORDED / "history" / season / f"{name}.json"
        for event in json.loads(path.read_text()) if path.exists() else []:
            result = result_of_race(event, kind)
            faults = examine(Case(result))
            refused += [(event["round"], f.message) for f in faults if f.severity is Severity.REJECT]
    assert refused == []


@pytest.mark.parametrize(
    ("entries", "season", "compared_with", "short"),
    [
        (16, 2024, [20], False),
        (15, 2024, [20], True),
        (15, 2024, [15, 20], True),
        (15, 2024, [], False),
        (10, 1958, [22], False),
    ],
)
def test_a_short_table_is_known_by_comparable_sessions(
    entries: int, season: int, compared_with: list[int], short: bool
) -> None:
    assert is_short(entries, season, compared_with) is short


@needs_recording
def test_an_independent_sources_season_passes_the_gates_too() -> None:
    races = defaultdict(list)
    with (RECORDED / "truth" / "2024.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["session"] in ("race", "sprint"):
                races[row["date"], row["session"]].append(row)
    for (day, kind), rows in races.items():
        entries = [
            Entry(
                car_number=row["number"],
                driver_id=row["driver"],
                position=int(row["position"]) if row["position"].isdigit() else None,
                points=Decimal(row["points"] or 0),
                laps=int(row["laps"] or 0),
                source=Source.JOLPICA,
            )
            for row in rows
        ]
        assert found(entries, (), 2024, SessionKind(kind)) == {}, day
