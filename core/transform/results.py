"""Results and standings, as Jolpica and FastF1 write them, to entries and standings.

Upstream's text may be "nan", "None", "" or -1 where it means nothing, and "1.0" where it means the first place.
What is neither that nor of a field's own form makes the whole document malformed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from core.errors import reading_answer
from core.records import Driver, Entry, SessionKind, SessionResult, Source, Standing, Team

NOTHING = {"", "nan", "none", "nat", "null", "-1", "-1.0", "-", "\\N", "\\n"}
WHOLE = re.compile(r"([0-9]{1,10})(?:\.0*)?")
CLOCK = re.compile(r"(?:(?:([0-9]{1,3}):)?([0-9]{1,3}):)?([0-9]{1,6})(?:\.([0-9]{1,3}))?")
DISQUALIFIED = "Disqualified"
"""Jolpica's status where its place may still be a number: Hamilton and Leclerc at Austin 2023."""

CLASSIFIED_SHARE = 0.9
"""A car is classified that has covered nine tenths of the winner's distance (Sporting Regulations)."""


def text(value: Any) -> str | None:
    """A cell's text, None where upstream means nothing by it.

    Raises:
        TypeError: it is a list, an object or a truth value.
    """
    if value is None or (isinstance(value, float) and pd.isna(value)) or value is pd.NaT:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"a cell holds {type(value).__name__}")
    found = str(value).strip()
    return None if found.lower() in NOTHING else found


def number(value: Any) -> int | None:
    """A whole number, from "1", 1, 1.0 or "1.0"; None where upstream means nothing.

    Raises:
        ValueError: it is neither.
    """
    found = text(value)
    if found is None:
        return None
    if not (match := WHOLE.fullmatch(found)):
        raise ValueError("a cell holds no whole number")
    return int(match[1])


def milliseconds(clock: Any) -> int | None:
    """Milliseconds of "1:27.713", "1:31:44.742", "27.713" or "+5.413"; None for anything else, "+1 Lap" among it."""
    if isinstance(clock, pd.Timedelta):
        return None if pd.isna(clock) else round(clock.total_seconds() * 1000)
    found = text(clock)
    match = CLOCK.fullmatch(found.removeprefix("+")) if found else None
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "0").ljust(3, "0"))


def classification(value: Any) -> str | None:
    """Ergast's text for a place: "1" (also from "1.0") or one of its letters."""
    found = text(value)
    return found if found is None or not WHOLE.fullmatch(found) else str(number(found))


def result_of_race(race: Mapping[str, Any], kind: SessionKind, rows: str) -> SessionResult:
    """One race document's rows as a session's result.

    Raises:
        SourceMalformed: a row lacks what every row has, or holds what no column takes.
    """
    with reading_answer(Source.JOLPICA.value, "a result row that cannot be read"):
        return _result(race, kind, race[rows])


def _result(race: Mapping[str, Any], kind: SessionKind, rows: Sequence[Mapping[str, Any]]) -> SessionResult:
    listed = [_entry(row, kind) for row in rows]
    drivers, teams = competitors_of(rows)
    winner = next((entry.time_ms for entry in listed if entry.position == 1), None)
    entries = [_with_gap(entry, winner) for entry in listed]
    return SessionResult(
        season=number(race["season"]),
        round=number(race["round"]),
        kind=kind,
        source=Source.JOLPICA,
        entries=tuple(_numbered(entries)),
        drivers=drivers,
        teams=teams,
    )


def competitors_of(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[Driver, ...], tuple[Team, ...]]:
    """The drivers and teams that rows name, each once; placeholder ids are skipped.

    Raises:
        SourceMalformed: one lacks what every one has, or holds what no column takes.
    """
    drivers, teams = {}, {}
    with reading_answer(Source.JOLPICA.value, "a driver or a team that cannot be read"):
        for row in rows:
            named = [row["Driver"]] if "Driver" in row else []
            if named and (driver_id := text(named[0]["driverId"])):
                drivers[driver_id] = _driver(named[0])
            for team in [row["Constructor"]] if "Constructor" in row else row.get("Constructors", []):
                if team_id := text(team["constructorId"]):
                    teams[team_id] = _team(team)
    return tuple(drivers.values()), tuple(teams.values())


def result_of_timing(
    season: int, round_number: int | None, kind: SessionKind, results: pd.DataFrame, laps: pd.DataFrame
) -> SessionResult:
    """FastF1's results and laps frames as a provisional result; drivers stay unknown but for number and code.

    Who set no time and drove no lap is left out: a driver list also names reserves and other series' drivers. In a
    race only who has covered nine tenths of the winner's laps has a place; upstream's order is kept beside it.
    """
    driven = _laps_by_car(laps)
    raced = kind in (SessionKind.RACE, SessionKind.SPRINT)
    most = max((count for count, _ in driven.values()), default=0)
    entries = []
    for row in results.to_dict("records"):
        car = text(row.get("DriverNumber")) or ""
        count, best = driven.get(car, (0, None))
        place = number(row.get("Position"))
        q1, q2, q3 = (milliseconds(row.get(part)) for part in ("Q1", "Q2", "Q3"))
        if place is None and not count and q1 is None:
            continue
        entries.append(
            Entry(
                car_number=car,
                driver_code=text(row.get("Abbreviation")),
                listed_position=place,
                position=None if raced and count < CLASSIFIED_SHARE * most else place,
                laps=count or None,
                q1_ms=q1,
                q2_ms=q2,
                q3_ms=q3,
                best_lap_ms=best if raced or q1 is None else min(t for t in (q1, q2, q3) if t is not None),
                source=Source.LIVETIMING,
            )
        )
    return SessionResult(
        season=season,
        round=round_number,
        kind=kind,
        source=Source.LIVETIMING,
        entries=tuple(_numbered(entries)),
    )


def standings_of(rows: Sequence[Mapping[str, Any]]) -> list[Standing]:
    """Jolpica's standings rows; of a driver's or a constructor's table. Who was excluded has no place.

    Raises:
        SourceMalformed: a row lacks what every row has.
    """
    with reading_answer(Source.JOLPICA.value, "a standings row that cannot be read"):
        return [
            Standing(
                competitor_id=row["Driver"]["driverId"] if "Driver" in row else row["Constructor"]["constructorId"],
                position=number(row.get("position")) if _has_place(row) else None,
                points=text(row["points"]),
                wins=number(row["wins"]) or 0,
                source=Source.JOLPICA.value,
            )
            for row in rows
        ]


def _has_place(row: Mapping[str, Any]) -> bool:
    """Whether a standings row's place counts: not a dash (never classified), nor a word for an exclusion."""
    return WHOLE.fullmatch(text(row.get("positionText", row.get("position"))) or "") is not None


def _entry(row: Mapping[str, Any], kind: SessionKind) -> Entry:
    listed = number(row.get("position"))
    status = text(row.get("status"))
    place = classification(row.get("positionText")) if kind is not SessionKind.QUALIFYING else None
    if place is not None and status == DISQUALIFIED:
        place = "D"
    position = listed if kind is SessionKind.QUALIFYING else int(place) if place and WHOLE.fullmatch(place) else None
    fastest = row.get("FastestLap") or {}
    time = row.get("Time") or {}
    clock = text(time.get("time")) or ""
    return Entry(
        car_number=text(row.get("number")) or "",
        driver_id=text(row["Driver"]["driverId"]),
        driver_code=text(row["Driver"].get("code")),
        team_id=text(row["Constructor"]["constructorId"]),
        listed_position=listed,
        position=position or None,
        classification=place,
        grid=number(row.get("grid")),
        points=text(row.get("points")),
        status=status,
        laps=number(row.get("laps")),
        time_ms=number(time.get("millis")) or (None if clock.startswith("+") else milliseconds(clock)),
        gap_ms=milliseconds(clock) if clock.startswith("+") else None,
        q1_ms=milliseconds(row.get("Q1")),
        q2_ms=milliseconds(row.get("Q2")),
        q3_ms=milliseconds(row.get("Q3")),
        best_lap_ms=milliseconds((fastest.get("Time") or {}).get("time")),
        fastest_lap_rank=number(fastest.get("rank")) or None,
        source=Source.JOLPICA,
    )


def _with_gap(entry: Entry, winner_ms: int | None) -> Entry:
    """Race time and gap each from the other, where one is given."""
    if winner_ms is None:
        return entry
    if entry.time_ms is None and entry.gap_ms is not None:
        return entry.model_copy(update={"time_ms": winner_ms + entry.gap_ms})
    if entry.time_ms is not None:
        return entry.model_copy(update={"gap_ms": entry.time_ms - winner_ms})
    return entry


def _numbered(entries: Sequence[Entry]) -> list[Entry]:
    """Ordinals: rows of one car are told apart in upstream's order."""
    seen: Counter[str] = Counter()
    numbered = []
    for entry in entries:
        numbered.append(entry.model_copy(update={"ordinal": seen[entry.car_number]}))
        seen[entry.car_number] += 1
    return numbered


def _driver(driver: Mapping[str, Any]) -> Driver:
    born = text(driver.get("dateOfBirth"))
    return Driver(
        id=driver["driverId"],
        given_name=driver["givenName"],
        family_name=driver["familyName"],
        code=text(driver.get("code")),
        number=text(driver.get("permanentNumber")),
        date_of_birth=date.fromisoformat(born) if born else None,
        nationality=text(driver.get("nationality")),
    )


def _team(constructor: Mapping[str, Any]) -> Team:
    return Team(
        id=constructor["constructorId"], name=constructor["name"], nationality=text(constructor.get("nationality"))
    )


def _laps_by_car(laps: pd.DataFrame) -> dict[str, tuple[int, int | None]]:
    """Laps completed and best lap in milliseconds, by car number."""
    if laps.empty or "DriverNumber" not in laps:
        return {}
    driven = {}
    for car, own in laps.groupby("DriverNumber"):
        valid = own.loc[~own["Deleted"].eq(True)] if "Deleted" in own else own
        timed = own.loc[own["Time"].notna(), "LapNumber"] if "Time" in own else own["LapNumber"]
        driven[str(car)] = (int(timed.max()) if len(timed) else 0, milliseconds(valid["LapTime"].min()))
    return driven
