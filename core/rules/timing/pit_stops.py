"""Which pit stops are accepted."""

from __future__ import annotations

from collections.abc import Sequence

from core.rules.timing.evidence import Evidence, Examined
from core.text import counted
from core.timing_records import PitStop

LONGEST_MS = 600_000
"""A longer stop is a red flag, during which cars wait in the pit lane."""


def examine_pit_stops(rows: Sequence[PitStop], evidence: Evidence) -> Examined[PitStop]:
    """The stops; those that lasted during a red flag lose their duration."""
    long = [stop for stop in rows if max(stop.lane_ms or 0, stop.stationary_ms or 0) > LONGEST_MS]
    accepted = [
        stop.model_copy(update={"lane_ms": None, "stationary_ms": None}) if stop in long else stop for stop in rows
    ]
    notes = (f"{counted(len(long), 'stop')} during a red flag: duration removed",) if long else ()
    return Examined(accepted, notes)
