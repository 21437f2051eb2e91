"""A championship's standings, computed from results and compared with the published ones. Pure functions.

Valid from 1991: before, only a driver's best rounds counted, as in the published standings. Positions, ties and
missing positions are as Jolpica gives them: checked for every round of 2020 and 2023 in `tests/test_standings.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from core.records import Competitor, Entry, SessionKind, Source, Standing
from core.rules.results.points import FIRST_UNDROPPED_SEASON, SCORING

FROM_RESULTS = "results"
"""The source of a computed standing."""

UNPLACED = 1_000_000
"""Behind every place, so that of two with the same best places the one with more of them is better."""


class Scored(NamedTuple):
    """The fields of an entry that count for a championship, and its car."""

    car_number: str
    driver_id: str | None
    team_id: str | None
    listed_position: int | None
    position: int | None
    points: Decimal | None


class RoundResult(NamedTuple):
    """The entries of one race or sprint."""

    round: int
    kind: SessionKind
    entries: Sequence[Scored | Entry]


class RoundEvent(NamedTuple):
    """What of an event its standings need."""

    id: str
    season: int
    round: int | None
    first_date: date

    @property
    def in_order(self) -> tuple[date, str]:
        """What orders a season's events."""
        return (self.first_date, self.id)


class Round(NamedTuple):
    """An event with the official results of its sprint and race, as far as there are any."""

    event: RoundEvent
    results: list[RoundResult]


@dataclass
class _Tally:
    """One competitor's season so far; places are those of races."""

    points: Decimal = Decimal(0)
    places: list[int] = field(default_factory=list)
    listed: list[int] = field(default_factory=list)

    @property
    def rank(self) -> tuple[Decimal, list[int], list[int]]:
        """What orders competitors: most points, then most wins, most second places and so on, then best listing."""
        return (-self.points, [*sorted(self.places), UNPLACED], sorted(self.listed))


def standings(results: Iterable[RoundResult], competitor: Competitor) -> list[Standing]:
    """The standings after these rounds, best first; every competitor that was entered in a race or sprint.

    Sprints give points, but neither wins nor countback. A competitor without points that was never classified in a
    race has no position, and is in the order of listing. One without id (timing's unknown driver) has no standing.
    """
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    for result in results:
        if result.kind not in SCORING:
            continue
        for entry in result.entries:
            competitor_id = entry.driver_id if competitor == "driver" else entry.team_id
            if competitor_id is None:
                continue
            tally = tallies[competitor_id]
            tally.points += entry.points or 0
            if result.kind is SessionKind.RACE:
                if entry.position is not None:
                    tally.places.append(entry.position)
                if entry.listed_position is not None:
                    tally.listed.append(entry.listed_position)
    ranked = sorted(tallies.items(), key=lambda item: (*item[1].rank, item[0]))
    return [
        Standing(
            competitor_id=competitor_id,
            position=place if tally.points or tally.places else None,
            points=tally.points,
            wins=tally.places.count(1),
            source=FROM_RESULTS,
        )
        for place, (competitor_id, tally) in enumerate(ranked, start=1)
    ]


def standings_after(
    rounds: Sequence[Round], event_id: str
) -> list[tuple[RoundEvent, dict[Competitor, list[Standing]]]]:
    """Both championships after an event and after each later one with results; none before 1991.

    `rounds` are in order.
    """
    event = next(one.event for one in rounds if one.event.id == event_id)
    if event.season < FIRST_UNDROPPED_SEASON:
        return []
    so_far: list[RoundResult] = []
    found: list[tuple[RoundEvent, dict[Competitor, list[Standing]]]] = []
    for one in rounds:
        so_far += one.results
        if one.results and one.event.in_order >= event.in_order:
            found.append((one.event, {"driver": standings(so_far, "driver"), "team": standings(so_far, "team")}))
    return found


def with_result(rounds: Sequence[Round], event_id: str, kind: SessionKind, entries: Sequence[Entry]) -> list[Round]:
    """The rounds, with these entries of an event's race or sprint in place of any that were there."""
    found = []
    for one in rounds:
        if one.event.id == event_id:
            others = [result for result in one.results if result.kind is not kind]
            one = Round(one.event, [*others, RoundResult(one.event.round or 0, kind, entries)])
        found.append(one)
    return found


def differences(computed: Sequence[Standing], published: Sequence[Standing]) -> list[str]:
    """Where the published standings differ, one line per competitor, in the published order."""
    ours = {standing.competitor_id: standing for standing in computed}
    said: list[str] = []
    for theirs in published:
        own = ours.pop(theirs.competitor_id, None)
        if own is None:
            said.append(f"{theirs.competitor_id}: not in our results")
            continue
        unlike = [
            f"{name} {plain(getattr(own, name))} by results, {plain(getattr(theirs, name))} published"
            for name in ("points", "wins", "position")
            if getattr(own, name) != getattr(theirs, name)
        ]
        if unlike:
            said.append(f"{theirs.competitor_id}: {'; '.join(unlike)}")
    return said + [f"{competitor_id}: not published" for competitor_id in ours]


def merged(computed: Sequence[Standing], published: Sequence[Standing]) -> list[Standing]:
    """The published standings as they are, then the competitors that only our results have, by `source`.

    Results may be ahead of the published table: a competitor that it lacks keeps our points, but has no position,
    as the published ones are taken.
    """
    known = {standing.competitor_id for standing in published}
    theirs = [standing.model_copy(update={"source": Source.JOLPICA.value}) for standing in published]
    if not theirs:
        return list(computed)
    return theirs + [s.model_copy(update={"position": None}) for s in computed if s.competitor_id not in known]


def plain(value: Decimal | int | None) -> str:
    """A number without needless zeros; a dash for none."""
    return "-" if value is None else f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
