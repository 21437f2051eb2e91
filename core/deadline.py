"""The time within which answers must have come."""

from __future__ import annotations

import time

ANSWER_SECONDS = 25.0


class Deadline:
    """The moment by which answers must have come, over all retries and fallbacks."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left; negative when it has passed."""
        return self._ends - time.monotonic()
