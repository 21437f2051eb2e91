"""The one place that asks the time: whoever replays a weekend in containers puts another file here."""

from __future__ import annotations

from datetime import UTC, datetime


def present() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)
