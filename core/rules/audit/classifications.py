"""Checks of each official classification on its own. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from core.kinds import SessionKind
from core.records import Entry
from core.rules.audit import points
from core.rules.audit.season import AuditedSeason, Found
from core.rules.results.points import SCORING
from core.rules.results.polling import SESSIONS_OF_JOLPICA
from core.rules.results.quality import FIRST_SINGLE_SEASON, name_of
from core.text import duration


def winner_missing(season: AuditedSeason) -> Found:
    """A classification without a first place, or since 1979 with several."""
    for session, entries in season.official(*SESSIONS_OF_JOLPICA):
        first = [entry for entry in entries if entry.position == 1]
        if not first:
            yield session.id, f"none of {len(entries)} entries is in place 1"
        elif len(first) > 1 and season.season >= FIRST_SINGLE_SEASON:
            yield session.id, f"{', '.join(map(name_of, first))} are all in place 1"


def points_unlike_rule(season: AuditedSeason) -> Found:
    """Points that the season's rule does not pay."""
    for session, entries in season.official(*SCORING):
        if found := points.faults(season.season, session.kind, entries):
            yield session.id, "; ".join(found)


def gaps_not_rising(season: AuditedSeason) -> Found:
    """A faster time than in a better place with as many laps; or a gap that the times contradict."""
    for session, entries in season.official(*SCORING):
        yield from ((session.id, message) for message in [*_faster(entries), *_gaps(entries)])


def driver_in_two_cars(season: AuditedSeason) -> Found:
    """A driver with several entries in a session, which shared cars made common before 1979."""
    if season.season < FIRST_SINGLE_SEASON:
        return
    for session, entries in season.official(*SessionKind):
        cars: defaultdict[str, list[str]] = defaultdict(list)
        for entry in entries:
            if entry.driver_id is not None:
                cars[entry.driver_id].append(entry.car_number or "?")
        for driver, numbers in cars.items():
            if len(numbers) > 1:
                yield session.id, f"{driver} drove cars {' and '.join(numbers)}"


def _faster(entries: Sequence[Entry]) -> Iterator[str]:
    timed: defaultdict[int | None, list[tuple[int, int, str]]] = defaultdict(list)
    for entry in entries:
        if entry.position is not None and entry.time_ms is not None:
            timed[entry.laps].append((entry.position, entry.time_ms, name_of(entry)))
    for own in timed.values():
        for (above, better, ahead), (place, time, behind) in pairwise(sorted(own)):
            if time < better and place > above:
                yield f"{behind} in place {place} has {duration(time)}, {ahead} in place {above} {duration(better)}"


def _gaps(entries: Sequence[Entry]) -> Iterator[str]:
    winner = next((entry.time_ms for entry in entries if entry.position == 1 and entry.time_ms is not None), None)
    for entry in entries:
        if winner is None or entry.time_ms is None or entry.gap_ms is None or entry.gap_ms < 0:
            continue
        if entry.time_ms - winner != entry.gap_ms:
            real = entry.time_ms - winner
            yield f"{name_of(entry)} has a gap of {duration(entry.gap_ms)}, but its time gives {real} ms"
