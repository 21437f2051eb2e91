"""FastF1's laps to laps with the session's clock."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median_low
from typing import Any

from core.documents import ArchiveDocument, Document
from core.kinds import RACED, SessionKind, Source
from core.timing_records import TimedLap
from core.transform.archive.clock import clock_zero, instant, race_control_messages
from core.transform.archive.stints import laps_by_car, stints_of_car
from core.transform.cells import milliseconds, number, text

DELETION = re.compile(r"CAR ([0-9]{1,3}) .*?TIME ([0-9:.]+) (DELETED|.*REINSTATED)(?: - )?(.*)")
LAP_AND_TIME = re.compile(r"(?: LAP [0-9]+)?(?: [0-9]{2}:[0-9]{2}:[0-9]{2})?$")

Deletions = Mapping[tuple[str, int], str | None]
"""By car number and lap time: why the time was deleted, None if it was reinstated."""


def laps(document: ArchiveDocument, kind: SessionKind) -> tuple[TimedLap, ...] | None:
    """Every lap of every car, in order; None if the feeds of laps are missing.

    A lap that FastF1 adds for a car that retired on it has only a number, a start and tyres.
    """
    if document["laps"] is None:
        return None
    zero = clock_zero(document)
    deletions = None if document["race_control"] is None else deleted_times(document)
    found = [
        lap for rows in laps_by_car(document["laps"]).values() for lap in _laps_of_car(rows, kind, zero, deletions)
    ]
    return tuple(_placed(found) if kind in RACED else found)


def deleted_times(document: ArchiveDocument) -> Deletions:
    """Race control's last word on each deleted lap time."""
    found: dict[tuple[str, int], str | None] = {}
    for _, message in race_control_messages(document):
        match = DELETION.match(text(message.get("Message")) or "")
        if match and (time_ms := milliseconds(match[2])) is not None:
            found[match[1], time_ms] = LAP_AND_TIME.sub("", match[4]) if match[3] == "DELETED" else None
    return found


def clock_offset(rows: Sequence[Document]) -> int:
    """Milliseconds to add to the times at which FastF1 has a car's laps end.

    FastF1 aligns the cars by the gaps shown, and sometimes one is half a second off (Stroll at Baku 2018). The times at
    which last sectors were sent are on one clock for all cars.
    """
    late = [row["Sector3SessionTime"] - row["Time"] for row in rows if row["Sector3SessionTime"] is not None]
    return int(median_low(late)) if late else 0


def _laps_of_car(
    rows: Sequence[Document], kind: SessionKind, zero: datetime | None, deletions: Deletions | None
) -> list[TimedLap]:
    offset = clock_offset(rows)
    stints = stints_of_car(rows)
    found: list[TimedLap] = []
    for index, row in enumerate(rows):
        car, lap = text(row["DriverNumber"]) or "", number(row["LapNumber"]) or 0
        stint = next((one for one in stints if one.lap_start <= lap <= one.lap_end), None)
        age = None if stint is None else stint.age_at_start_laps
        time_ms = number(row["LapTime"])
        deleted = None if deletions is None or time_ms is None else deletions.get((car, time_ms))
        begun = row["LapStartTime"]
        follows = index > 0 and begun == rows[index - 1]["Time"]
        is_unfinished = row["FastF1Generated"] is True
        known: dict[str, Any] = {} if is_unfinished else _measured(row, offset, time_ms)
        found.append(
            TimedLap(
                car_number=car,
                lap=lap,
                started_at=instant(zero, begun + offset if begun is not None and follows else begun),
                stint=None if stint is None else stint.stint,
                compound=None if stint is None else stint.compound,
                tyre_age_laps=None if age is None or stint is None else age + lap - stint.lap_start + 1,
                is_deleted=None if deletions is None else deleted is not None,
                deleted_reason=deleted or None,
                is_unfinished=is_unfinished,
                source=Source.LIVETIMING,
                **known,
            )
        )
    return found


def _measured(row: Document, offset: int, time_ms: int | None) -> dict[str, Any]:
    return {
        "time_ms": time_ms,
        **{f"sector_{sector}_ms": number(row[f"Sector{sector}Time"]) for sector in (1, 2, 3)},
        **{f"speed_{place.lower()}_kmh": number(row[f"Speed{place}"]) for place in ("I1", "I2", "FL", "ST")},
        "is_pit_in": row["PitInTime"] is not None,
        "is_pit_out": row["PitOutTime"] is not None,
        "track_status": text(row["TrackStatus"]),
        "is_accurate": row["IsAccurate"] is True,
        "ended_ms": None if row["Time"] is None else row["Time"] + offset,
        "timed_ms": row["Sector3SessionTime"],
    }


def _placed(found: Sequence[TimedLap]) -> list[TimedLap]:
    """Laps with the car's position at the end of each, by the order in which cars ended that lap."""
    ends: defaultdict[int, list[int]] = defaultdict(list)
    for lap in found:
        if lap.ended_ms is not None:
            ends[lap.lap].append(lap.ended_ms)
    for times in ends.values():
        times.sort()
    return [
        lap if lap.ended_ms is None else lap.model_copy(update={"position": ends[lap.lap].index(lap.ended_ms) + 1})
        for lap in found
    ]
