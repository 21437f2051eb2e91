"""The deadline for answers from upstream."""

from __future__ import annotations

import time

ANSWER_SECONDS = 25.0


class Deadline:
    """A deadline over all retries and fallbacks."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left; negative once it has passed."""
        return self._ends - time.monotonic()
