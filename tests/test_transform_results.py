"""Jolpica's documents with every known irregularity, and the entries they become."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core.documents import RESULT_ROWS
from core.errors import SourceMalformed
from core.kinds import SessionKind, Source
from core.records import Entry, SessionResult
from core.transform.cells import classification, milliseconds, number, text
from core.transform.results import result_of_race
from core.transform.standings import standings_of

NAN = float("nan")
NOTHINGS: tuple[Any, ...] = ("nan", "NaN", "None", "", "  ", "-1", -1, "\\N", "null", "NaT", None, NAN)
RACE, QUALIFYING = SessionKind.RACE, SessionKind.QUALIFYING


def row(**changes: Any) -> dict[str, Any]:
    """A complete row of a race with changes; None removes a field."""
    whole: dict[str, Any] = {
        "number": "63",
        "position": "1",
        "positionText": "1",
        "points": "25",
        "Driver": {
            "driverId": "russell",
            "permanentNumber": "63",
            "code": "RUS",
            "givenName": "George",
            "familyName": "Russell",
            "dateOfBirth": "1998-02-15",
            "nationality": "British",
        },
        "Constructor": {"constructorId": "mercedes", "name": "Mercedes", "nationality": "German"},
        "grid": "6",
        "laps": "44",
        "status": "Finished",
        "Time": {"millis": "4797040", "time": "1:19:57.040"},
        "FastestLap": {"rank": "10", "lap": "30", "Time": {"time": "1:47.123"}},
    } | changes
    return {key: value for key, value in whole.items() if value is not None}


def driver(id_: str, **changes: Any) -> dict[str, Any]:
    return {"driverId": id_, "givenName": id_.title(), "familyName": id_.title()} | changes


def read(*rows: dict[str, Any], season: str = "2024", kind: SessionKind = RACE) -> SessionResult:
    return result_of_race({"season": season, "round": "14", RESULT_ROWS[kind]: list(rows)}, kind)


def entry(kind: SessionKind = RACE, **changes: Any) -> Entry:
    """The entry that one row becomes."""
    (found,) = read(row(**changes), kind=kind).entries
    return found


def test_a_complete_row_becomes_an_entry() -> None:
    assert entry() == Entry(
        car_number="63",
        driver_id="russell",
        driver_code="RUS",
        team_id="mercedes",
        listed_position=1,
        position=1,
        classification="1",
        grid=6,
        points=Decimal(25),
        status="Finished",
        laps=44,
        time_ms=4797040,
        gap_ms=0,
        best_lap_ms=107123,
        fastest_lap_rank=10,
        source=Source.JOLPICA,
    )


@pytest.mark.parametrize("nothing", NOTHINGS, ids=repr)
def test_upstreams_placeholders_mean_nothing(nothing: Any) -> None:
    assert (text(nothing), number(nothing), milliseconds(nothing), classification(nothing)) == (None,) * 4


@pytest.mark.parametrize(
    ("value", "is_"),
    [
        ("1", 1),
        (1, 1),
        (1.0, 1),
        ("1.0", 1),
        (" 20 ", 20),
        ("0", 0),
        ("-1.0", None),
    ],
)
def test_whole_numbers(value: Any, is_: int | None) -> None:
    assert number(value) == is_


@pytest.mark.parametrize("value", ["1.5", -2, "R", "1e", "1e400", "²", "9" * 5000, [], {"a": 1}, True], ids=str)
def test_text_that_is_not_a_whole_number_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        number(value)


@pytest.mark.parametrize(
    ("value", "is_"),
    [
        ("1", "1"),
        ("1.0", "1"),
        (1.0, "1"),
        ("20", "20"),
        ("R", "R"),
        ("D", "D"),
        ("W", "W"),
        ("F", "F"),
        ("E", "E"),
        ("N", "N"),
    ],
)
def test_classifications(value: Any, is_: str) -> None:
    assert classification(value) == is_


@pytest.mark.parametrize(
    ("clock", "ms"),
    [
        ("27.713", 27713),
        ("1:27.713", 87713),
        ("1:31:44.742", 5504742),
        ("2:00:11", 7211000),
        ("3:39:52.5", 13192500),
        ("0:59.05", 59050),
        ("+5.413", 5413),
        ("+1:05.413", 65413),
        ("+1 Lap", None),
        ("+2 Laps", None),
        ("1:31:44.742s", None),
        ("No time", None),
        ("1,5", None),
    ],
)
def test_clocks(clock: Any, ms: int | None) -> None:
    assert milliseconds(clock) == ms


@pytest.mark.parametrize("nothing", ["nan", "None", "", "-1", -1, NAN], ids=repr)
@pytest.mark.parametrize(
    ("upstream", "field", "none"),
    [
        ("number", "car_number", ""),
        ("position", "listed_position", None),
        ("positionText", "classification", None),
        ("positionText", "position", None),
        ("points", "points", None),
        ("grid", "grid", None),
        ("laps", "laps", None),
        ("status", "status", None),
    ],
)
def test_a_placeholder_cell_is_none(upstream: str, field: str, none: Any, nothing: Any) -> None:
    assert getattr(entry(**{upstream: nothing}), field) == none


@pytest.mark.parametrize("nothing", ["nan", "None", "", "-1"])
def test_placeholder_ids_are_none(nothing: str) -> None:
    unnamed = row(
        Driver={**row()["Driver"], "driverId": nothing, "code": nothing, "permanentNumber": nothing},
        Constructor={**row()["Constructor"], "constructorId": nothing},
    )
    (found,) = read(unnamed).entries
    assert (found.driver_id, found.driver_code, found.team_id) == (None, None, None)


@pytest.mark.parametrize("nothing", ["nan", "None", "", "-1"])
def test_no_entry_has_a_placeholder_id(nothing: str) -> None:
    unnamed = row(
        Driver={**row()["Driver"], "driverId": nothing},
        Constructor={**row()["Constructor"], "constructorId": nothing},
    )
    found = read(unnamed, row(number="44"))
    assert [one.id for one in found.drivers] == ["russell"]
    assert [one.id for one in found.teams] == ["mercedes"]


@pytest.mark.parametrize(
    ("upstream", "fields"),
    [
        ("FastestLap", ("best_lap_ms", "fastest_lap_rank")),
        ("Time", ("time_ms", "gap_ms")),
        ("grid", ("grid",)),
        ("points", ("points",)),
        ("laps", ("laps",)),
        ("status", ("status",)),
        ("position", ("listed_position",)),
        ("positionText", ("classification", "position", "gap_ms")),  # the winner is unknown
    ],
)
def test_a_missing_column_affects_no_other(upstream: str, fields: tuple[str, ...]) -> None:
    found, whole = read(row(**{upstream: None})).entries[0].model_dump(), entry().model_dump()
    assert {name for name, value in found.items() if value != whole[name]} == set(fields)
    assert {found[name] for name in fields} == {None}


def test_car_number_driver_code_and_birthday_may_be_missing() -> None:
    found = read(row(number=None, Driver=driver("fagioli"), Constructor={"constructorId": "alfa", "name": "Alfa"}))
    assert (found.entries[0].car_number, found.entries[0].driver_code) == ("", None)
    assert (found.drivers[0].code, found.drivers[0].number, found.drivers[0].date_of_birth) == (None, None, None)
    assert found.teams[0].nationality is None


def test_a_fastest_lap_without_time_or_rank() -> None:
    assert entry(FastestLap={"rank": "3"}).best_lap_ms is None
    assert entry(FastestLap={"Time": {"time": "1:47.123"}}).fastest_lap_rank is None
    assert entry(FastestLap={"rank": "0", "Time": {}}).fastest_lap_rank is None


@pytest.mark.parametrize(
    ("time", "time_ms", "gap_ms"),
    [
        ({"millis": "4802453", "time": "+5.413"}, 4802453, 5413),
        ({"time": "+5.413"}, 4802453, 5413),
        ({"time": "+1:05.413"}, 4862453, 65413),
        ({"time": "1:20:02.453"}, 4802453, 5413),
        ({"millis": "4802453"}, 4802453, 5413),
        ({"time": "+1 Lap"}, None, None),
        ({"time": "nan"}, None, None),
        ({"millis": "-1", "time": ""}, None, None),
        (None, None, None),
    ],
)
def test_times_and_gaps_come_each_from_the_other(
    time: dict[str, str] | None, time_ms: int | None, gap_ms: int | None
) -> None:
    second = read(row(), row(number="44", position="2", positionText="2", Time=time)).entries[1]
    assert (second.time_ms, second.gap_ms) == (time_ms, gap_ms)


def test_a_gap_without_a_winners_time_stays_a_gap() -> None:
    second = read(row(Time=None), row(number="44", position="2", positionText="2", Time={"time": "+5.413"})).entries[1]
    assert (second.time_ms, second.gap_ms) == (None, 5413)


@pytest.mark.parametrize("points", ["12.5", "0", "0.14", "25", "1.33"])
def test_points_are_exact(points: str) -> None:
    assert entry(points=points).points == Decimal(points)


@pytest.mark.parametrize(
    ("position", "place", "status", "is_", "classified"),
    [
        ("2", "2", "Disqualified", "D", None),  # Hamilton, Austin 2023: his place is still a number
        ("6", "6", "Disqualified", "D", None),  # Leclerc, the same day
        ("20", "D", "Disqualified", "D", None),
        ("19", "R", "Engine", "R", None),
        ("1", "1.0", "Finished", "1", 1),
        ("17", "17", "+1 Lap", "17", 17),
        ("17", "17", "Retired", "17", 17),  # nine tenths of the distance
        ("20", "W", "Withdrew", "W", None),
        ("3", "", "Finished", None, None),
    ],
)
def test_the_position_and_classification_of_an_entry(
    position: str, place: str, status: str, is_: str | None, classified: int | None
) -> None:
    found = entry(position=position, positionText=place, status=status)
    assert (found.classification, found.position, found.listed_position) == (is_, classified, int(position))


def test_a_disqualified_winners_time_is_no_reference() -> None:
    disqualified = row(positionText="D", status="Disqualified", Time={"time": "1:19:57.040"})
    first = row(number="44", position="1", positionText="1", Time={"time": "1:19:57.566"})
    third = row(number="81", position="2", positionText="2", Time={"time": "+0.647"})
    entries = {found.car_number: found for found in read(first, third, disqualified).entries}
    assert (entries["44"].gap_ms, entries["81"].time_ms) == (0, 4798213)


def test_qualifying_has_times_and_no_classification() -> None:
    found = entry(QUALIFYING, Q1="1:47.123", Q2="", Time=None, FastestLap=None, points=None, laps=None)
    assert (found.q1_ms, found.q2_ms, found.q3_ms) == (107123, None, None)
    assert (found.listed_position, found.position, found.classification) == (1, 1, None)


def test_a_car_with_several_drivers_has_ordinals_in_upstreams_order() -> None:
    shared = [row(number="10", Driver=driver(id_)) for id_ in ("fangio", "farina", "fagioli")]
    found = read(shared[0], row(number="12"), *shared[1:], season="1951")
    assert [(one.driver_id, *one.key) for one in found.entries] == [
        ("fangio", "10", 0),
        ("russell", "12", 0),
        ("farina", "10", 1),
        ("fagioli", "10", 2),
    ]
    assert found == read(shared[0], row(number="12"), *shared[1:], season="1951"), "deterministic"


def test_a_driver_in_several_cars_is_one_driver() -> None:
    found = read(row(number="2", Driver=driver("moss")), row(number="14", Driver=driver("moss")), season="1956")
    assert [one.key for one in found.entries] == [("2", 0), ("14", 0)]
    assert [one.id for one in found.drivers] == ["moss"]


def test_cars_without_numbers_have_ordinals() -> None:
    found = read(*(row(number=None, Driver=driver(id_)) for id_ in ("a", "b", "c")))
    assert [one.key for one in found.entries] == [("", 0), ("", 1), ("", 2)]


@pytest.mark.parametrize("count", [19, 20, 26, 33, 47])
def test_tables_of_any_length(count: int) -> None:
    """The Indianapolis 500 of 1953 has 47 rows: 33 cars, fourteen of them shared."""
    rows = [
        row(number=str(n % 33), position=str(n + 1), positionText=str(n % 33 + 1), Driver=driver(f"driver_{n}"))
        for n in range(count)
    ]
    found = read(*rows, season="1953")
    assert len({one.key for one in found.entries}) == len(found.drivers) == count
    assert [one.listed_position for one in found.entries] == list(range(1, count + 1))


def test_an_empty_table_is_an_empty_result() -> None:
    assert read().entries == ()


@pytest.mark.parametrize(
    "broken",
    [
        row(Driver=None),
        row(Constructor=None),
        row(Driver={"driverId": "russell"}),
        row(Driver={"givenName": "George", "familyName": "Russell"}),
        row(Constructor={"constructorId": "mercedes"}),
        row(Driver={**row()["Driver"], "dateOfBirth": "15 February"}),
        row(Driver="russell"),
    ],
    ids=["no driver", "no team", "driver without names", "driver without id", "team without name", "date", "text"],
)
def test_a_row_that_lacks_what_every_row_has_is_malformed(broken: dict[str, Any]) -> None:
    with pytest.raises(SourceMalformed, match="cannot be read"):
        read(row(), broken)


@pytest.mark.parametrize(
    "broken",
    [
        {**row(), "FastestLap": None},
        {**row(), "Time": None},
        {**row(), "FastestLap": {"rank": "1", "Time": None}},
        row(points="twelve"),
    ],
    ids=["null fastest lap", "null time", "null time of the fastest lap", "points in words"],
)
def test_a_cell_of_another_type_is_none_or_malformed(broken: dict[str, Any]) -> None:
    """An error that is not a `SourceError` would end the whole run."""
    try:
        found = read(broken)
    except SourceMalformed:
        return
    assert found.entries[0].driver_id == "russell"


@pytest.mark.parametrize("lacking", ["season", "round", "Results"])
def test_a_race_without_its_required_fields_is_malformed(lacking: str) -> None:
    race = {"season": "2024", "round": "14", "Results": [row()]}
    with pytest.raises(SourceMalformed):
        result_of_race({key: value for key, value in race.items() if key != lacking}, RACE)


def test_standings_rows() -> None:
    russell = {"positionText": "4", "position": "4", "points": "116.5", "wins": "2", "Driver": {"driverId": "russell"}}
    found = standings_of(
        [
            russell,
            {"positionText": "-", "points": "0", "wins": "0", "Driver": {"driverId": "bearman"}},
            {"position": "1", "points": "0.14", "wins": "0", "Constructor": {"constructorId": "mercedes"}},
        ]
    )
    assert [(one.competitor_id, one.position, one.points) for one in found] == [
        ("russell", 4, Decimal("116.5")),
        ("bearman", None, Decimal(0)),
        ("mercedes", 1, Decimal("0.14")),
    ]
    for lacking in ("points", "wins", "Driver"):
        with pytest.raises(SourceMalformed):
            standings_of([{key: value for key, value in russell.items() if key != lacking}])
    with pytest.raises(SourceMalformed):
        standings_of([{**russell, "points": "many"}])
