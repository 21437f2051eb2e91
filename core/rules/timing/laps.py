"""Which laps are accepted. Each check is for a known fault of live timing, or of FastF1's reading of it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from core.kinds import RACED, Source
from core.rules.timing.evidence import Evidence, Examined
from core.text import counted, gap
from core.timing_records import Lap, TimedLap

SUM_WITHIN_MS = 2
CLOCK_WITHIN_MS = 1_000
"""The allowed difference of a lap's time from the clock; the largest of a sound lap so far is half a second."""

GAP_WITHIN_MS = 500
PENALTY_MS = 5_000
"""Time penalties are multiples of this; results include them, clocks do not."""

RUNNING = 3
"""A car with another car's times on this many laps in a row has that car's laps."""

DID_NOT_START = "W"
SECTORS = ("sector_1_ms", "sector_2_ms", "sector_3_ms")


def examine_laps(rows: Sequence[TimedLap], evidence: Evidence) -> Examined[TimedLap]:
    """The accepted laps without impossible times, or the reason to refuse them: laps that are missing or another car's.

    A lap on which a car retired is kept without a time, after the last completed one.
    """
    listed: defaultdict[str, list[TimedLap]] = defaultdict(list)
    for lap in rows:
        listed[lap.car_number].append(lap)
    by_car = {car: _driven(own, evidence) for car, own in listed.items()}
    checks = (_hole(by_car), _missing(by_car, evidence), _copied(by_car), _gap(by_car, evidence))
    if refused := next(filter(None, checks), None):
        return Examined(rows, refused=refused)
    emptied: Counter[str] = Counter()
    accepted = [
        _accepted(lap, before, evidence, emptied)
        for own in by_car.values()
        for before, lap in zip([None, *own], own, strict=False)
    ]
    notes = tuple(f"{counted(count, 'lap')}: {what}" for what, count in emptied.items())
    return Examined(accepted, notes)


def better_laps(rows: Sequence[Lap], known: Sequence[Lap]) -> tuple[Sequence[Lap], str | None]:
    """The laps, completed with known values that they lack; or the reason to keep the known laps."""
    counts, before = (Counter(lap.car_number for lap in of) for of in (rows, known))
    for car, count in before.items():
        if counts[car] < count:
            return rows, f"car {car}: {counts[car]} laps, but {count} are known"
    stored = {(lap.car_number, lap.lap): lap for lap in known}
    return [lap.completed(stored.get((lap.car_number, lap.lap))) for lap in rows], None


def _driven(own: Sequence[TimedLap], evidence: Evidence) -> list[TimedLap]:
    """A car's laps, without the one that FastF1 adds for a car that did not start."""
    entry = next((entry for entry in evidence.official if entry.car_number == own[0].car_number), None)
    if entry is not None and entry.classification == DID_NOT_START:
        return [lap for lap in own if not lap.is_unfinished]
    return list(own)


def _hole(by_car: Mapping[str, Sequence[TimedLap]]) -> str | None:
    for car, own in by_car.items():
        numbers = [lap.lap for lap in own]
        if hole := next((n for n, lap in enumerate(numbers, start=1) if lap != n), None):
            what = "listed twice" if numbers[hole - 1] < hole else "missing"
            return f"car {car}: lap {min(hole, numbers[hole - 1])} is {what}"
        if any(lap.is_unfinished for lap in own[:-1]):
            return f"car {car}: an unfinished lap is not its last"
    return None


def _missing(by_car: Mapping[str, Sequence[TimedLap]], evidence: Evidence) -> str | None:
    for entry in evidence.official:
        driven = sum(not lap.is_unfinished for lap in by_car.get(entry.car_number, ()))
        if entry.laps is not None and driven < entry.laps:
            return f"car {entry.car_number}: {driven} of {counted(entry.laps, 'lap')}"
    return None


def _copied(by_car: Mapping[str, Sequence[TimedLap]]) -> str | None:
    """Another car's times, to the millisecond, on several consecutive laps."""
    at: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for car, own in by_car.items():
        for lap in own:
            if lap.time_ms is not None:
                at[lap.lap, lap.time_ms].append(car)
    shared = sorted((number, one, other) for (number, _), cars in at.items() for one, other in combinations(cars, 2))
    running: dict[tuple[str, str], tuple[int, int]] = {}
    for number, one, other in shared:
        last, count = running.get((one, other), (0, 0))
        running[one, other] = number, count + 1 if number == last + 1 else 1
        if running[one, other][1] == RUNNING:
            return f"cars {one} and {other} have the same times on laps {number - RUNNING + 1} to {number}"
    return None


def _gap(by_car: Mapping[str, Sequence[TimedLap]], evidence: Evidence) -> str | None:
    """A finisher's gap at the flag that differs from the result: one of the two cars' clocks is off."""
    if evidence.session.kind not in RACED:
        return None
    winner = next((entry for entry in evidence.official if entry.position == 1), None)
    if winner is None or (flag := _end_of(by_car, winner.car_number, winner.laps)) is None:
        return None
    furthest = 0
    for entry in sorted(evidence.official, key=lambda entry: entry.position or math.inf):
        ended = _end_of(by_car, entry.car_number, entry.laps)
        if entry.gap_ms is None or entry.laps != winner.laps or ended is None or entry.gap_ms < furthest:
            continue  # Jolpica sometimes gives the gap to the car ahead, which is smaller than the previous entry's gap
        furthest = entry.gap_ms
        off = (entry.gap_ms - (ended - flag)) % PENALTY_MS
        if min(off, PENALTY_MS - off) > GAP_WITHIN_MS:
            seconds = f"{gap(ended - flag)} behind at the flag, {gap(entry.gap_ms)} in the result"
            return f"car {entry.car_number}: {seconds}"
    return None


def _end_of(by_car: Mapping[str, Sequence[TimedLap]], car: str, laps: int | None) -> int | None:
    return next((lap.ended_ms for lap in by_car.get(car, ()) if lap.lap == laps), None)


def _accepted(lap: TimedLap, before: TimedLap | None, evidence: Evidence, emptied: Counter[str]) -> TimedLap:
    """A lap without impossible cells, and with its driver."""
    driver = evidence.drivers.get(lap.car_number)
    update: dict[str, object] = {} if driver is None else {"driver_id": driver}
    sectors = [getattr(lap, name) for name in SECTORS]
    total = None if None in sectors else sum(sectors)
    fault, cells = None, ["time_ms"]
    if lap.time_ms is None:
        pass
    elif evidence.session.kind in RACED and lap.lap == 1 and lap.source is Source.LIVETIMING:
        fault = "a first lap has no time in the archive"
    elif before is not None and before.time_ms == lap.time_ms and _is_contradicted(lap, before, total):
        fault = "the time of the lap before, which the clock contradicts"
    elif total is not None and abs(total - lap.time_ms) > SUM_WITHIN_MS:
        fault, cells = "the sectors do not add up to the lap time", [*SECTORS]
    if fault is not None:
        emptied[fault] += 1
        update |= {**dict.fromkeys(cells), "is_accurate": False}
    return lap.model_copy(update=update) if update else lap


def _is_contradicted(lap: TimedLap, before: TimedLap, total: int | None) -> bool:
    """Whether the clock times of two laps' ends contradict a lap's time; without them, whether its sectors do."""
    assert lap.time_ms is not None
    if lap.timed_ms is not None and before.timed_ms is not None:
        return abs(lap.timed_ms - before.timed_ms - lap.time_ms) > CLOCK_WITHIN_MS
    return total is not None and abs(total - lap.time_ms) > SUM_WITHIN_MS
