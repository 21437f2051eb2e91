"""The requests of a long run, which waits until each is allowed and leaves a share to polls."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from core.retries import DATABASE_READ, retrying
from flows.runtime.refusals import REFUSALS, enter_refusal
from flows.runtime.run import Run

R = TypeVar("R")

APART_SECONDS = 25.0
"""Seconds between two requests in a flow run. A slot of the limit `f1-upstream` is free again after 20 seconds, so the
other slots are always free for polls."""

LOOK_SECONDS = 30.0
"""The longest sleep of a waiting run before it reads the clock again."""


class Shown(Protocol):
    """Shows until when a run waits; None: it goes on."""

    def waits(self, until: datetime | None) -> None:
        """Show that the run waits until a moment, or goes on."""


class Allowance:
    """The run's requests to Jolpica, one at a time."""

    def __init__(self, run: Run, shown: Shown) -> None:
        self._run = run
        self._shown = shown
        self._last: float | None = None

    def ask(self, request: Callable[[], R]) -> R:
        """Make a request once it is allowed; after a refusal wait as long as it says, and try again."""
        while True:
            self._wait()
            self._last = time.monotonic()
            try:
                return request()
            except REFUSALS as error:
                self._wait_until(enter_refusal(self._run, error).until)

    def _wait(self) -> None:
        if self._run.flow_run_id is not None and self._last is not None:
            time.sleep(max(self._last + APART_SECONDS - time.monotonic(), 0))
        while (until := retrying(DATABASE_READ, self._run.ledger.waits_until)()) is not None:
            self._wait_until(until)

    def _wait_until(self, until: datetime) -> None:
        self._shown.waits(until)
        while (left := (until - self._run.ledger.now).total_seconds()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
        self._shown.waits(None)
