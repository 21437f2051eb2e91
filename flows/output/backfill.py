"""The progress of a backfill: a bar in the terminal, artifacts in Prefect's UI, otherwise log lines."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import UUID

from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
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
from flows.runtime.logs import present_flow_run

logger = logging.getLogger("flows.backfill")


class Things(NamedTuple):
    """What a backfill brings: the word for one item, and the artifacts' key."""

    noun: str
    key: str


SEASONS, RACES = Things("season", "history"), Things("race", "laps")


class BackfillProgress:
    """Shows, inside the context, which items are done, their rows, and the requests left in this hour."""

    def __init__(self, things: Things, names: Sequence[str], ledger: Ledger) -> None:
        self._things = things
        self._names = names
        self._ledger = ledger
        self._backfilled: list[Backfilled | BackfilledRace] = []
        self._artifact: UUID | None = None
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        if not self._names:
            return self
        if present_flow_run() is not None:
            self._create()
        elif sys.stderr.isatty():
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[more]}"),
            )
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True, expand=True)
            self._bar.add_task(self._names[0], total=len(self._names), more=f"{self._things.noun}s")
            self._bar.start()
            self.fetched()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._artifact is not None:
            self._show_table()

    def fetched(self) -> None:
        """Count another page."""
        if self._bar is None:
            return
        try:
            left = f", {counted(self._ledger.left(), 'request')} left"
        except DatabaseError:  # this is only display; a step that needs the database reports it
            left = ""
        self._show(f"{self._things.noun}s, {self._rows}{left}")

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
        if self._artifact is not None:
            self._update(self._artifact)
        self.fetched()

    def waits(self, until: datetime | None) -> None:
        """Show that the run waits until a moment for its next request; None: it goes on."""
        if until is None:
            self.fetched()
            return
        goes_on = f"goes on at {time_of_day(until)}"
        if self._bar is None:
            done = f"{len(self._backfilled)} of {counted(len(self._names), self._things.noun)} done"
            logger.info("no request to Jolpica is left for now: %s; %s", goes_on, done)
        else:
            self._show(f"{self._things.noun}s, {self._rows}, {goes_on}")

    @property
    def _rows(self) -> str:
        rows = (
            one.laps + one.pit_stops if isinstance(one, BackfilledRace) else one.entries for one in self._backfilled
        )
        return f"{sum(rows):,} rows"

    def _show(self, more: str) -> None:
        assert self._bar is not None
        done = len(self._backfilled)
        name = self._names[min(done, len(self._names) - 1)]
        self._bar.update(self._bar.task_ids[0], completed=done, description=name, more=more)

    @best_effort
    def _create(self) -> None:
        said = counted(len(self._names), self._things.noun)
        made: Any = create_progress_artifact(0.0, key=f"{self._things.key}-progress", description=said)
        self._artifact = made

    @best_effort
    def _update(self, artifact: UUID) -> None:
        update_progress_artifact(artifact, progress=100 * len(self._backfilled) / len(self._names))

    @best_effort
    def _show_table(self) -> None:
        table, said = backfill_table(self._backfilled), f"the {self._things.noun}s of this run"
        create_table_artifact(table, key=self._things.key, description=said)
