"""Jolpica's laps and pit stops of a race to records by driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import time
from typing import Any

from core.documents import LAP_ROWS, PIT_STOP_ROWS, TIMINGS, Document, Listing
from core.errors import SourceMalformed, reading_answer
from core.kinds import Source
from core.records import Record
from core.timing_records import ListedLap, ListedPitStop
from core.transform.cells import milliseconds, number, text


def listed_laps(documents: Sequence[Document], season: int, round_number: int) -> tuple[ListedLap, ...]:
    """A race's laps as listed; none if the table is empty.

    Raises:
        SourceMalformed: a required field is missing, or the table is another race's.
    """
    with reading_answer(Source.JOLPICA.value, "a lap that cannot be read"):
        return tuple(
            ListedLap(
                driver_id=timing["driverId"],
                lap=number(lap["number"]),
                position=number(timing.get("position")),
                time_ms=milliseconds(timing.get("time")),
            )
            for lap in _rows(documents, LAP_ROWS, season, round_number)
            for timing in lap[TIMINGS]
        )


def listed_pit_stops(documents: Sequence[Document], season: int, round_number: int) -> tuple[ListedPitStop, ...]:
    """A race's pit stops as listed; none if the table is empty.

    Raises:
        SourceMalformed: a required field is missing, or the table is another race's.
    """
    with reading_answer(Source.JOLPICA.value, "a pit stop that cannot be read"):
        return tuple(
            ListedPitStop(
                driver_id=stop["driverId"],
                stop=number(stop["stop"]),
                lap=number(stop["lap"]),
                time_of_day=time.fromisoformat(clock) if (clock := text(stop.get("time"))) else None,
                lane_ms=milliseconds(stop.get("duration")),
            )
            for stop in _rows(documents, PIT_STOP_ROWS, season, round_number)
        )


def _rows(documents: Sequence[Document], rows: str, season: int, round_number: int) -> Iterator[dict[str, Any]]:
    for document in documents:
        if (number(document["season"]), number(document["round"])) != (season, round_number):
            raise SourceMalformed(Source.JOLPICA.value, f"{rows} of another race")
        yield from document[rows]


LISTED: Mapping[Listing, Callable[[Sequence[Document], int, int], Sequence[Record]]] = {
    Listing.LAPS: listed_laps,
    Listing.PIT_STOPS: listed_pit_stops,
}
"""The reader of each of a race's tables."""
