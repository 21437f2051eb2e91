"""The outcome of a sync of live timing's archive."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TimingOutcome(StrEnum):
    """The outcome for one dataset of a session."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    UNPUBLISHED = "not published"
    MISSING = "not in the archive"
    INCOMPLETE = "archive not complete yet"
    REFUSED = "refused"
    FAILED = "failed"
    PUT_OFF = "put off"


@dataclass(frozen=True)
class DatasetOutcome:
    """A dataset's outcome, its current number of rows, and what was emptied or why it was refused, in words."""

    dataset: str
    outcome: TimingOutcome
    rows: int
    reason: str = ""


@dataclass(frozen=True)
class SyncedTiming:
    """The outcome for each dataset of a session."""

    session_id: str
    datasets: tuple[DatasetOutcome, ...]

    def of(self, *outcomes: TimingOutcome) -> list[DatasetOutcome]:
        """The datasets with one of these outcomes."""
        return [one for one in self.datasets if one.outcome in outcomes]
