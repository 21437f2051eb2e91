"""Jolpica's documents of races, sprints and qualifyings to results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from core.documents import RESULT_ROWS, Document, as_text
from core.errors import SourceMalformed, reading_answer
from core.kinds import SessionKind, Source
from core.records import Driver, Entry, ListedEvent, ListedResult, SessionResult, Team
from core.transform.cells import WHOLE, classification, milliseconds, number, text
from core.transform.schedule import event_of_result

DISQUALIFIED = "Disqualified"
"""A status of Jolpica's with which its place may still be a number: Hamilton and Leclerc at Austin 2023."""


def listed_results(documents: Sequence[Document], season: int, kind: SessionKind) -> list[ListedResult]:
    """The result in each race document; an unreadable one is kept as text with the reason, without effect on others."""
    return [_listed_result(document, season, kind) for document in documents]


def _listed_result(document: Document, season: int, kind: SessionKind) -> ListedResult:
    event: ListedEvent | None = None
    try:
        event = event_of_result(document, season)
        result = result_of_race(document, kind)
    except SourceMalformed as fault:
        round_number = event.round if event else _round_of(document)
        return ListedResult(round=round_number, event=event, result=None, fault=fault.what, document=as_text(document))
    return ListedResult(round=event.round, event=event, result=result)


def _round_of(document: Document) -> int | None:
    try:
        with reading_answer(Source.JOLPICA.value, "a race without a round"):
            return number(document.get("round"))
    except SourceMalformed:
        return None


def result_of_race(race: Mapping[str, Any], kind: SessionKind) -> SessionResult:
    """One race document's rows as a session's result.

    Raises:
        SourceMalformed: a row lacks a required field, or has a value that no column can hold.
    """
    with reading_answer(Source.JOLPICA.value, "a result row that cannot be read"):
        rows = race[RESULT_ROWS[kind]]
        listed = [_entry(row, kind) for row in rows]
        drivers, teams = competitors_of(rows)
        winner = next((entry.time_ms for entry in listed if entry.position == 1), None)
        return SessionResult(
            season=number(race["season"]),
            round=number(race["round"]),
            kind=kind,
            source=Source.JOLPICA,
            entries=numbered(_with_gap(entry, winner) for entry in listed),
            drivers=drivers,
            teams=teams,
        )


def competitors_of(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[Driver, ...], tuple[Team, ...]]:
    """The drivers and teams that rows name, each once; placeholder ids are skipped.

    Raises:
        SourceMalformed: one lacks a required field, or has a value that no column can hold.
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
    """Race time and gap, each computed from the other if only one is given."""
    if winner_ms is None:
        return entry
    if entry.time_ms is None and entry.gap_ms is not None:
        return entry.model_copy(update={"time_ms": winner_ms + entry.gap_ms})
    if entry.time_ms is not None:
        return entry.model_copy(update={"gap_ms": entry.time_ms - winner_ms})
    return entry


def numbered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries with ordinals, which separate rows of one car in upstream's order."""
    seen: Counter[str] = Counter()
    found = []
    for entry in entries:
        ordinal = seen[entry.car_number]
        found.append(entry.model_copy(update={"ordinal": ordinal}) if ordinal else entry)
        seen[entry.car_number] += 1
    return tuple(found)


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
