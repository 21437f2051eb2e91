"""A race's pit stops, from the laps on which cars entered and left the pits and, since 2024, from the feed of stops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from core.documents import ArchiveDocument, Document
from core.kinds import RACED, SessionKind, Source
from core.timing_records import PitStop
from core.transform.archive.clock import clock_zero, instant, messages
from core.transform.archive.stints import laps_by_car
from core.transform.cells import milliseconds, number, text

Measured = tuple[int | None, int | None]
"""A stop in that feed: from pit entry to exit, and standing still, in milliseconds."""


def pit_stops(document: ArchiveDocument, kind: SessionKind) -> tuple[PitStop, ...] | None:
    """Every car's stops, in order; None if the feeds of laps are missing.

    A car that entered the pits and did not leave them made no stop. Outside races there are none, only returns to the
    garage.
    """
    if document["laps"] is None:
        return None
    if kind not in RACED:
        return ()
    zero = clock_zero(document)
    measured = stops_measured(document)
    return tuple(
        stop for car, rows in laps_by_car(document["laps"]).items() for stop in _stops_of_car(car, rows, zero, measured)
    )


def stops_measured(document: ArchiveDocument) -> dict[tuple[str, int], Measured]:
    """The stops in that feed by car number and lap; empty if there is no such feed."""
    found: dict[tuple[str, int], Measured] = {}
    for _, message in messages(document["pit_stops"] or ()):
        lists = message.get("PitTimes", {}).values()
        for listed in chain.from_iterable(said.values() if isinstance(said, Mapping) else said for said in lists):
            stop: Mapping[str, Any] = listed["PitStop"]
            car, lap = text(stop.get("RacingNumber")), number(stop.get("Lap"))
            if car is not None and lap is not None:
                found[car, lap] = milliseconds(stop.get("PitLaneTime")), milliseconds(stop.get("PitStopTime"))
    return found


def _stops_of_car(
    car: str, rows: Sequence[Document], zero: datetime | None, measured: Mapping[tuple[str, int], Measured]
) -> Iterator[PitStop]:
    started = rows[0]["LapStartTime"] or 0
    entered = [row for row in rows if row["PitInTime"] is not None and row["PitInTime"] >= started]
    left = [row["PitOutTime"] for row in rows if row["PitOutTime"] is not None]
    stop = 0
    for index, row in enumerate(entered):
        until = entered[index + 1]["PitInTime"] if index + 1 < len(entered) else None
        out = next((at for at in left if at > row["PitInTime"] and (until is None or at <= until)), None)
        if out is None:
            continue
        stop += 1
        lap = number(row["LapNumber"]) or 0
        lane_ms, stationary_ms = measured.get((car, lap), (None, None))
        yield PitStop(
            car_number=car,
            stop=stop,
            lap=lap,
            entered_at=instant(zero, row["PitInTime"]),
            lane_ms=out - row["PitInTime"] if lane_ms is None else lane_ms,
            stationary_ms=stationary_ms,
            source=Source.LIVETIMING,
        )
