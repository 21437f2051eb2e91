"""What is believable: the gates that a session's result passes before it replaces what is held. Pure functions.

A result that a REJECT gate finds fault with is kept aside and the last good state stands; a WARN is told and applied.
The cases that each gate comes from: `tests/test_quality.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.differences import matched
from core.points import FASTEST_LAP, FIRST_TABLED_SEASON, NOTHING, Scale, scales
from core.records import Entry, Record, ResultsState, SessionKind, SessionResult, Source

FIRST_SINGLE_SEASON = 1979
"""The first season in which a place is one car's and a driver has one car."""

WITHDRAWN_AT_MOST = 2
"""So many entries that took part may go at once and be believed: a correction. More are a partial answer."""

STARTED = (SessionKind.RACE, SessionKind.SPRINT)


class Severity(StrEnum):
    """What becomes of a result that a gate finds fault with."""

    REJECT = "reject"
    WARN = "warn"


class Finding(Record):
    """What one gate has to say about a result, `message` for a person."""

    gate: str
    severity: Severity
    message: str


@dataclass(frozen=True)
class Case:
    """What a gate looks at: a result, and what is known of that session and its season."""

    result: SessionResult
    previous: tuple[Entry, ...]
    previous_state: ResultsState
    known_numbers: Collection[str]
    expected_kinds: Collection[SessionKind]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The result's entries."""
        return self.result.entries

    @property
    def classified(self) -> list[tuple[int, Entry]]:
        """Those with a place, by place."""
        placed = [(entry.position, entry) for entry in self.entries if entry.position is not None]
        return sorted(placed, key=lambda place: place[0])

    @property
    def lost(self) -> list[Entry]:
        """Entries that took part before and are not there now; those that never did may come and go."""
        gone = [old for old, new in matched(self.previous, self.entries) if old is not None and new is None]
        lost = [entry for entry in gone if _took_part(entry)]
        if self.previous_state is ResultsState.PROVISIONAL and self.result.source is Source.JOLPICA:
            # Timing may call cars and drivers otherwise: against the official table only numbers of entries count.
            return lost[: max(0, len(self.previous) - len(self.entries))]
        return lost

    @property
    def lost_too_many(self) -> bool:
        """Whether more went than stewards and clerks take away at once."""
        return len(self.lost) > WITHDRAWN_AT_MOST or 2 * len(self.lost) >= max(1, len(self.previous))

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The ways such a session may be paid; none where no table tells."""
        return scales(self.result.season, self.result.kind) if self.result.season >= FIRST_TABLED_SEASON else ()


def examine(
    result: SessionResult,
    previous: Sequence[Entry],
    *,
    previous_state: ResultsState = ResultsState.AWAITED,
    known_numbers: Collection[str] = (),
    expected_kinds: Collection[SessionKind] = (),
) -> tuple[Finding, ...]:
    """What the gates find, in the table's order.

    `previous` is the last good state, empty when there is none; `known_numbers` are the season's car numbers, and
    `expected_kinds` the event's sessions: nothing is checked against an empty one.
    """
    case = Case(result, tuple(previous), previous_state, known_numbers, expected_kinds)
    return tuple(
        Finding(gate=gate.name, severity=gate.severity, message=message)
        for gate in GATES
        for message in gate.check(case)
    )


def rejected(findings: Iterable[Finding]) -> bool:
    """Whether the last good state stands."""
    return any(finding.severity is Severity.REJECT for finding in findings)


def empty(case: Case) -> Iterator[str]:
    """Empty never replaces full."""
    if not case.entries:
        yield "no entries"


def unknown_session(case: Case) -> Iterator[str]:
    """Results of a session that the event does not have."""
    if case.expected_kinds and case.result.kind not in case.expected_kinds:
        yield f"the event has no {case.result.kind.value}"


def unidentified_entry(case: Case) -> Iterator[str]:
    """Rows that name neither car nor driver, as half-filled frames have them."""
    nameless = sum(not (e.car_number or e.driver_id or e.driver_code) for e in case.entries)
    if nameless:
        yield f"{_entries(nameless)} without car or driver"


def duplicate_entry(case: Case) -> Iterator[str]:
    """The same car twice; since 1979 the same driver too."""
    if twice := [f"car {number or '?'}" for (number, _), times in _count(e.key for e in case.entries) if times > 1]:
        yield f"twice: {', '.join(twice)}"
    elif case.result.season >= FIRST_SINGLE_SEASON and (
        drivers := [driver for driver, times in _count(e.driver_id for e in case.entries if e.driver_id) if times > 1]
    ):
        yield f"twice: {', '.join(drivers)}"


def duplicate_place(case: Case) -> Iterator[str]:
    """Two in one place: never right since 1979."""
    if case.result.season >= FIRST_SINGLE_SEASON:
        yield from _shared(case.classified)


def place_of_two_cars(case: Case) -> Iterator[str]:
    """Before 1979 the drivers of one car share its place; two cars in one place are told, for no rule was without
    exception then."""
    if case.result.season < FIRST_SINGLE_SEASON:
        cars = {(place, entry.car_number): (place, entry) for place, entry in case.classified}
        yield from _shared(list(cars.values()))


def entries_lost(case: Case) -> Iterator[str]:
    """Part of a table: more than two that took part are gone, or half of them."""
    if case.entries and case.lost and case.lost_too_many:
        yield f"{len(case.entries)} entries where {len(case.previous)} were; missing: {_names(case.lost)}"


def entries_withdrawn(case: Case) -> Iterator[str]:
    """One or two that took part are gone: upstream's correction."""
    if case.lost and not case.lost_too_many:
        yield f"no longer there: {_names(case.lost)}"


def values_lost(case: Case) -> Iterator[str]:
    """Null never replaces a value: nobody has a place, or points, where somebody had."""
    for name, held in (("place", "position"), ("points", "points")):
        had = any(getattr(entry, held) is not None for entry in case.previous)
        has = any(getattr(entry, held) is not None for entry in case.entries)
        if case.entries and had and not has:
            yield f"nobody has {'a ' if name == 'place' else ''}{name} any more"


def gap_in_places(case: Case) -> Iterator[str]:
    """A place that nobody has: a partial answer, or Brazil 1983, where second was disqualified and not replaced."""
    places = {place for place, _ in case.classified}
    if missing := sorted(set(range(1, max(places, default=0) + 1)) - places):
        yield f"nobody in place {', '.join(map(str, missing))}"


def points_off_table(case: Case) -> Iterator[str]:
    """Points that no table of the season gives that place."""
    if case.result.season < FIRST_TABLED_SEASON:
        return
    odd = min(([e for e in case.entries if not _pays(scale, e)] for scale in case.scales or (Scale(()),)), key=len)
    if odd:
        named = ", ".join(f"{_name(e)} {e.points} for {e.classification or e.position}" for e in odd)
        yield f"not of {case.result.season}'s tables: {named}"


def points_not_falling(case: Case) -> Iterator[str]:
    """More points than a better place has."""
    paid = [(place, entry, entry.points) for place, entry in case.classified if entry.points is not None]
    for (above, better, more), (place, worse, points) in zip(paid, paid[1:], strict=False):
        if case.scales and points > more:
            yield f"{_name(worse)} has {points} points for {place}, {_name(better)} {more} for {above}"


def points_sum(case: Case) -> Iterator[str]:
    """All points together are not what the places pay, with or without the fastest lap."""
    if not case.scales or any(entry.points is None for _, entry in case.classified):
        return
    total = sum((entry.points or NOTHING for entry in case.entries), NOTHING)
    due = [sum((scale.at(place) for place, _ in case.classified), NOTHING) for scale in case.scales]
    with_lap = [paid + FASTEST_LAP for paid, scale in zip(due, case.scales, strict=True) if scale.fastest_lap_places]
    if total not in {*due, *with_lap, NOTHING}:
        yield f"{total} points paid, {due[0]} expected"


def winner_without_laps(case: Case) -> Iterator[str]:
    """A winner who did not drive."""
    if case.result.kind in STARTED:
        yield from (f"{_name(e)} won in no laps" for place, e in case.classified if place == 1 and not e.laps)


def unknown_number(case: Case) -> Iterator[str]:
    """A car that did not drive this season so far: a reserve's, or a support race's."""
    if case.known_numbers and (new := [e for e in case.entries if e.car_number not in case.known_numbers]):
        yield f"not seen this season: {_names(new)}"


@dataclass(frozen=True)
class Gate:
    """A rule with its name; `check` gives a message for every fault it finds."""

    severity: Severity
    check: Callable[[Case], Iterator[str]]

    @property
    def name(self) -> str:
        """What findings call it: the rule's own name."""
        return self.check.__name__


REJECTING = (
    empty,
    unknown_session,
    unidentified_entry,
    duplicate_entry,
    duplicate_place,
    entries_lost,
    values_lost,
)
WARNING = (
    entries_withdrawn,
    place_of_two_cars,
    gap_in_places,
    points_off_table,
    points_not_falling,
    points_sum,
    winner_without_laps,
    unknown_number,
)
GATES = (*(Gate(Severity.REJECT, check) for check in REJECTING), *(Gate(Severity.WARN, check) for check in WARNING))


def _took_part(entry: Entry) -> bool:
    """Whether an entry has a place, laps, points or a time: not one that withdrew, did not start or qualify."""
    return entry.position is not None or any((entry.laps, entry.points, entry.time_ms, entry.q1_ms, entry.best_lap_ms))


def _pays(scale: Scale, entry: Entry) -> bool:
    if entry.points is None:
        return True
    lap = entry.points - scale.at(entry.position)
    fastest = entry.fastest_lap_rank in (None, 1) and scale.pays_fastest_lap(entry.position)
    return lap == NOTHING or (lap == FASTEST_LAP and fastest)


def _shared(placed: Sequence[tuple[int, Entry]]) -> Iterator[str]:
    for place, times in _count(place for place, _ in placed):
        if times > 1:
            yield f"{_names(e for other, e in placed if other == place)} all in place {place}"


def _count[T](values: Iterable[T]) -> list[tuple[T, int]]:
    return list(Counter(values).items())


def _name(entry: Entry) -> str:
    return entry.driver_id or entry.driver_code or f"car {entry.car_number or '?'}"


def _names(entries: Iterable[Entry]) -> str:
    return ", ".join(_name(entry) for entry in entries)


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"
