"""The examination of each dataset of live timing's archive, in the order of decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.records import Change, Record
from core.rules.datasets import ENTRIES, LAPS, PIT_STOPS, RACE_CONTROL, STINTS, WEATHER, Dataset
from core.rules.timing.entries import examine_entries, line_up_change
from core.rules.timing.evidence import Evidence, Examined
from core.rules.timing.laps import better_laps, examine_laps
from core.rules.timing.pit_stops import examine_pit_stops
from core.rules.timing.race_control import examine_race_control
from core.rules.timing.stints import examine_stints
from core.rules.timing.weather import examine_weather
from core.timing_records import Lap, LineUpEntry, PitStop, RaceControlMessage, Stint, Weather


@dataclass(frozen=True)
class Gate:
    """A dataset, the record class of its rows, and its examination.

    `complete` adds known values that an answer lacks, or gives a reason to keep the known rows; None: nothing is kept.
    `from_start`: the dataset exists from the session's start on, not only once the archive is complete. `announce`
    makes the change for new rows from the evidence, the rows before and those after; None: the dataset was stored.
    """

    dataset: Dataset
    record: type[Record]
    examine: Callable[[Sequence[Any], Evidence], Examined[Any]]
    complete: Callable[[Sequence[Any], Sequence[Any]], tuple[Sequence[Any], str | None]] | None = None
    from_start: bool = False
    announce: Callable[[Evidence, Sequence[Any], Sequence[Any]], Change | None] | None = None


GATES = (
    Gate(LAPS, Lap, examine_laps, better_laps),
    Gate(STINTS, Stint, examine_stints),
    Gate(PIT_STOPS, PitStop, examine_pit_stops),
    Gate(WEATHER, Weather, examine_weather),
    Gate(RACE_CONTROL, RaceControlMessage, examine_race_control),
    Gate(ENTRIES, LineUpEntry, examine_entries, from_start=True, announce=line_up_change),
)
