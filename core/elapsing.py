"""A moment that goes on: the time of a run or command that began with a given moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Elapsing:
    """The time since `began`, which a clock that is set meanwhile does not move."""

    began: datetime
    since: float = field(default_factory=lambda: time.monotonic())

    def present(self) -> datetime:
        """This moment."""
        return self.began + timedelta(seconds=time.monotonic() - self.since)

    def wait(self, seconds: float) -> None:
        """Return after so many seconds."""
        time.sleep(seconds)
