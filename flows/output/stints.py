"""A race's stints, read from the database, and as a chart in the terminal: a row per car, a column per lap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rich.text import Text
from sqlalchemy import Connection, Row, select

from core.database import Database
from core.timing_schema import entries, laps, stints, weather
from flows.output.text import styled

COLORS = {"SOFT": "red", "MEDIUM": "yellow", "HARD": "white", "INTERMEDIATE": "green", "WET": "blue"}
UNKNOWN = "?"
LABEL = 5
"""Characters before the first lap."""

RED_FLAG = "5"
"""Live timing's digit for a red flag in a lap's track status."""


@dataclass(frozen=True)
class CarStints:
    """A car's stints: its driver's code or its number, and rows of `stints` in order."""

    code: str
    stints: Sequence[Row[Any]]


@dataclass(frozen=True)
class RaceStints:
    """A race's stints, the cars in the order of their last laps.

    `laps` is how many laps the leader drove, `wet` those on which it rained, `stopped` those on which the race was
    stopped.
    """

    cars: Sequence[CarStints]
    laps: int
    wet: frozenset[int]
    stopped: frozenset[int]


def read_stints(connection: Connection, session_id: str) -> RaceStints:
    """A race's known stints; without cars if there are none."""
    driven = connection.execute(
        select(laps.c.car_number, laps.c.lap, laps.c.position, laps.c.started_at, laps.c.track_status)
        .where(laps.c.session_id == session_id)
        .order_by(laps.c.lap)
    ).all()
    of_car: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for stint in connection.execute(select(stints).where(stints.c.session_id == session_id).order_by(stints.c.stint)):
        of_car[stint.car_number].append(stint)
    driver_codes = select(entries.c.car_number, entries.c.driver_code).where(entries.c.session_id == session_id)
    codes = dict(connection.execute(driver_codes).tuples().all())
    rain = connection.scalars(
        select(weather.c.at).where(weather.c.session_id == session_id, weather.c.is_raining.is_(True))
    ).all()
    ahead = [lap for lap in driven if lap.position == 1]
    return RaceStints(
        cars=[CarStints(codes.get(car) or car, of_car[car]) for car in _in_order(driven)],
        laps=len(ahead),
        wet=frozenset(
            lap.lap
            for lap, after in pairwise(ahead)
            if lap.started_at and after.started_at and any(lap.started_at <= at < after.started_at for at in rain)
        ),
        stopped=frozenset(lap.lap for lap in ahead if RED_FLAG in (lap.track_status or "")),
    )


def stint_chart(database: Database, session_id: str) -> list[Text]:
    """A line per car in the order of the last laps; each stint is its compound's letter and a rule to its last lap.

    The laps are above, the leader's laps with rain or a stopped race below.
    """
    with database.reading() as connection:
        race = read_stints(connection, session_id)
    lines = [styled(("laps".ljust(LABEL) + _scale(race.laps), "dim"))]
    lines += [_line(car) for car in race.cars]
    lines.append(styled(("rain".ljust(LABEL) + _marks(race.laps, race.wet, "~"), "cyan")))
    lines.append(styled(("red".ljust(LABEL) + _marks(race.laps, race.stopped, "▲"), "red")))
    return lines


def _in_order(driven: Sequence[Row[Any]]) -> list[str]:
    """The cars by completed laps, then by their position on the last of them."""
    last = {lap.car_number: (-lap.lap, lap.position) for lap in driven if lap.position is not None}
    return sorted(last, key=lambda car: last[car])


def _line(car: CarStints) -> Text:
    parts = []
    for stint in car.stints:
        compound = stint.compound or UNKNOWN
        length = stint.lap_end - stint.lap_start
        parts.append((compound[0] + "━" * length, COLORS.get(compound, "")))
    return styled(car.code.ljust(LABEL), *parts)


def _scale(count: int) -> str:
    """Every tenth lap's number, ending at its lap."""
    return "".join(str(lap).rjust(10) for lap in range(10, count + 1, 10))


def _marks(count: int, marked: frozenset[int], mark: str) -> str:
    return "".join(mark if lap in marked else " " for lap in range(1, count + 1)).rstrip()
