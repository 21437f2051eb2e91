"""Which results count for each season's championships, one row per rule. Pure data and lookups.

Sources: the FIA's Sporting Regulations, as listed in Wikipedia's "List of Formula One World Championship points scoring
systems". Points come from results and not from a rule, since some drivers classified in the points were given none.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from core.records import Competitor
from core.rules.results.points import FIRST_TEAM_SEASON, FIRST_UNDROPPED_SEASON, in_force, race_points


class Part(NamedTuple):
    """The rounds of a season up to `last`, or up to the next part's; only the `best` of them count (None: all)."""

    last: int | None
    best: int | None


ALL = (Part(None, None),)
"""Every round counts."""

HALVES: tuple[Part, ...] = ()
"""Two halves, the first one longer if the number of rounds is odd; all rounds of each but one count."""


def _best(number: int) -> tuple[Part, ...]:
    return (Part(None, number),)


FIRST_ALL_CARS_SEASON = 1979
"""Before, only a constructor's best car in a race scored."""

DRIVERS = {
    1950: _best(4),
    1954: _best(5),
    1958: _best(6),
    1959: _best(5),
    1960: _best(6),
    1961: _best(5),
    1963: _best(6),
    1966: _best(5),
    1967: HALVES,
    1979: (Part(7, 4), Part(None, 4)),
    1980: (Part(7, 5), Part(None, 5)),
    1981: _best(11),
    FIRST_UNDROPPED_SEASON: ALL,
}
COUNTING: dict[Competitor, dict[int, tuple[Part, ...]]] = {
    "driver": DRIVERS,
    "team": {first: ALL if first >= FIRST_ALL_CARS_SEASON else parts for first, parts in DRIVERS.items()},
}
"""Which of a competitor's rounds count, by first season; a constructor's all count since all of its cars score."""

LAST_OWN_TABLE_SEASON = 1961
"""Until then a constructor got the points of 1960's table: at most 8 for a win, and none for the fastest lap."""

INDIANAPOLIS = "indianapolis"
LAST_INDIANAPOLIS_SEASON = 1960
"""The Indianapolis 500 counted for the drivers' championship only; later races there for both."""


class ChampionshipRule(NamedTuple):
    """How one championship of one season is counted.

    `parts` are the season's, each with its last round; `at_most` is the most points for each place, where the results
    have the drivers' points and these are higher.
    """

    competitor: Competitor
    parts: tuple[Part, ...]
    counts_all_cars: bool = True
    counts_indianapolis: bool = True
    at_most: tuple[Decimal, ...] | None = None

    def part_of(self, round_number: int) -> int:
        """The index of the part that a round is in."""
        return next(n for n, part in enumerate(self.parts) if part.last is None or round_number <= part.last)


@lru_cache(maxsize=256)
def rules_of(season: int, rounds: int) -> tuple[ChampionshipRule, ...]:
    """The rules of a season's championships; `rounds` is the number of its rounds, including those to come."""
    driver = ChampionshipRule("driver", _parts("driver", season, rounds))
    if season < FIRST_TEAM_SEASON:
        return (driver,)
    team = ChampionshipRule(
        "team",
        _parts("team", season, rounds),
        counts_all_cars=season >= FIRST_ALL_CARS_SEASON,
        counts_indianapolis=season > LAST_INDIANAPOLIS_SEASON,
        at_most=race_points(min(season, 1960)) if season <= LAST_OWN_TABLE_SEASON else None,
    )
    return (driver, team)


def _parts(competitor: Competitor, season: int, rounds: int) -> tuple[Part, ...]:
    if parts := in_force(COUNTING[competitor], season):
        return parts
    first = (rounds + 1) // 2
    return (Part(first, first - 1), Part(None, rounds - first - 1))
