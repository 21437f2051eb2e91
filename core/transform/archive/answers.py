"""Reads each dataset from live timing's archive of a session."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.documents import ArchiveDocument, Document
from core.errors import SourceMalformed, reading_answer
from core.records import Record, SessionKind, Source
from core.timing_records import ArchiveKeys, ListedDriver, RaceControlMessage, Weather
from core.transform.archive.clock import clock_zero, instant, messages, moment, race_control_messages
from core.transform.archive.keys import archive_keys
from core.transform.archive.laps import laps
from core.transform.archive.pit_stops import pit_stops
from core.transform.archive.stints import stints
from core.transform.cells import number, text

COLOR = re.compile("[0-9A-Fa-f]{6}")
RAIN = {"0": False, "1": True}

ENDED = {"Finalised", "Ends"}
"""A session's statuses after which its feeds are complete."""


@dataclass(frozen=True)
class Answer:
    """The rows of a dataset; None if its feeds are missing, or unreadable with the reason in `fault`."""

    rows: Sequence[Any] | None
    fault: str | None = None


@dataclass(frozen=True)
class Archive:
    """A session's archive: whether it has the session's end, the answer for each dataset, and Formula 1's own keys."""

    is_complete: bool
    answers: Mapping[str, Answer]
    keys: ArchiveKeys = field(default_factory=ArchiveKeys)


def weather(document: ArchiveDocument, kind: SessionKind) -> tuple[Weather, ...] | None:
    """The weather at each moment; None if the feed is missing, or its clock's start is unknown.

    A missing value is None, though FastF1 would make it zero.
    """
    zero = clock_zero(document)
    if zero is None or not document["weather"]:
        return None
    return tuple({at: _weather(zero, at, message) for at, message in messages(document["weather"])}.values())


def _weather(zero: datetime, at: int, message: Mapping[str, Any]) -> Weather:
    rain = text(message.get("Rainfall"))
    wind = _decimal(message.get("WindDirection"))
    return Weather.model_validate(
        {
            "at": instant(zero, at),
            "air_c": _decimal(message.get("AirTemp")),
            "track_c": _decimal(message.get("TrackTemp")),
            "humidity_pct": _decimal(message.get("Humidity")),
            "pressure_hpa": _decimal(message.get("Pressure")),
            "wind_mps": _decimal(message.get("WindSpeed")),
            "wind_deg": None if wind is None else round(wind),
            "is_raining": None if rain is None else RAIN.get(rain),
        }
    )


def _decimal(value: Any) -> float | None:
    """A measured value; below zero is valid here, although elsewhere upstream -1 means nothing."""
    found = text(value)
    if found is None and isinstance(value, str) and value.strip() in ("-1", "-1.0"):
        return -1.0
    return None if found is None else float(found)


def race_control(document: ArchiveDocument, kind: SessionKind) -> tuple[RaceControlMessage, ...] | None:
    """Every message, in order; None if the feed is missing."""
    if document["race_control"] is None:
        return None
    said = [message for _, message in race_control_messages(document)]
    return tuple(_message(ordinal, message) for ordinal, message in enumerate(said, start=1)) or None


def _message(ordinal: int, message: Document) -> RaceControlMessage:
    return RaceControlMessage(
        ordinal=ordinal,
        at=moment(message["Utc"]),
        lap=number(message.get("Lap")),
        category=text(message.get("Category")),
        flag=text(message.get("Flag")),
        scope=text(message.get("Scope")),
        sector=number(message.get("Sector")),
        car_number=text(message.get("RacingNumber")),
        message=text(message["Message"]) or "",
    )


def entries(document: ArchiveDocument, kind: SessionKind) -> tuple[ListedDriver, ...] | None:
    """Every listed driver, including reserves and other series' drivers; None if there is no list."""
    if document["drivers"] is None:
        return None
    driven = {text(lap["DriverNumber"]) for lap in document["laps"] or ()}
    listed = [row for row in document["drivers"] if text(row.get("DriverNumber")) is not None]
    return tuple(_driver(row, driven) for row in listed) or None


def _driver(row: Document, driven: set[str | None]) -> ListedDriver:
    car, color, name = text(row["DriverNumber"]) or "", text(row.get("TeamColor")), text(row.get("FullName"))
    return ListedDriver(
        car_number=car,
        driver_code=text(row.get("Abbreviation")),
        full_name=None if name == "None None" else name,
        team_color=color.upper() if color and COLOR.fullmatch(color) else None,
        source=Source.LIVETIMING,
        team_name=text(row.get("TeamName")),
        has_driven=car in driven,
    )


READERS: Mapping[str, Callable[[ArchiveDocument, SessionKind], Sequence[Record] | None]] = {
    "laps": laps,
    "stints": stints,
    "pit_stops": pit_stops,
    "weather": weather,
    "race_control": race_control,
    "entries": entries,
}
"""The reader of each dataset."""


def read_archive(document: ArchiveDocument, kind: SessionKind) -> Archive:
    """Read each dataset of an archive; an unreadable one does not affect the others."""
    return Archive(
        is_complete=any(message.get("Status") in ENDED for _, message in messages(document["statuses"])),
        answers={name: _answer(name, document, kind) for name in READERS},
        keys=archive_keys(document),
    )


def _answer(name: str, document: ArchiveDocument, kind: SessionKind) -> Answer:
    try:
        with reading_answer(Source.LIVETIMING.value, f"{name.replace('_', ' ')} that cannot be read"):
            return Answer(READERS[name](document, kind))
    except SourceMalformed as fault:
        return Answer(None, fault.what)
