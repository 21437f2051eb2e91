"""Draws a race's stints: a row per car, a column per lap. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable

import svg
from markupsafe import Markup

from flows.output.page.drawing import box, label, picture, rule
from flows.output.stints import UNKNOWN, CarStints, RaceStints

WIDTH = 360.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 4.0, 18.0, 6.0
ROW, BAR = 15.0, 11.0
LETTERED = 9.0
"""The least width of a bar that shows its compound's letter."""


def stint_chart(name: str, race: RaceStints) -> Markup:
    """The drawing of a race that has cars."""
    last: int = max([race.laps, 1, *(stint.lap_end for car in race.cars for stint in car.stints)])
    height = TOP + ROW * len(race.cars) + BOTTOM

    def x(lap: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * lap / last

    drawn: list[svg.Element] = []
    for kind, said, marked in (("rain", "rain", race.wet), ("stopped", "red flag", race.stopped)):
        for first, until in runs(marked):
            start, width = x(first - 1), x(until) - x(first - 1)
            drawn.append(box(start, TOP - 3, width, round(height - TOP), [kind], f"{said}: {_laps(first, until)}"))
    for lap in range(10, last + 1, 10):
        drawn.append(rule(x(lap), TOP - 4, x(lap), height - BOTTOM, "grid"))
        drawn.append(label(x(lap), TOP - 7, str(lap), "tick", "middle"))
    for row, car in enumerate(race.cars):
        y = TOP + ROW * row
        drawn.append(label(0, y + BAR - 1.5, car.code, "name"))
        for stint in car.stints:
            start, width = x(stint.lap_start - 1), x(stint.lap_end) - x(stint.lap_start - 1)
            compound = stint.compound or UNKNOWN
            kinds = ["tyre", compound_class(stint.compound)]
            tooltip = f"{car.code}: {compound.lower()}, {_laps(stint.lap_start, stint.lap_end)}"
            drawn.append(box(start + 0.5, y, max(width - 1, 0.5), BAR, kinds, tooltip, rx=2))
            if width >= LETTERED:
                drawn.append(label(start + 3.5, y + BAR - 2.2, compound[0], "letter"))
    return picture(WIDTH, height, name, described(race), drawn)


def compound_class(compound: str | None) -> str:
    """A compound's class in the style sheet, of letters only."""
    return "".join(filter(str.isalpha, (compound or "unknown").lower())) or "unknown"


def runs(laps: Iterable[int]) -> list[tuple[int, int]]:
    """The first and the last of each run of consecutive laps."""
    found: list[tuple[int, int]] = []
    for lap in sorted(laps):
        if found and lap == found[-1][1] + 1:
            found[-1] = found[-1][0], lap
        else:
            found.append((lap, lap))
    return found


def described(race: RaceStints) -> str:
    """The drawing in words."""
    parts = [f"{car.code}: {_stints(car)}" for car in race.cars]
    for said, marked in (("rain", race.wet), ("red flag", race.stopped)):
        if marked:
            parts.append(f"{said} on {', '.join(_laps(*run) for run in runs(marked))}")
    return f"Tyres by lap. {'. '.join(parts)}."


def _stints(car: CarStints) -> str:
    return ", ".join(
        f"{(stint.compound or 'unknown').lower()} {_laps(stint.lap_start, stint.lap_end)}" for stint in car.stints
    )


def _laps(first: int, last: int) -> str:
    return f"lap {first}" if first == last else f"laps {first} to {last}"
