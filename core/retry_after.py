"""HTTP's Retry-After (RFC 9110): a whole number of seconds, or a date. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.errors import MISSHAPEN

LONGEST_SECONDS = 86_400.0
"""A day: who asks for more is taken to ask for this."""


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """How long a source asks to wait, up to a day; None where the header is absent or cannot be read."""
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
