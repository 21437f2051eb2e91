"""The quality gates that a session's result must pass to replace the stored one. Pure functions.

A result that fails a REJECT gate is held, and the last good one stays; a WARN is reported, and the result is applied.
The cases behind each gate are in `tests/test_quality.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, pairwise
from operator import itemgetter

from core.kinds import ResultsState, Source
from core.records import Entry, Record, SessionResult
from core.rules.results.differences import matched
from core.rules.results.points import (
    FASTEST_LAP,
    FIRST_TABLED_SEASON,
    FIRST_UNDROPPED_SEASON,
    NOTHING,
    SCORING,
    Scale,
    most_points,
    scales,
)

FIRST_SINGLE_SEASON = 1979
"""The first season in which each place has one car, and each driver one car."""

FIRST_PERSONAL_NUMBER_SEASON = 2014
"""Drivers have had their own numbers since then; earlier ones are not known to be unique upstream."""

WITHDRAWN_AT_MOST = 2
"""How many entries that took part a correction may drop; with more missing, the answer is partial."""

FIRST_STEADY_SEASON = 1996
"""Since then fields have had a steady size; before, a race had from 10 to 47 cars."""

MOST_ENTRIES = 26
"""The Sporting Regulations' limit, in force since 1996."""

WHOLE_SHARE = 0.8
"""A table with less than this share of comparable sessions' entries is short."""

COMPARED = ("position", "classification", "laps", "time_ms", "q1_ms", "q2_ms", "q3_ms", "best_lap_ms")
"""What is compared, besides the driver, to find two sessions with one classification."""


class Severity(StrEnum):
    """What a fault does to a result."""

    REJECT = "reject"
    WARN = "warn"


class Finding(Record):
    """A fault that one gate finds in a result; `message` is for people."""

    gate: str
    severity: Severity
    message: str


@dataclass(frozen=True)
class Case:
    """A gate's input: a result, and what is known of its session and season.

    `previous` is the last good state, empty if there is none; `known_numbers` are the season's car numbers, `others`
    the classifications of other sessions that may equal this one, by id. Checks against an empty value are skipped.
    """

    result: SessionResult
    previous: Sequence[Entry] = ()
    previous_state: ResultsState = ResultsState.AWAITED
    known_numbers: Collection[str] = ()
    others: Mapping[str, Sequence[Entry]] = field(default_factory=dict)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The result's entries."""
        return self.result.entries

    @property
    def classified(self) -> list[tuple[int, Entry]]:
        """The entries with a place, by place."""
        return sorted(((e.position, e) for e in self.entries if e.position is not None), key=itemgetter(0))

    @property
    def lost(self) -> list[Entry]:
        """Entries that took part before and are missing now; those that never took part may come and go."""
        lost = [old for old, new in matched(self.previous, self.entries) if old and not new and _took_part(old)]
        if self.previous_state is ResultsState.PROVISIONAL and self.result.source is Source.JOLPICA:
            # Timing may name cars and drivers differently, so only the numbers of entries are compared.
            return lost[: max(0, len(self.previous) - len(self.entries))]
        return lost

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The points scales such a session may have; none before points tables are complete."""
        return scales(self.result.season, self.result.kind) if self.result.season >= FIRST_TABLED_SEASON else ()


def examine(case: Case) -> tuple[Finding, ...]:
    """The gates' findings, in the table's order."""
    return tuple(
        Finding(gate=gate.__name__, severity=severity, message=message)
        for severity, gate in GATES
        for message in gate(case)
    )


def empty(case: Case) -> Iterator[str]:
    """No entries: an empty result never replaces another."""
    if not case.entries:
        yield "no entries"


def another_sessions(case: Case) -> Iterator[str]:
    """Another session's classification under this one's header."""
    own = _compared(case.entries)
    yield from (f"the classification of {other}" for other, entries in case.others.items() if _compared(entries) == own)


def too_many_entries(case: Case) -> Iterator[str]:
    """More cars than the regulations allow, in seasons with fields of a steady size."""
    if case.result.season >= FIRST_STEADY_SEASON and len(case.entries) > MOST_ENTRIES:
        yield f"{len(case.entries)} entries (at most {MOST_ENTRIES} possible)"


def points_impossible(case: Case) -> Iterator[str]:
    """Points below zero, or more than any session of that kind paid that season."""
    most = most_points(case.result.season, case.result.kind)
    for entry in case.entries:
        if entry.points is not None and not NOTHING <= entry.points <= most:
            yield f"{name_of(entry)} has {entry.points} points (possible: 0 to {most})"


def points_contradict_places(case: Case) -> Iterator[str]:
    """Since 1991: more points than in a better place, points without a place, or a place without its points.

    Before 1991, shared cars and classified drivers without points make that common.
    """
    if case.result.season < FIRST_UNDROPPED_SEASON:
        return
    yield from _rising(case)
    for entry in case.entries:
        if entry.points and entry.position is None:
            yield f"{name_of(entry)} has {entry.points} points but no place"
    unpaid = [entry for _, entry in case.classified if entry.points is None]
    if unpaid and any(entry.points is not None for entry in case.entries):
        yield f"{_names(unpaid)} has a place but no points"


def unidentified_entry(case: Case) -> Iterator[str]:
    """Rows without car and driver, as in half-filled frames."""
    if nameless := sum(not (e.car_number or e.driver_id or e.driver_code) for e in case.entries):
        yield f"{nameless} of {len(case.entries)} entries name neither car nor driver"


def duplicate_entry(case: Case) -> Iterator[str]:
    """The same entry twice; since 1979 the same driver, since 2014 the same car number."""
    season = case.result.season
    cars = (f"car {e.car_number}" for e in case.entries if e.car_number and season >= FIRST_PERSONAL_NUMBER_SEASON)
    drivers = (e.driver_id for e in case.entries if e.driver_id and season >= FIRST_SINGLE_SEASON)
    keys = (f"entry {e.car_number or '?'}.{e.ordinal}" for e in case.entries)
    yield from (
        f"{name} is listed {times} times" for name, times in Counter(chain(cars, drivers, keys)).items() if times > 1
    )


def duplicate_place(case: Case) -> Iterator[str]:
    """Several classified in one place of a race or sprint: never right since 1979."""
    yield from _shared(case, one_each=True)


def place_shared(case: Case) -> Iterator[str]:
    """Several classified in one place until 1978, or in qualifying and practice: two 15th at Silverstone 2023."""
    yield from _shared(case, one_each=False)


def entries_lost(case: Case) -> Iterator[str]:
    """More than two entries that took part are gone: the table is incomplete."""
    if case.entries and len(case.lost) > WITHDRAWN_AT_MOST:
        yield f"{len(case.entries)} entries, {len(case.previous)} before; missing: {_names(case.lost)}"


def entries_withdrawn(case: Case) -> Iterator[str]:
    """One or two that took part are gone: upstream's correction."""
    if 0 < len(case.lost) <= WITHDRAWN_AT_MOST:
        yield f"no longer there: {_names(case.lost)}"


def values_lost(case: Case) -> Iterator[str]:
    """No entry has a place, or points, though some had before."""
    for name, lost in (("position", "a place"), ("points", "points")):
        had, has = (any(getattr(e, name) is not None for e in table) for table in (case.previous, case.entries))
        if case.entries and had and not has:
            yield f"no entry has {lost} any more"


def gap_in_places(case: Case) -> Iterator[str]:
    """A place is missing: a partial answer, or Brazil 1983, where second was disqualified and not replaced."""
    places = {place for place, _ in case.classified}
    if missing := sorted(set(range(1, max(places, default=0) + 1)) - places):
        yield f"no entry in place {', '.join(map(str, missing))}"


def points_off_table(case: Case) -> Iterator[str]:
    """Points that no table of the season has for the place."""
    if case.result.season < FIRST_TABLED_SEASON:
        return
    odd = min(([e for e in case.entries if not _pays(scale, e)] for scale in case.scales or (Scale(()),)), key=len)
    for entry in odd:
        yield f"{name_of(entry)} has {entry.points} points for {entry.classification or entry.position}: in no table"


def points_not_falling(case: Case) -> Iterator[str]:
    """Before 1991: more points than in a better place."""
    if case.result.season < FIRST_UNDROPPED_SEASON:
        yield from _rising(case)


def _rising(case: Case) -> Iterator[str]:
    paid = [(place, entry, entry.points) for place, entry in case.classified if entry.points is not None]
    for (above, better, more), (place, worse, points) in pairwise(paid):
        if case.scales and points > more:
            yield f"{name_of(worse)} has {points} points for {place}, {name_of(better)} {more} for {above}"


def points_sum(case: Case) -> Iterator[str]:
    """The sum of points differs from what the places pay, with or without the fastest lap."""
    total = sum((entry.points or NOTHING for entry in case.entries), NOTHING)
    due = [sum((scale.at(place) for place, _ in case.classified), NOTHING) for scale in case.scales]
    with_lap = [paid + FASTEST_LAP for paid, scale in zip(due, case.scales, strict=True) if scale.fastest_lap_places]
    if due and total not in {*due, *with_lap} and all(entry.points is not None for entry in case.entries):
        yield f"{total} points paid, {due[0]} expected"


def winner_without_laps(case: Case) -> Iterator[str]:
    """A winner who did not drive."""
    if case.result.kind in SCORING:
        winners = [entry for place, entry in case.classified if place == 1]
        yield from (f"{name_of(entry)} won without completing a lap" for entry in winners if not entry.laps)


def unknown_number(case: Case) -> Iterator[str]:
    """A car number not seen this season: a reserve driver's, or a support race's."""
    if case.known_numbers and (new := [e for e in case.entries if e.car_number not in case.known_numbers]):
        yield f"not seen this season: {_names(new)}"


Gate = Callable[[Case], Iterator[str]]
"""Yields a message for each fault; a finding is named after its function."""

GATES: tuple[tuple[Severity, Gate], ...] = (
    (Severity.REJECT, empty),
    (Severity.REJECT, another_sessions),
    (Severity.REJECT, too_many_entries),
    (Severity.REJECT, points_impossible),
    (Severity.REJECT, points_contradict_places),
    (Severity.REJECT, unidentified_entry),
    (Severity.REJECT, duplicate_entry),
    (Severity.REJECT, duplicate_place),
    (Severity.REJECT, entries_lost),
    (Severity.REJECT, values_lost),
    (Severity.WARN, entries_withdrawn),
    (Severity.WARN, place_shared),
    (Severity.WARN, gap_in_places),
    (Severity.WARN, points_off_table),
    (Severity.WARN, points_not_falling),
    (Severity.WARN, points_sum),
    (Severity.WARN, winner_without_laps),
    (Severity.WARN, unknown_number),
)


def is_short(entries: int, season: int, compared_with: Collection[int]) -> bool:
    """Whether a table has too few entries compared with others; never before fields had a steady size."""
    return season >= FIRST_STEADY_SEASON and entries < WHOLE_SHARE * max(compared_with, default=0)


def _compared(entries: Sequence[Entry]) -> set[tuple[object, ...]]:
    return {(entry.driver_id, *(getattr(entry, name) for name in COMPARED)) for entry in entries}


def _took_part(entry: Entry) -> bool:
    """Whether an entry has a place, laps, points or a time, so it did start or qualify."""
    return entry.position is not None or any((entry.laps, entry.points, entry.time_ms, entry.q1_ms, entry.best_lap_ms))


def _pays(scale: Scale, entry: Entry) -> bool:
    if entry.points is None:
        return True
    lap = entry.points - scale.at(entry.position)
    fastest = entry.fastest_lap_rank in (None, 1) and scale.pays_fastest_lap(entry.position)
    return lap == NOTHING or (lap == FASTEST_LAP and fastest)


def _shared(case: Case, *, one_each: bool) -> Iterator[str]:
    """Places with several cars, in sessions that require one car per place (`one_each`) or in the others."""
    ruled = case.result.season >= FIRST_SINGLE_SEASON and case.result.kind in SCORING
    cars = {(place, e.car_number or e.driver_id): e for place, e in case.classified if ruled is one_each}
    for place, times in Counter(place for place, _ in cars).items():
        if times > 1:
            yield f"{_names(entry for (other, _), entry in cars.items() if other == place)} all in place {place}"


def name_of(entry: Entry) -> str:
    """The name of an entry for people."""
    return entry.driver_id or entry.driver_code or f"car {entry.car_number or '?'}"


def _names(entries: Iterable[Entry]) -> str:
    return ", ".join(map(name_of, entries))
