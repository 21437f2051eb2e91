"""The contents of a season's page, as text and drawings, in the order of its template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Classified:
    """An entry of a classification as text; `gained` is None if unknown, negative for places lost."""

    place: str
    driver: str
    team: str
    color: tuple[str, str]
    grid: str
    gained: int | None
    time: str
    points: str
    is_fastest: bool


@dataclass(frozen=True)
class Happening:
    """An event in a history: when it was known here, what it is, and what it changed."""

    at: str
    kind: str
    text: str


@dataclass(frozen=True)
class Table:
    """A session's classification, its history and, if live timing has them, its stints."""

    name: str
    state: str
    rows: Sequence[Classified]
    history: Sequence[Happening]
    is_revised: bool
    stints: Markup | None
    compounds: Sequence[str]
    is_wet: bool
    is_stopped: bool


@dataclass(frozen=True)
class Weekend:
    """An event: its place in the calendar, what was moved, and its races' outcomes."""

    anchor: str
    round: str
    name: str
    place: str
    days: str
    race_at: str
    race_utc: str
    status: str
    is_sprint: bool
    is_cancelled: bool
    moves: Sequence[Happening]
    winner: str
    winner_color: tuple[str, str]
    podium: str
    pole: str
    tables: Sequence[Table]
    is_revised: bool
    is_provisional: bool


@dataclass(frozen=True)
class Place:
    """A competitor in the championship; `gained` is since the event before, `after` its points after each."""

    place: str
    name: str
    team: str
    color: tuple[str, str]
    points: str
    behind: str
    wins: int
    gained: int
    after: Sequence[str]


@dataclass(frozen=True)
class Championship:
    """A championship: its chart, its table, and the rounds of both."""

    title: str
    chart: Markup
    rounds: Sequence[str]
    events: Sequence[str]
    places: Sequence[Place]


@dataclass(frozen=True)
class Fresh:
    """How long after a session's scheduled end its results were available."""

    session: str
    provisional: str
    official: str
    last: str


@dataclass(frozen=True)
class Page:
    """The page of a season."""

    season: int
    weekends: Sequence[Weekend]
    championships: Sequence[Championship]
    decisions: Sequence[tuple[str, str, Happening]]
    fresh: Sequence[Fresh]
    median_official: str
    slowest_official: str
    driven: int
    planned: int
    is_over: bool
    next_race: str
    held: int
    written_at: str
