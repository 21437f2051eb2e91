"""The only module that reads the clock: a test in containers replaces `present` to replay a race weekend."""

from __future__ import annotations

from datetime import UTC, datetime

from core.bounds import FIRST_SEASON, LAST_SEASON
from core.errors import UsageError


def present() -> datetime:
    """The current moment, in UTC."""
    return datetime.now(UTC)


def reconciled(given: datetime | None) -> datetime:
    """The moment that a run uses as `now`, in UTC: the given one, otherwise the present.

    Raises:
        UsageError: it has no offset from UTC, or is outside all seasons.
    """
    if given is None:
        return present()
    if given.tzinfo is None:
        raise UsageError(f"now {given.isoformat()} has no offset from UTC: add Z or +02:00")
    if not FIRST_SEASON <= given.year < LAST_SEASON:
        raise UsageError(f"now {given.isoformat()}: must be from {FIRST_SEASON} to {LAST_SEASON - 1}")
    return given.astimezone(UTC)
