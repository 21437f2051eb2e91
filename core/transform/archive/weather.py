"""The weather at the track, once a minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.documents import ArchiveDocument
from core.kinds import SessionKind
from core.timing_records import Weather
from core.transform.archive.clock import clock_zero, instant, messages
from core.transform.cells import text

RAIN = {"0": False, "1": True}


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
