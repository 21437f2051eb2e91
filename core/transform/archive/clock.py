"""The session's clock in live timing's feeds, and its conversion to UTC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from core.documents import ArchiveDocument, Document
from core.transform.cells import milliseconds, text

SENT_LATE = timedelta(seconds=0.5)
"""Race control's times are truncated to whole seconds, so they are half a second early on average."""


def messages(feed: Sequence[Sequence[Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """A feed's messages with their place on the session's clock in milliseconds; anything else is left out."""
    for line in feed:
        if len(line) == 2 and isinstance(line[1], Mapping) and (at := milliseconds(line[0])) is not None:
            yield at, line[1]


def race_control_messages(document: ArchiveDocument) -> Iterator[tuple[int, Document]]:
    """Race control's messages in order: live timing sends a list first, then each by its number."""
    for at, message in messages(document["race_control"] or ()):
        said = message.get("Messages", ())
        for one in said.values() if isinstance(said, Mapping) else said:
            yield at, one


def moment(value: Any) -> datetime | None:
    """An instant from live timing, which is UTC without saying so."""
    found = text(value)
    if found is None:
        return None
    instant = datetime.fromisoformat(found)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def clock_zero(document: ArchiveDocument) -> datetime | None:
    """The instant at which the session's clock began, to half a second; None without any message from race control.

    Uses the median, so a single late message does not matter.
    """
    zeros = [
        (said_at - timedelta(milliseconds=at)).timestamp()
        for at, message in race_control_messages(document)
        if (said_at := moment(message.get("Utc"))) is not None
    ]
    return datetime.fromtimestamp(round(median(zeros), 3), UTC) + SENT_LATE if zeros else None


def instant(zero: datetime | None, at_ms: int | None) -> datetime | None:
    """A place on the clock in UTC; None if either is unknown."""
    return None if zero is None or at_ms is None else zero + timedelta(milliseconds=at_ms)
