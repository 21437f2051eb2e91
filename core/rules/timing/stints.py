"""Which stints are accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from core.rules.datasets import LAPS
from core.rules.timing.evidence import Evidence, Examined
from core.text import counted
from core.timing_records import Lap, Stint


def examine_stints(rows: Sequence[Stint], evidence: Evidence) -> Examined[Stint]:
    """The stints, or the reason to refuse them: one ends before it starts, two overlap, or pit entries are missing."""
    laps: Sequence[Lap] = evidence.answers.get(LAPS.name, ())
    entered = Counter(lap.car_number for lap in laps if lap.is_pit_in)
    counts = Counter(stint.car_number for stint in rows)
    for stint in rows:
        if stint.lap_end < stint.lap_start:
            return Examined(rows, refused=f"car {stint.car_number}: stint {stint.stint} ends before it starts")
    for one, other in pairwise(sorted(rows, key=lambda stint: (stint.car_number, stint.stint))):
        if one.car_number == other.car_number and other.lap_start <= one.lap_end:
            return Examined(rows, refused=f"car {one.car_number}: stints {one.stint} and {other.stint} overlap")
    for car, count in counts.items():
        if laps and count > entered[car] + 1:
            entries = counted(entered[car], "pit entry", "pit entries")
            return Examined(rows, refused=f"car {car}: {counted(count, 'stint')} with {entries}")
    lacking = sum(stint.compound is None for stint in rows)
    return Examined(rows, (f"{counted(lacking, 'stint')}: the compound is unknown",) if lacking else ())
