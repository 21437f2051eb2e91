"""The progress of a run over many sessions: a bar in Prefect's UI or in the terminal, otherwise log lines."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from core.rules.calendar.identity import slug
from flows.output.artifacts import best_effort
from flows.runtime.logs import present_flow_run

logger = logging.getLogger(__name__)

LONG = 20
"""The least number of sessions for which progress is shown."""

PREFECT_STEP, LOG_STEP = 5, 20
"""Per cent between two calls of Prefect's API, and between two log lines."""


class Progress:
    """Shows progress through `total` things inside the context; nothing if they are fewer than `least`."""

    least = LONG

    def __init__(self, total: int, what: str) -> None:
        self.total = total
        self.what = what
        self.key = slug(what)
        self.description = f"{total} {what}"
        self.count = 0
        self.shown = 0.0
        self.artifact: UUID | None = None
        self.bar: Bar | None = None

    def __enter__(self) -> Self:
        if self.total < self.least:
            return self
        if present_flow_run() is not None:
            self._create()
        elif sys.stderr.isatty():
            self.bar = self.made_bar()
            self.bar.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.stop()

    def made_bar(self) -> Bar:
        """The bar in the terminal, with its one task."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        bar = Bar(*columns, console=Console(stderr=True), transient=True)
        bar.add_task(self.what, total=self.total)
        return bar

    def step(self) -> None:
        """Count one more."""
        self.count += 1
        self.show_count()

    def show_count(self) -> None:
        """Show how many are done."""
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.count)
        elif self.artifact is not None:
            if self._advance(PREFECT_STEP):
                self.update(self.artifact)
        elif self.total >= self.least and present_flow_run() is None and self._advance(LOG_STEP):
            logger.info("%d of %d %s", self.count, self.total, self.what)

    def _advance(self, step: int) -> bool:
        """Record the percentage done if it grew by `step`, or all is done; returns whether it did."""
        percent = 100 * self.count / self.total
        if percent - self.shown < step and self.count < self.total:
            return False
        self.shown = percent
        return True

    @best_effort
    def _create(self) -> None:
        made: Any = create_progress_artifact(0.0, key=self.key, description=self.description)
        self.artifact = made

    @best_effort
    def update(self, artifact: UUID) -> None:
        """Show in the artifact how many are done."""
        update_progress_artifact(artifact, progress=100 * self.count / self.total)
