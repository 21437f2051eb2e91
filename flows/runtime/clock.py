"""The only module that reads the clock: a test in containers appends its own `present` to replay a race weekend."""

from __future__ import annotations

from datetime import UTC, datetime

from core.bounds import FIRST_SEASON, LAST_SEASON
from core.errors import UsageError


def present() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def reconciled(given: datetime | None) -> datetime:
    """The moment a run reconciles with, in UTC: the given one, else the present.

    Raises:
        UsageError: it has no offset from UTC, or is in no season.
    """
    if given is None:
        return present()
    if given.tzinfo is None:
        raise UsageError(f"now {given.isoformat()} has no offset from UTC: add Z or +02:00")
    if not FIRST_SEASON <= given.year < LAST_SEASON:
        raise UsageError(f"now {given.isoformat()}: must be from {FIRST_SEASON} to {LAST_SEASON - 1}")
    return given.astimezone(UTC)
