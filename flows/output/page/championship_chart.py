"""Draws the championship round by round: points after each event, a line per competitor. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import svg
from markupsafe import Markup

from core.text import plain
from flows.output.page.drawing import label, picture, rule, title

WIDTH, HEIGHT = 400.0, 400.0
LEFT, TOP, BOTTOM = 30.0, 14.0, 26.0
NAMED = 10
"""How many competitors, best first, are named at their lines' ends."""

APART = 14.0
"""The distance between names."""

LETTER, LEADER, VALUE = 7.0, 14.0, 34.0
"""The widths of a letter in a name, of the line to the name, and of the points."""

TICKS = (5, 10, 20, 25, 50, 100, 200, 250)
MOST_TICKS = 6
MOST_ROUNDS_NAMED = 13
DASHES = ("", "dashed", "dotted")
"""The line styles of a team's drivers, best first."""


@dataclass(frozen=True)
class Line:
    """A competitor's points after each round; None before its first. `color` is for a light and a dark page."""

    name: str
    short: str
    color: tuple[str, str]
    dash: int
    points: Sequence[Decimal | None]


def championship_chart(name: str, rounds: Sequence[str], lines: Sequence[Line]) -> Markup:
    """The drawing; `rounds` are its labels, `lines` the best competitor first."""
    most = max((points for line in lines for points in line.points if points is not None), default=Decimal(0))
    step = next((tick for tick in TICKS if most / tick <= MOST_TICKS), TICKS[-1])
    top = max(math.ceil(most / step), 1) * step

    named = [line for line in lines[:NAMED] if line.points and line.points[-1] is not None]
    right = WIDTH - LEADER - VALUE - LETTER * max((len(line.short) for line in named), default=0)

    def x(index: int) -> float:
        return LEFT + (right - LEFT) * index / max(len(rounds), 1)

    def y(points: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * points / top

    drawn: list[svg.Element] = []
    for tick in range(0, top + 1, step):
        drawn.append(rule(LEFT, y(tick), right, y(tick), "grid"))
        drawn.append(label(LEFT - 5, y(tick) + 4, str(tick), "tick", "end"))
    every = math.ceil(len(rounds) / MOST_ROUNDS_NAMED)
    for index, text in enumerate(rounds, 1):
        if (len(rounds) - index) % every == 0:
            drawn.append(label(x(index), HEIGHT - 8, text, "tick", "middle"))
    for line in reversed(lines):
        drawn.append(
            _curve(
                line,
                [(x(index), y(float(p))) for index, p in enumerate((Decimal(0), *line.points)) if p is not None],
                faint=line not in lines[:NAMED],
            )
        )
    places = spread([y(float(line.points[-1] or 0)) for line in named], APART, HEIGHT - BOTTOM)
    for line, place in zip(named, places, strict=True):
        end = y(float(line.points[-1] or 0))
        drawn.append(_styled(rule(x(len(rounds)) + 2, end, right + LEADER - 3, place, "leader"), line))
        drawn.append(label(right + LEADER, place + 4, line.short, "name"))
        drawn.append(label(WIDTH, place + 4, _last(line), "value", "end"))
    return picture(WIDTH, HEIGHT, name, described(rounds, lines), drawn)


def _curve(line: Line, corners: Sequence[tuple[float, float]], *, faint: bool) -> svg.Element:
    data: list[svg.PathData] = [
        (svg.L if number else svg.M)(round(x, 1), round(y, 1)) for number, (x, y) in enumerate(corners)
    ]
    classes = ["line", *filter(None, [DASHES[min(line.dash, len(DASHES) - 1)], "faint" if faint else ""])]
    path = svg.Path(d=data, class_=classes, elements=[title(f"{line.name}: {_last(line)} points")])
    return _styled(path, line)


def _styled(element: svg.Element, line: Line) -> svg.Element:
    light, dark = line.color
    element.style = f"--light:{light};--dark:{dark}"
    return element


def spread(wanted: Sequence[float], apart: float, lowest: float) -> list[float]:
    """Places near the wanted ones, in order, at least `apart` from each other, none below `lowest`."""
    places: list[float] = []
    for place in wanted:
        places.append(max(place, places[-1] + apart) if places else place)
    limit = lowest
    for index in reversed(range(len(places))):
        places[index] = min(places[index], limit)
        limit = places[index] - apart
    return places


def described(rounds: Sequence[str], lines: Sequence[Line]) -> str:
    """The drawing in words."""
    if not rounds:
        return "No round has been driven yet."
    ends = "; ".join(f"{line.name} {_last(line)}" for line in lines[:NAMED])
    return f"Points after each of {len(rounds)} events, at the end: {ends}."


def _last(line: Line) -> str:
    return plain(next((points for points in reversed(line.points) if points is not None), Decimal(0)))
