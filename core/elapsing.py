"""The time of a run or command that starts at a given moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Elapsing:
    """A clock that starts at `began` and ignores changes of the system clock."""

    began: datetime
    since: float = field(default_factory=lambda: time.monotonic())

    def present(self) -> datetime:
        """The current moment."""
        return self.began + timedelta(seconds=time.monotonic() - self.since)

    def wait(self, seconds: float) -> None:
        """Wait this many seconds."""
        time.sleep(seconds)
