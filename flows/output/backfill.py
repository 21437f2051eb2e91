"""The progress of a backfill: a bar in the terminal, artifacts in Prefect's UI, else log lines."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from core.errors import DatabaseError
from core.rules.history import Backfilled
from core.text import counted, time_of_day
from core.upsert.ledger import Ledger
from flows.output import report
from flows.output.artifacts import best_effort
from flows.runtime.logs import present_flow_run

logger = logging.getLogger("flows.backfill")

KEY = "history"
"""The artifacts' key."""


class BackfillProgress:
    """Shows, while the context lasts, which seasons are done, their rows, and the requests left in this hour."""

    def __init__(self, seasons: Sequence[int], ledger: Ledger) -> None:
        self._seasons = seasons
        self._ledger = ledger
        self._backfilled: list[Backfilled] = []
        self._artifact: UUID | None = None
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        """Show an empty bar."""
        if not self._seasons:
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
            self._bar.add_task(str(self._seasons[0]), total=len(self._seasons), more="seasons")
            self._bar.start()
            self.fetched()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        """Remove the terminal's bar; show the table of what was done."""
        if self._bar is not None:
            self._bar.stop()
        if self._artifact is not None:
            self._show_table()

    def fetched(self) -> None:
        """Another page is there."""
        if self._bar is None:
            return
        try:
            left = f", {counted(self._ledger.left(), 'request')} left"
        except DatabaseError:  # only shown here; what needs the database says so
            left = ""
        self._show(f"seasons, {self._rows}{left}")

    def done(self, backfilled: Backfilled) -> None:
        """A season is done, or has failed."""
        self._backfilled.append(backfilled)
        level = logging.WARNING if backfilled.failure else logging.INFO
        logger.log(level, "%s", report.backfilled_line(backfilled), extra={"season": backfilled.season})
        for note in backfilled.notes:
            logger.warning("%s", note)
        if self._artifact is not None:
            self._update(self._artifact)
        self.fetched()

    def waits(self, until: datetime | None) -> None:
        """The run waits until a moment for its next request; None: it goes on."""
        if until is None:
            self.fetched()
            return
        goes_on = f"goes on at {time_of_day(until)}"
        if self._bar is None:
            done = f"{len(self._backfilled)} of {counted(len(self._seasons), 'season')} done"
            logger.info("no request to Jolpica is left for now: %s; %s", goes_on, done)
        else:
            self._show(f"seasons, {self._rows}, {goes_on}")

    @property
    def _rows(self) -> str:
        return f"{sum(one.entries for one in self._backfilled):,} rows"

    def _show(self, more: str) -> None:
        assert self._bar is not None
        done = len(self._backfilled)
        season = str(self._seasons[min(done, len(self._seasons) - 1)])
        self._bar.update(self._bar.task_ids[0], completed=done, description=season, more=more)

    @best_effort
    def _create(self) -> None:
        made: Any = create_progress_artifact(0.0, key=f"{KEY}-progress", description=f"{len(self._seasons)} seasons")
        self._artifact = made

    @best_effort
    def _update(self, artifact: UUID) -> None:
        update_progress_artifact(artifact, progress=100 * len(self._backfilled) / len(self._seasons))

    @best_effort
    def _show_table(self) -> None:
        create_table_artifact(report.backfill_table(self._backfilled), key=KEY, description="the seasons of this run")
