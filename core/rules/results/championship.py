"""Whether a published championship table is plausible: it is accepted whole or not at all. Pure functions.

It is compared with the standings from our official results up to then. One or two competitors may have fewer points
(Racing Point 2020, Force India 2018; McLaren 2007 has none). A correction that only one side has so far moves points
between competitors, but the total does not grow. Every recorded table passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter

from core.kinds import SessionKind
from core.records import Competitor, Standing
from core.rules.results.disagreements import FIRST_LISTED_SEASON
from core.rules.results.points import FIRST_TEAM_SEASON, FIRST_UNDROPPED_SEASON, NOTHING, most_points, race_points
from core.text import plain

ADJUSTED_AT_MOST = 2
"""How many competitors of a table may have lost points or been excluded (Benetton and Williams, Brazil 1995)."""

FIRST_SINGLE_TEAM_SEASON = 1979
"""Before 1979 a chassis with another engine was another constructor; some sources have one id for both."""

CORRECTED_PLACES = 2
"""How many places a correction may move a competitor up: two, if two ahead are disqualified."""

CARS_OF_A_TEAM = 2

REASONS_SHOWN = 3


@dataclass(frozen=True)
class Table:
    """A published table, and the standings from our results: `computed`, without the sessions that are `unseen`."""

    season: int
    competitor: Competitor
    published: Sequence[Standing]
    computed: Sequence[Standing]
    unseen: Sequence[SessionKind]

    @property
    def ours(self) -> dict[str, Standing]:
        """The computed standings by competitor."""
        return {standing.competitor_id: standing for standing in self.computed}

    @property
    def placed(self) -> list[tuple[int, Standing]]:
        """The published standings with a place, by place."""
        found = [(standing.position, standing) for standing in self.published if standing.position is not None]
        return sorted(found, key=lambda one: one[0])

    @property
    def missing(self) -> list[Standing]:
        """Our competitors that are missing from the table but should be in it."""
        listed = {standing.competitor_id for standing in self.published}
        counts = attrgetter("position") if self.season >= FIRST_LISTED_SEASON else attrgetter("points")
        return [own for own in self.computed if own.competitor_id not in listed and counts(own)]

    @property
    def balances(self) -> list[tuple[Decimal, str]]:
        """How many more points each competitor has than in our results, least first."""
        ids = {standing.competitor_id for standing in self.published} | set(self.ours)
        has = {standing.competitor_id: standing.points for standing in self.published}
        return sorted((has.get(one, NOTHING) - self.scored(one), one) for one in ids)

    def scored(self, competitor_id: str) -> Decimal:
        """A competitor's points in our results."""
        own = self.ours.get(competitor_id)
        return own.points if own else NOTHING

    @property
    def unseen_points(self) -> Decimal:
        """The most that one competitor can have scored in the sessions whose results are missing here."""
        cars = CARS_OF_A_TEAM if self.competitor == "team" else 1
        return sum((most_points(self.season, kind) for kind in self.unseen), NOTHING) * cars


Rule = Callable[[Table], Iterator[str]]
"""Yields a reason for each fault it finds."""


def competitors(season: int) -> tuple[Competitor, ...]:
    """The championships of a season."""
    return ("driver", "team") if season >= FIRST_TEAM_SEASON else ("driver",)


def examine_table(table: Table, *, by_figures: bool = True) -> list[str]:
    """Why a published table is rejected, in the rules' order; empty if it is accepted.

    `by_figures`: check points and wins against ours too, not only its form and competitors.
    """
    return [reason for rule in RULES if by_figures or rule not in FIGURES for reason in rule(table)]


def reason_of(reasons: Sequence[str]) -> str:
    """Reasons in one line; only the first if there are many."""
    more = [f"and {len(reasons) - REASONS_SHOWN} more"] if len(reasons) > REASONS_SHOWN else []
    return "; ".join([*reasons[:REASONS_SHOWN], *more])


def best_placed(published: Sequence[Standing]) -> list[Standing]:
    """A table with each competitor once, in its best place."""
    found: dict[str, Standing] = {}
    for standing in published:
        found.setdefault(standing.competitor_id, standing)
    return list(found.values())


def listed_twice(table: Table) -> Iterator[str]:
    """A competitor is listed more than once."""
    if table.competitor == "team" and table.season < FIRST_SINGLE_TEAM_SEASON:
        return
    times = Counter(standing.competitor_id for standing in table.published)
    yield from (f"{competitor_id} is listed {number} times" for competitor_id, number in times.items() if number > 1)


def places_not_whole(table: Table) -> Iterator[str]:
    """Two competitors share a place, or a place is missing: places run from 1 without a gap."""
    for wanted, (place, standing) in enumerate(table.placed, start=1):
        if place != wanted:
            yield f"{standing.competitor_id} in place {place}, expected place {wanted}"
            return
    if not table.placed:
        yield "no competitor has a place"


def places_contradict_points(table: Table) -> Iterator[str]:
    """A competitor has more points than one in a better place."""
    for (above, better), (place, worse) in pairwise(table.placed):
        if worse.points > better.points:
            yield (
                f"{worse.competitor_id} has {plain(worse.points)} points in place {place}, "
                f"{better.competitor_id} {plain(better.points)} in place {above}"
            )


def points_impossible(table: Table) -> Iterator[str]:
    """Points below zero, or more than our results, a correction and the missing sessions can give."""
    places = race_points(table.season)
    correction = places[0] - places[CORRECTED_PLACES]
    for theirs in table.published:
        most = table.scored(theirs.competitor_id) + correction + table.unseen_points
        if not NOTHING <= theirs.points <= most:
            yield f"{theirs.competitor_id} has {plain(theirs.points)} points (possible: 0 to {plain(most)})"


def points_unpaid(table: Table) -> Iterator[str]:
    """More points in total than all sessions paid."""
    more = sum((balance for balance, _ in table.balances), NOTHING)
    if more > 0 and not table.unseen and table.season >= FIRST_UNDROPPED_SEASON:
        names = [f"{one} {plain(balance)}" for balance, one in table.balances if balance > 0]
        yield f"{plain(more)} points more than were paid: {', '.join(names)}"


def points_lacking(table: Table) -> Iterator[str]:
    """Fewer points than were paid, beyond deductions from one or two competitors: an earlier round's table."""
    others = table.balances[ADJUSTED_AT_MOST:]
    less = -sum((balance for balance, _ in others), NOTHING)
    if less > 0 and table.season >= FIRST_UNDROPPED_SEASON:
        names = [f"{one} {plain(-balance)}" for balance, one in others if balance < 0]
        yield f"{plain(less)} points fewer than were paid: {', '.join(names)}"


def wins_impossible(table: Table) -> Iterator[str]:
    """More wins than races; one competitor may have one more than in our results, after a correction."""
    unseen = sum(kind is SessionKind.RACE for kind in table.unseen)
    for theirs in table.published:
        most = unseen + 1 + (own.wins if (own := table.ours.get(theirs.competitor_id)) else 0)
        if theirs.wins > most:
            yield f"{theirs.competitor_id} has {theirs.wins} wins (at most {most} possible)"
    wins, most = sum(s.wins for s in best_placed(table.published)), unseen + sum(s.wins for s in table.computed)
    if wins > most:
        yield f"{wins} wins (at most {most} possible)"


def never_entered(table: Table) -> Iterator[str]:
    """A competitor entered none of the races, if we have all of them; before 2000 only if it has points."""
    if not table.unseen:
        is_listed = table.season >= FIRST_LISTED_SEASON
        listed = [s.competitor_id for s in table.published if s.points or is_listed]
        unknown = [competitor_id for competitor_id in listed if competitor_id not in table.ours]
        yield from (f"{competitor_id} was in no race" for competitor_id in unknown)


def part_of_a_table(table: Table) -> Iterator[str]:
    """Competitors with points, or since 2000 with a classified race, are missing."""
    allowed = 0 if table.season >= FIRST_LISTED_SEASON else ADJUSTED_AT_MOST
    if len(table.missing) > allowed:
        names = ", ".join(own.competitor_id for own in table.missing)
        yield f"{len(table.published)} listed; missing: {names}"


def too_many_without_place(table: Table) -> Iterator[str]:
    """More competitors without a place, but with points or since 2000 a classified race, than were ever excluded."""
    placed = {standing.competitor_id for _, standing in table.placed}
    counted = (
        {own.competitor_id for own in table.computed if own.position} if table.season >= FIRST_LISTED_SEASON else ()
    )
    without = [
        theirs.competitor_id
        for theirs in table.published
        if theirs.competitor_id not in placed and (theirs.points or theirs.competitor_id in counted)
    ]
    if len(without) > ADJUSTED_AT_MOST:
        yield f"{len(without)} without a place: {', '.join(without)}"


RULES: tuple[Rule, ...] = (
    listed_twice,
    places_not_whole,
    places_contradict_points,
    points_impossible,
    points_unpaid,
    points_lacking,
    wins_impossible,
    never_entered,
    part_of_a_table,
    too_many_without_place,
)
FIGURES = (points_impossible, points_unpaid, points_lacking, wins_impossible)
"""The rules that compare a table's figures with ours."""
