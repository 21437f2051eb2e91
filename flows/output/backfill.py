"""The progress of a backfill: a bar in the terminal, artifacts in Prefect's UI, otherwise log lines."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self

from prefect.artifacts import create_table_artifact
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from core.errors import DatabaseError
from core.rules.history import Backfilled
from core.rules.timing.listed import BackfilledRace
from core.text import counted, time_of_day
from core.upsert.ledger import Ledger
from flows.output.artifacts import best_effort
from flows.output.backfilled import backfill_table, backfilled_line
from flows.output.progress import Progress

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
        except DatabaseError:  # this is only display; a step that needs the database reports it
            left = ""
        self._show(self.bar, left)

    def done(self, backfilled: Backfilled | BackfilledRace) -> None:
        """Count an item that is done or has failed."""
        self.count += 1
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
        if self.artifact is not None:
            self.update(self.artifact)
        self.fetched()

    def waits(self, until: datetime | None) -> None:
        """Show that the run waits until a moment for its next request; None: it goes on."""
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
