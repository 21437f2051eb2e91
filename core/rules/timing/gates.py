"""The gates of the datasets from live timing's archive, in the order of decisions, and which of them are due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from core.records import Change, Record, Session
from core.rules.datasets import ENTRIES, LAPS, PIT_STOPS, RACE_CONTROL, STINTS, WEATHER, Dataset, DatasetState
from core.rules.results.polling import has_begun, over_at
from core.rules.timing.entries import examine_entries, line_up_change
from core.rules.timing.evidence import Evidence, Examined
from core.rules.timing.laps import better_laps, examine_laps
from core.text import counted, moment
from core.timing_records import Lap, LineUpEntry, PitStop, RaceControlMessage, Stint, Weather

LONGEST_STOP_MS = 600_000
"""A longer stop is a red flag, during which cars wait in the pit lane."""

NEAR = timedelta(hours=12)
"""The allowed distance of a message from its session: a race delayed for hours has its messages too."""

POSSIBLE = {
    "air_c": (-30.0, 60.0),
    "track_c": (-30.0, 90.0),
    "humidity_pct": (0.0, 100.0),
    "pressure_hpa": (600.0, 1090.0),
    "wind_mps": (0.0, 70.0),
    "wind_deg": (0, 360),
}
"""The possible range at a circuit, by column: Mexico City's pressure is 780 hPa."""


def examine_stints(rows: Sequence[Stint], evidence: Evidence) -> Examined[Stint]:
    """The stints, or the reason to refuse them: backwards, overlapping, or more than a car's pit entries allow."""
    laps: Sequence[Lap] = evidence.answers.get("laps", ())
    entered = Counter(lap.car_number for lap in laps if lap.is_pit_in)
    counts = Counter(stint.car_number for stint in rows)
    for stint in rows:
        if stint.lap_end < stint.lap_start:
            return Examined(rows, refused=f"car {stint.car_number}: stint {stint.stint} runs backwards")
    for one, other in pairwise(sorted(rows, key=lambda stint: (stint.car_number, stint.stint))):
        if one.car_number == other.car_number and other.lap_start <= one.lap_end:
            return Examined(rows, refused=f"car {one.car_number}: stints {one.stint} and {other.stint} overlap")
    for car, count in counts.items():
        if laps and count > entered[car] + 1:
            entries = counted(entered[car], "pit entry", "pit entries")
            return Examined(rows, refused=f"car {car}: {counted(count, 'stint')} with {entries}")
    lacking = sum(stint.compound is None for stint in rows)
    return Examined(rows, (f"{counted(lacking, 'stint')}: the compound is unknown",) if lacking else ())


def examine_pit_stops(rows: Sequence[PitStop], evidence: Evidence) -> Examined[PitStop]:
    """The stops; those that lasted through a red flag lose their duration."""
    long = [stop for stop in rows if max(stop.lane_ms or 0, stop.stationary_ms or 0) > LONGEST_STOP_MS]
    believed = [
        stop.model_copy(update={"lane_ms": None, "stationary_ms": None}) if stop in long else stop for stop in rows
    ]
    return Examined(believed, (f"{counted(len(long), 'stop')}: a red flag, not a duration",) if long else ())


def examine_weather(rows: Sequence[Weather], evidence: Evidence) -> Examined[Weather]:
    """The weather without impossible values."""
    emptied: Counter[str] = Counter()
    believed = []
    for row in rows:
        strange = [name for name, (least, most) in POSSIBLE.items() if not _is_within(getattr(row, name), least, most)]
        emptied.update(strange)
        believed.append(row.model_copy(update=dict.fromkeys(strange)) if strange else row)
    notes = tuple(f"{counted(count, 'value')} of {name}: not possible" for name, count in emptied.items())
    return Examined(believed, notes)


def _is_within(value: float | None, least: float, most: float) -> bool:
    return value is None or least <= value <= most


def examine_race_control(rows: Sequence[RaceControlMessage], evidence: Evidence) -> Examined[RaceControlMessage]:
    """The messages, or the reason to refuse them: they belong to another session."""
    session = evidence.session
    first = (session.starts_at or over_at(session)) - NEAR
    if strange := next((row for row in rows if not first <= row.at <= over_at(session) + NEAR), None):
        return Examined(rows, refused=f"message {strange.ordinal} is of {moment(strange.at, year=True)}")
    return Examined(rows)


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


def gates_due(
    session: Session, states: Mapping[str, DatasetState], now: datetime, *, by_name: bool = False
) -> list[Gate]:
    """The gates of a session's due datasets; `by_name`: of all that can exist by now."""
    is_over, is_begun = now >= over_at(session), has_begun(session, now)
    existing = [gate for gate in GATES if is_over or (gate.from_start and is_begun)]
    return [gate for gate in existing if by_name or _is_due(states.get(gate.dataset.name), now)]


def _is_due(state: DatasetState | None, now: datetime) -> bool:
    """Whether a dataset was never requested, or is to be requested again by now."""
    return state is None or (state.next_poll_at is not None and state.next_poll_at <= now)
