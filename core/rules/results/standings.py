"""Computes a championship's standings after each round from results. Pure.

`season_rules.py` has what counts, applied after each round as if the season ended there: after two
rounds, 'best four' counts both.
Places and ties are as Jolpica's, checked for every recorded round in `tests/test_season_rules.py`.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from core.bounds import Line, PointsNumber, Season
from core.bounds import Round as RoundNumber
from core.kinds import SessionKind
from core.records import Competitor, Entry, Event, Record, Standing
from core.rules.results.points import NOTHING, SCORING
from core.rules.results.season_rules import INDIANAPOLIS, ChampionshipRule, rules_of

FROM_RESULTS = "results"
"""The `source` of a computed standing."""

UNPLACED = 1_000_000
"""Worse than every place. Ends each list, so the longer of two lists with equal beginnings sorts first."""


class Adjustment(Record):
    """A decision about one competitor of a championship: a row of `championship_adjustments`.

    It applies from its round on, with None to every round. `points` are added to those from results; a deduction is
    negative. An excluded competitor has no place, and keeps its points.
    """

    season: Season
    round: RoundNumber | None
    competitor: Competitor
    competitor_id: Line
    points: PointsNumber = Decimal(0)
    is_excluded: bool = False
    reason: str
    source: str

    def holds_after(self, round_number: int) -> bool:
        """Whether it applies to the standings after a round."""
        return self.round is None or self.round <= round_number


def adjusted(
    points: Mapping[str, Decimal], adjustments: Iterable[Adjustment], round_number: int
) -> tuple[dict[str, Decimal], set[str]]:
    """A championship's points by competitor after a round, with adjustments, and the excluded competitors.

    Points are never less than zero. A competitor that entered no race has no standing to adjust.
    """
    found, excluded = dict(points), set[str]()
    for one in adjustments:
        if one.competitor_id in found and one.holds_after(round_number):
            found[one.competitor_id] = max(found[one.competitor_id] + one.points, NOTHING)
            if one.is_excluded:
                excluded.add(one.competitor_id)
    return found, excluded


class Scored(NamedTuple):
    """An entry's car and the fields that count for a championship."""

    car_number: str
    driver_id: str | None
    team_id: str | None
    listed_position: int | None
    position: int | None
    points: Decimal | None


class RoundResult(NamedTuple):
    """The entries of one race or sprint."""

    kind: SessionKind
    entries: Sequence[Scored | Entry]


class RoundEvent(NamedTuple):
    """The fields of an event that its standings need."""

    id: str
    season: int
    round: int | None
    first_date: date
    circuit_id: str | None = None

    @classmethod
    def of(cls, event: Event) -> RoundEvent:
        """An event's fields."""
        return cls(*(getattr(event, name) for name in cls._fields))

    @property
    def in_order(self) -> tuple[date, str]:
        """The sort key of a season's events."""
        return (self.first_date, self.id)


class Round(NamedTuple):
    """An event with the official results of its sprint and race, if there are any."""

    event: RoundEvent
    results: Sequence[RoundResult] = ()


def rounds_of(events: Iterable[RoundEvent], results: Mapping[str, Sequence[RoundResult]]) -> list[Round]:
    """A season's events in order, each with its results; `results` is by event id."""
    return [Round(event, results.get(event.id, ())) for event in sorted(events, key=lambda event: event.in_order)]


Tables = Mapping[Competitor, Sequence[Standing]]
"""The standings of each championship, best first."""


class _Score:
    """One competitor's season so far: `placed` has its places in races with rounds, `listed` its listed positions.

    `counted` has the results that count in each part, the least first, if not all rounds do.
    """

    __slots__ = ("counted", "listed", "placed", "points", "wins")

    def __init__(self, parts: int) -> None:
        self.points = NOTHING
        self.wins = 0
        self.counted: list[list[Decimal]] = [[] for _ in range(parts)]
        self.placed: list[tuple[int, int]] = []
        self.listed: list[int] = []

    def in_order(self) -> tuple[list[int], list[tuple[int, int]], list[int]]:
        """The sort key for equal points: most wins, most second places and so on; then who had the best of those places
        first; then the best listed position."""
        self.placed.sort()
        self.listed.sort()
        return ([*[place for place, _ in self.placed], UNPLACED], self.placed, self.listed)

    def score(self, part: int, best: int, gained: Decimal) -> None:
        """Add a round's points to a part; only its `best` rounds count, so the least one beyond them is dropped."""
        counted = self.counted[part]
        insort(counted, gained)
        self.points += gained
        if len(counted) > best:
            self.points -= counted.pop(0)


class _Championship:
    def __init__(self, rule: ChampionshipRule, adjustments: Iterable[Adjustment]) -> None:
        self.rule = rule
        self.adjustments = [one for one in adjustments if one.competitor == rule.competitor]
        self.scores: dict[str, _Score] = {}

    def add(self, event: RoundEvent, results: Iterable[RoundResult]) -> None:
        """Count a round's races and sprints; an entry without id (timing's unknown driver) has no standing."""
        rule, scores = self.rule, self.scores
        if not rule.counts_indianapolis and event.circuit_id == INDIANAPOLIS:
            return
        number, is_drivers, gained = event.round or 0, rule.competitor == "driver", dict[str, Decimal]()
        for result in results:
            is_race = result.kind is SessionKind.RACE
            for entry in result.entries:
                competitor_id = entry.driver_id if is_drivers else entry.team_id
                if competitor_id is None:
                    continue
                score = scores.get(competitor_id)
                if score is None:
                    score = scores[competitor_id] = _Score(len(rule.parts))
                if is_race:
                    if entry.position is not None:
                        score.placed.append((entry.position, number))
                        score.wins += entry.position == 1
                    if entry.listed_position is not None:
                        score.listed.append(entry.listed_position)
                points = entry.points if rule.at_most is None else self._paid(entry, rule.at_most)
                if points:
                    before = gained.get(competitor_id, NOTHING)
                    gained[competitor_id] = before + points if rule.counts_all_cars else max(before, points)
        part = rule.part_of(number)
        best = rule.parts[part].best
        for competitor_id, points in gained.items():
            if best is None:
                scores[competitor_id].points += points
            else:
                scores[competitor_id].score(part, best, points)

    def standings(self, round_number: int) -> list[Standing]:
        """The standings after a round, best first, of every competitor that entered a race or sprint."""
        points = {id_: score.points for id_, score in self.scores.items()}
        points, excluded = adjusted(points, self.adjustments, round_number)
        ranked = sorted((id_ in excluded, -points[id_], score.in_order(), id_) for id_, score in self.scores.items())
        return [
            Standing(
                competitor_id=id_,
                position=place if not is_excluded and (points[id_] or self.scores[id_].placed) else None,
                points=points[id_],
                wins=self.scores[id_].wins,
                source=FROM_RESULTS,
            )
            for place, (is_excluded, _, _, id_) in enumerate(ranked, start=1)
        ]

    @staticmethod
    def _paid(entry: Scored | Entry, at_most: Sequence[Decimal]) -> Decimal:
        """An entry's points, limited if its place pays less in this championship than in the drivers'."""
        place = entry.position
        return min(entry.points or NOTHING, at_most[place - 1]) if place and place <= len(at_most) else NOTHING


def standings_after(
    rounds: Sequence[Round], adjustments: Iterable[Adjustment] = (), from_event: str | None = None
) -> list[tuple[RoundEvent, dict[Competitor, list[Standing]]]]:
    """A season's championships after each round that has results, from an event on (None: from the first).

    Sprints give points, but neither wins nor countback. A competitor without points that was never classified in a race
    has no place, and is in the order of listing; an excluded one has none, and is listed last.

    Args:
        rounds: the season's events in order, including those without results: the number of rounds decides what counts.
        adjustments: the season's.
    """
    if not rounds:
        return []
    season, of_season = rounds[0].event.season, sum(one.event.round is not None for one in rounds)
    given = list(adjustments)
    championships = [_Championship(rule, given) for rule in rules_of(season, of_season)]
    found: list[tuple[RoundEvent, dict[Competitor, list[Standing]]]] = []
    is_wanted = from_event is None
    for event, results in rounds:
        is_wanted = is_wanted or event.id == from_event
        scoring = [result for result in results if result.kind in SCORING]
        if not scoring:
            continue
        for championship in championships:
            championship.add(event, scoring)
        if is_wanted:
            tables = {each.rule.competitor: each.standings(event.round or 0) for each in championships}
            found.append((event, tables))
    return found


def with_result(rounds: Sequence[Round], event_id: str, kind: SessionKind, entries: Sequence[Entry]) -> list[Round]:
    """The rounds, with these entries as the result of an event's race or sprint."""
    found = []
    for one in rounds:
        if one.event.id == event_id:
            others = [result for result in one.results if result.kind is not kind]
            one = Round(one.event, [*others, RoundResult(kind, entries)])
        found.append(one)
    return found
