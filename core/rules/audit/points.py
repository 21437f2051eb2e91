"""Whether a session's points follow the season's rule. Pure functions.

Since 1991 each place is paid exactly. Before, some drivers classified in the points were paid nothing, and sometimes
others in a worse place were paid instead; until 1959 the fastest lap paid a point, and until 1957 the drivers of a
shared car divided its place's points.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from core.kinds import SessionKind
from core.records import Entry
from core.rules.results.points import FASTEST_LAP, FIRST_TABLED_SEASON, FIRST_UNDROPPED_SEASON, NOTHING, Scale, scales
from core.rules.results.quality import name_of
from core.text import plain

UNPAID_AT_MOST = 2
"""How many places in the points may be paid nothing, or only in part: two in Italy 1984."""

ROUNDED = Decimal("0.02")
"""The rounding error allowed in a sum of shared points: 1954 has seven parts of 0.14."""


def faults(season: int, kind: SessionKind, entries: Sequence[Entry]) -> list[str]:
    """How a session's points differ from the rule, by the scale that fits best; empty if one fits."""
    found = [list(_faults(season, scale, entries)) for scale in scales(season, kind)]
    return min(found, key=len, default=[])


def _faults(season: int, scale: Scale, entries: Sequence[Entry]) -> Iterator[str]:
    if season >= FIRST_UNDROPPED_SEASON:
        yield from _unlike_places(scale, entries)
    else:
        if season >= FIRST_TABLED_SEASON:
            yield from _off_table(scale, entries)
            yield from _rising(entries)
        yield from _unlike_sum(season, scale, entries)


def _unlike_places(scale: Scale, entries: Sequence[Entry]) -> Iterator[str]:
    """Entries with other points than their place pays; one may have the fastest lap's too."""
    fastest = 0
    for entry in entries:
        due, paid = scale.at(entry.position), entry.points or NOTHING
        if paid == due:
            continue
        fastest += (is_fastest := paid - due == FASTEST_LAP and scale.pays_fastest_lap(entry.position))
        if not is_fastest:
            yield _unlike(entry, plain(due))
    if fastest > 1:
        yield f"{fastest} entries have the fastest lap's point"


def _off_table(scale: Scale, entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if (entry.points or NOTHING) not in scale.values:
            yield _unlike(entry, " or ".join(map(plain, sorted(scale.values))))


def _rising(entries: Sequence[Entry]) -> Iterator[str]:
    paid = sorted((e.position, e.points, name_of(e)) for e in entries if e.points and e.position is not None)
    for (above, more, better), (place, points, worse) in pairwise(paid):
        if points > more:
            yield f"{worse} has {plain(points)} points for {place}, {better} {plain(more)} for {above}"
    for entry in entries:
        if entry.points and entry.position is None:
            yield _unlike(entry, "nothing")


def _unlike_sum(season: int, scale: Scale, entries: Sequence[Entry]) -> Iterator[str]:
    """A sum other than what the places pay, with or without the fastest lap and minus a few unpaid places."""
    by_place: defaultdict[int, Decimal] = defaultdict(lambda: NOTHING)
    for entry in entries:
        if entry.position is not None:
            by_place[entry.position] += entry.points or NOTHING
    due = sum((scale.at(place) for place in by_place), NOTHING)
    paid = sum((entry.points or NOTHING for entry in entries), NOTHING)
    lacking = sorted(scale.at(place) - points for place, points in by_place.items() if points < scale.at(place))
    allowed = {due, due + FASTEST_LAP} if scale.fastest_lap_places else {due}
    if 0 < len(lacking) <= UNPAID_AT_MOST:
        allowed |= {total - sum(lacking, NOTHING) for total in allowed}
    tolerance = ROUNDED if season < FIRST_TABLED_SEASON else NOTHING
    if all(abs(paid - total) > tolerance for total in allowed):
        yield f"{plain(paid)} points paid, but the season's rule gives {plain(due)}"


def _unlike(entry: Entry, due: str) -> str:
    where = f"place {entry.position}" if entry.position is not None else "no place"
    return f"{name_of(entry)} has {plain(entry.points or NOTHING)} points for {where}, which pays {due}"
