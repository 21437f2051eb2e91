"""The lines and the table about a backfill's outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from core.rules.history import Backfilled
from core.rules.timing.listed import BackfilledRace, RaceDue
from core.text import counted
from flows.output.text import say


def backfilled_line(backfilled: Backfilled | BackfilledRace) -> str:
    """The outcome for one season, or for one race's laps, in one line."""
    if backfilled.failure:
        return f"{backfilled.name}: failed: {backfilled.failure}"
    if isinstance(backfilled, BackfilledRace):
        return f"{backfilled.name}: {_laps_and_stops([backfilled])} added"
    return f"{backfilled.name}: {counted(backfilled.events, 'event')}, {_results([backfilled])} added"


def races_due_line(due: Sequence[RaceDue], share: int) -> str:
    """The requests that a backfill of laps will make at `share` pages an hour, in one line."""
    if not due:
        return "no race of these seasons lacks laps or pit stops that Jolpica may have"
    pages = sum(race.pages for race in due)
    hours = counted(max(math.ceil(pages / share), 1), "hour")
    return f"laps and pit stops of {counted(len(due), 'race')}: about {pages:,} pages, {hours} at {share} an hour"


def backfill_lines(backfilled: Sequence[Backfilled | BackfilledRace]) -> list[str]:
    """A backfill's summary: a line for its seasons, and one for races if it brought laps."""
    seasons = [one for one in backfilled if isinstance(one, Backfilled)]
    races = [one for one in backfilled if isinstance(one, BackfilledRace)]
    lines = ["nothing to do: the history of these seasons is whole"]
    if seasons:
        lines = [f"{_done('season', seasons)}: {_results(seasons)} added"]
    if races:
        lines.append(f"{_done('race', races)}: {_laps_and_stops(races)} added")
    return lines


def _done(noun: str, backfilled: Sequence[Backfilled] | Sequence[BackfilledRace]) -> str:
    failed = sum(bool(one.failure) for one in backfilled)
    return f"{counted(len(backfilled) - failed, noun)} done{f', {failed} failed' if failed else ''}"


def _results(seasons: Sequence[Backfilled]) -> str:
    results, entries = sum(one.results for one in seasons), sum(one.entries for one in seasons)
    return f"{counted(results, 'result')} with {counted(entries, 'entry', 'entries')}"


def _laps_and_stops(races: Sequence[BackfilledRace]) -> str:
    laps, stops = sum(one.laps for one in races), sum(one.pit_stops for one in races)
    if not laps + stops:
        return "nothing"
    return f"{counted(laps, 'lap')} and {counted(stops, 'pit stop')}"


def backfill_table(backfilled: Sequence[Backfilled | BackfilledRace]) -> list[dict[str, Any]]:
    """The outcome as a table, one row per season or race."""
    return [
        {"race": one.name, "laps added": one.laps or "", "pit stops added": one.pit_stops or "", "failure": one.failure}
        if isinstance(one, BackfilledRace)
        else {
            "season": one.season,
            "events": one.events or "",
            "results added": one.results or "",
            "entries added": one.entries or "",
            "failure": one.failure,
        }
        for one in backfilled
    ]


def print_backfilled(backfilled: Sequence[Backfilled | BackfilledRace]) -> None:
    """Print a backfill's summary."""
    say(*backfill_lines(backfilled))
