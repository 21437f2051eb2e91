"""The requests of a long run, which waits until each is allowed and leaves a share to polls."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flows.runtime.refusals import REFUSALS, enter_refusal
from flows.runtime.run import Run

R = TypeVar("R")

APART_SECONDS = 25.0
"""Seconds between two requests in a flow run. A slot of the limit `f1-upstream` is freed after 20 seconds, so a
backfill takes at most one and leaves the others to polls."""

LOOK_SECONDS = 30.0
"""The longest sleep of a waiting run before it reads the clock again."""


class Allowance:
    """The run's requests to Jolpica, one at a time.

    `waits` shows until when the run waits, or with None that it goes on; `fetched` shows that a request was answered.
    """

    def __init__(self, run: Run, waits: Callable[[datetime | None], None], fetched: Callable[[], None]) -> None:
        self.run = run
        self._waits = waits
        self._fetched = fetched
        self._last: float | None = None

    def ask(self, request: Callable[[], R]) -> R:
        """Make a request once it is allowed; after a refusal wait as long as it says, and try again."""
        while True:
            self._wait()
            self._last = time.monotonic()
            try:
                answer = request()
            except REFUSALS as error:
                self._wait_until(enter_refusal(self.run, error).until)
            else:
                self._fetched()
                return answer

    def _wait(self) -> None:
        if self.run.flow_run_id is not None and self._last is not None:
            time.sleep(max(self._last + APART_SECONDS - time.monotonic(), 0))
        while (until := self.run.ledger.waits_until()) is not None:
            self._wait_until(until)

    def _wait_until(self, until: datetime) -> None:
        self._waits(until)
        while (left := (until - self.run.ledger.now).total_seconds()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
        self._waits(None)
