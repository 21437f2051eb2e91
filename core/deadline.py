"""The time a run has for its answers."""

from __future__ import annotations

import time

RUN_SECONDS = 25.0


class Deadline:
    """The moment by which a run must have its answers, over all retries and fallbacks; seconds."""

    def __init__(self, seconds: float = RUN_SECONDS) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left; negative when it has passed."""
        return self._ends - time.monotonic()
