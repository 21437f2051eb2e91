"""Deductions and exclusions that change a championship and that no result shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from core.bounds import Line, PointsNumber, Round, Season
from core.records import Competitor, Record
from core.rules.results.points import NOTHING


class Adjustment(Record):
    """A decision about one competitor of a championship: a row of `championship_adjustments`.

    It applies from its round on, with None to every round. `points` are added to those from results; a deduction is
    negative. An excluded competitor has no place, and keeps its points.
    """

    season: Season
    round: Round | None
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
