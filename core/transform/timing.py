"""FastF1's results and laps of a session, derived from live timing, to a provisional result."""

from __future__ import annotations

from collections.abc import Sequence

from core.documents import Document, TimingDocument
from core.errors import reading_answer
from core.kinds import RACED, SessionKind, Source
from core.records import Entry, SessionResult
from core.transform.cells import number, text
from core.transform.results import numbered

CLASSIFIED_SHARE = 0.9
"""A car is classified if it covered nine tenths of the winner's distance (Sporting Regulations)."""


def timing_result(document: TimingDocument, season: int, round_number: int | None, kind: SessionKind) -> SessionResult:
    """A session's provisional result; its drivers have only car number and code.

    A car without a lap, a time and a place is left out: a driver list also names reserves and other series' drivers. In
    a race only cars that covered nine tenths of the winner's laps have a place; upstream's order is kept too.

    Raises:
        SourceMalformed: a cell has another type, or a value that no column can hold.
    """
    with reading_answer(Source.LIVETIMING.value, "a classification that cannot be read"):
        return SessionResult(
            season=season,
            round=round_number,
            kind=kind,
            source=Source.LIVETIMING,
            entries=numbered(_entries(document, kind)),
        )


def _entries(document: TimingDocument, kind: SessionKind) -> list[Entry]:
    raced = kind in RACED
    driven = _laps_by_car(document["laps"], raced=raced)
    most = max((count for count, _ in driven.values()), default=0)
    entries = []
    for row in document["results"]:
        car = text(row.get("DriverNumber")) or ""
        count, best = driven.get(car, (0, None))
        place = number(row.get("Position"))
        q1, q2, q3 = (number(row.get(part)) for part in ("Q1", "Q2", "Q3"))
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
    return entries


def _laps_by_car(laps: Sequence[Document], *, raced: bool) -> dict[str, tuple[int, int | None]]:
    """Laps completed and best lap in milliseconds, by car number.

    A deleted lap counts, but is not the best. A lap on which a car stopped, which FastF1 adds, does not count in the
    official classification of a race, but does in that of a qualifying.
    """
    driven: dict[str, tuple[int, int | None]] = {}
    for lap in laps:
        car = text(lap.get("DriverNumber"))
        if car is None:
            continue
        count, best = driven.get(car, (0, None))
        is_counted = not (raced and lap.get("FastF1Generated") is True)
        if is_counted and ("Time" not in lap or lap["Time"] is not None):
            count = max(count, number(lap.get("LapNumber")) or 0)
        lap_time = None if lap.get("Deleted") is True else number(lap.get("LapTime"))
        driven[car] = (count, lap_time if best is None else best if lap_time is None else min(best, lap_time))
    return driven
