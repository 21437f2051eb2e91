"""HTTP's Retry-After (RFC 9110): a whole number of seconds, or a date. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.errors import MISSHAPEN

LONGEST_SECONDS = 86_400.0
"""A day; a longer wait is cut to this."""


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """The wait that a Retry-After requests, up to a day; None if it is absent or unreadable."""
    given = (header or "").strip()
    if re.fullmatch("[0-9]+", given):
        seconds = float(given)
    else:
        try:
            at = parsedate_to_datetime(given)
        except MISSHAPEN:
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_SECONDS))
