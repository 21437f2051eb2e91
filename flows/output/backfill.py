"""A backfill's progress, and the lines and the table about its outcome."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self

from prefect.artifacts import create_table_artifact
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from core.errors import DatabaseError
from core.rules.history import Backfilled
from core.rules.timing.listed import BackfilledRace, RaceDue
from core.text import counted, time_of_day
from core.upsert.ledger import Ledger
from flows.output.artifacts import best_effort
from flows.output.progress import Progress
from flows.output.text import say

logger = logging.getLogger("flows.backfill")


class Things(NamedTuple):
    """What a backfill brings: the word for one item, and the artifacts' key."""

    noun: str
    key: str


SEASONS, RACES = Things("season", "history"), Things("race", "laps")


class BackfillProgress(Progress):
    """Shows, inside the context, which items are done, their rows, and the requests left in this hour."""

    least = 1

    def __init__(self, things: Things, names: Sequence[str], ledger: Ledger) -> None:
        super().__init__(len(names), f"{things.noun}s")
        self.key = f"{things.key}-progress"
        self.description = counted(self.total, things.noun)
        self._things = things
        self._names = names
        self._ledger = ledger
        self._backfilled: list[Backfilled | BackfilledRace] = []

    def __enter__(self) -> Self:
        super().__enter__()
        self.fetched()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        if self.artifact is not None:
            self._show_table()

    def made_bar(self) -> Bar:
        """The bar in the terminal, which names the current item."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[more]}"),
        )
        bar = Bar(*columns, console=Console(stderr=True), transient=True, expand=True)
        bar.add_task(self._names[0], total=self.total, more=self.what)
        return bar

    def fetched(self) -> None:
        """Count another page."""
        if self.bar is None:
            return
        try:
            left = f", {counted(self._ledger.left(), 'request')} left"
        except DatabaseError:  # this is only for display; a step that needs the database reports the error
            left = ""
        self._show(self.bar, left)

    def done(self, backfilled: Backfilled | BackfilledRace) -> None:
        """Count an item that is done or has failed."""
        self._backfilled.append(backfilled)
        level = logging.WARNING if backfilled.failure else logging.INFO
        which: dict[str, Any] = (
            {"session": backfilled.session_id}
            if isinstance(backfilled, BackfilledRace)
            else {"season": backfilled.season}
        )
        logger.log(level, "%s", backfilled_line(backfilled), extra=which)
        for note in backfilled.notes:
            logger.warning("%s", note)
        self.step()

    def show_count(self) -> None:
        """Show how many are done, and their rows."""
        if self.artifact is not None:
            self.update(self.artifact)
        self.fetched()

    def waits(self, until: datetime | None) -> None:
        """Show until when the run waits for its next request; None: it goes on."""
        if until is None:
            self.fetched()
            return
        goes_on = f"goes on at {time_of_day(until)}"
        if self.bar is None:
            done = f"{self.count} of {self.description} done"
            logger.info("no request to Jolpica is left for now: %s; %s", goes_on, done)
        else:
            self._show(self.bar, f", {goes_on}")

    def _show(self, bar: Bar, more: str) -> None:
        rows = sum(
            one.laps + one.pit_stops if isinstance(one, BackfilledRace) else one.entries for one in self._backfilled
        )
        name = self._names[min(self.count, self.total - 1)]
        bar.update(bar.task_ids[0], completed=self.count, description=name, more=f"{self.what}, {rows:,} rows{more}")

    @best_effort
    def _show_table(self) -> None:
        table, said = backfill_table(self._backfilled), f"the {self.what} of this run"
        create_table_artifact(table, key=self._things.key, description=said)


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
    lines = ["nothing to do: the history of these seasons is complete"]
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
