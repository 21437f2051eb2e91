"""Differences between published and computed standings, and their merging. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.kinds import Source
from core.records import Standing
from core.text import plain

FIRST_LISTED_SEASON = 2000
"""The first season whose tables, from every source, also list classified competitors without points. Places are
compared from then on; older tables often share them."""

FIGURES = ("points", "wins", "position")


@dataclass(frozen=True)
class Difference:
    """One competitor whose published standing differs from the computed one; None: it is missing in that table."""

    ours: Standing | None
    published: Standing | None

    @property
    def competitor_id(self) -> str:
        """The driver's or team's id."""
        found = self.published or self.ours
        assert found is not None
        return found.competitor_id

    @property
    def figures(self) -> dict[str, Any]:
        """Both sides' figures, as JSON."""
        return {
            "competitor_id": self.competitor_id,
            **{name: _figures(standing) for name, standing in (("ours", self.ours), ("published", self.published))},
        }

    def __str__(self) -> str:
        if self.ours is None:
            return f"{self.competitor_id}: not in our results"
        if self.published is None:
            return f"{self.competitor_id}: not published"
        unlike = [
            f"{name} {plain(own)} by results, {plain(theirs)} published"
            for name in FIGURES
            if (own := getattr(self.ours, name)) != (theirs := getattr(self.published, name))
        ]
        return f"{self.competitor_id}: {'; '.join(unlike)}"


def differences(season: int, computed: Sequence[Standing], published: Sequence[Standing]) -> list[Difference]:
    """The differences of the published standings, in their order; then those of unpublished competitors.

    Competitors with neither points nor a place may be missing. Before 2000 places are not compared.
    """
    ours = {standing.competitor_id: standing for standing in computed}
    pairs = [Difference(ours.pop(theirs.competitor_id, None), theirs) for theirs in published]
    pairs += [Difference(own, None) for own in ours.values()]
    return [pair for pair in pairs if _compared(season, pair.ours) != _compared(season, pair.published)]


def merged(computed: Sequence[Standing], published: Sequence[Standing]) -> list[Standing]:
    """The published standings unchanged, then the competitors that only our results have.

    Results may be ahead of the published table: a competitor that it lacks keeps our points, but has no position, since
    the published ones are used.
    """
    known = {standing.competitor_id for standing in published}
    theirs = [standing.model_copy(update={"source": Source.JOLPICA.value}) for standing in published]
    if not theirs:
        return list(computed)
    return theirs + [s.model_copy(update={"position": None}) for s in computed if s.competitor_id not in known]


def _compared(season: int, standing: Standing | None) -> tuple[Any, ...] | None:
    """The figures that are compared; None for a competitor that may be missing."""
    if standing is None:
        return None
    place = standing.position if season >= FIRST_LISTED_SEASON else None
    return (standing.points, standing.wins, place) if standing.points or place else None


def _figures(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    return {"points": plain(standing.points), "wins": standing.wins, "position": standing.position}
