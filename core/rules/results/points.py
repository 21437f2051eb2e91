"""The points for each place in a Formula 1 World Championship session, by season. Pure data and lookups.

Points are drivers' points as `Decimal`, tables start with first place. Sources: the FIA's Sporting Regulations, as
listed in Wikipedia's "List of Formula One World Championship points scoring systems"; for 2022's graded tables
formula1.com ("F1 Commission approves changes to Sporting Regulations").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from core.bounds import FIRST_SEASON
from core.kinds import RACED, SessionKind

T = TypeVar("T")

SCORING = RACED
"""The sessions that pay points."""

FIRST_TEAM_SEASON = 1958
"""The first season with a constructors' championship."""

FIRST_TABLED_SEASON = 1960
"""The first season whose tables give all points. Until 1957 the drivers of a shared car divided its place's points, and
until 1959 those who shared the fastest lap divided its point (seven at Silverstone 1954, two at Aintree 1959)."""

FIRST_UNDROPPED_SEASON = 1991
"""The first season in which every round counts; before, only a driver's best results."""


@dataclass(frozen=True)
class Scale:
    """A session's points by place, and the last place that can earn the fastest lap's point (0: none)."""

    places: tuple[Decimal, ...]
    fastest_lap_places: int = 0

    def at(self, position: int | None) -> Decimal:
        """The points of a place without the fastest lap's; places count from 1, None is unclassified."""
        return self.places[position - 1] if position is not None and position <= len(self.places) else NOTHING

    def pays_fastest_lap(self, position: int | None) -> bool:
        """Whether the fastest lap earns a point in that place."""
        return position is not None and position <= self.fastest_lap_places

    @property
    def values(self) -> frozenset[Decimal]:
        """Every number of points that one entry may have."""
        with_lap = {self.at(place) + FASTEST_LAP for place in range(1, self.fastest_lap_places + 1)}
        return frozenset({NOTHING, *self.places} | with_lap)


def _table(points: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(number) for number in points.split("-"))


NOTHING = Decimal(0)
FASTEST_LAP = Decimal(1)

RACE_TABLES = {
    1950: _table("8-6-4-3-2"),
    1960: _table("8-6-4-3-2-1"),
    1961: _table("9-6-4-3-2-1"),
    1991: _table("10-6-4-3-2-1"),
    2003: _table("10-8-6-5-4-3-2-1"),
    2010: _table("25-18-15-12-10-8-6-4-2-1"),
}
SPRINT_TABLES = {1950: (), 2021: _table("3-2-1"), 2022: _table("8-7-6-5-4-3-2-1")}
"""By the first season in which they apply."""

FASTEST_LAP_SEASONS = (range(1950, 1960), range(2019, 2025))
FASTEST_LAP_PLACES = 10
"""From 2019 to 2024 only the first ten could earn the fastest lap's point."""

HALF_POINTS_SEASONS = range(1975, 2022)
"""Races stopped early may pay half in these seasons: the first was Spain 1975, the last Belgium 2021."""

DOUBLE_POINTS_SEASONS = range(2014, 2015)
"""Abu Dhabi 2014, the season's last race, paid double."""

FIRST_GRADED_SEASON = 2022
GRADED_SCALES = (
    # Up to 75, 50 and 25 % of the distance; the fastest lap needs half of it.
    (_table("19-14-12-9-8-6-5-3-2-1"), True),
    (_table("13-10-8-6-5-4-3-2-1"), False),
    (_table("6-4-3-2-1"), False),
)


def race_points(season: int) -> tuple[Decimal, ...]:
    """The points of a race that goes its full distance, without the fastest lap's."""
    return in_force(RACE_TABLES, season)


def scales(season: int, kind: SessionKind) -> tuple[Scale, ...]:
    """All scales that such a session may have since 1960, the usual one first; none for sessions without points."""
    if kind is SessionKind.SPRINT:
        places = in_force(SPRINT_TABLES, season)
        return (Scale(places),) if places else ()
    if kind is not SessionKind.RACE:
        return ()
    places = race_points(season)
    last = FASTEST_LAP_PLACES if any(season in seasons for seasons in FASTEST_LAP_SEASONS) else 0
    found = [Scale(places, last)]
    if season in DOUBLE_POINTS_SEASONS:
        found.append(Scale(tuple(points * 2 for points in places)))
    if season in HALF_POINTS_SEASONS:
        found.append(Scale(tuple(points / 2 for points in places)))
    if season >= FIRST_GRADED_SEASON:
        found.extend(Scale(graded, last if lap else 0) for graded, lap in GRADED_SCALES)
    return tuple(found)


def most_points(season: int, kind: SessionKind) -> Decimal:
    """The most points that one entry can have; true before 1960 too, since shared drives only divide points."""
    return max((points for scale in scales(season, kind) for points in scale.values), default=NOTHING)


def in_force(tables: Mapping[int, T], season: int) -> T:
    """The value for a season, from values by the first season in which they apply."""
    if season < FIRST_SEASON:
        raise ValueError(f"there was no World Championship in {season}")
    return tables[max(first for first in tables if first <= season)]
