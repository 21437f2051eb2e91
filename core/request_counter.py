"""How many requests a run has made, by source: counted where they are sent, and shown in its last log line."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar

_requests: ContextVar[Counter[str] | None] = ContextVar("requests", default=None)


def begin() -> Counter[str]:
    """Count from now on, in this context and those copied from it; the counter fills as requests are sent."""
    counter: Counter[str] = Counter()
    _requests.set(counter)
    return counter


def count(source: str) -> None:
    """Enter a request."""
    counter = _requests.get()
    if counter is not None:
        counter[source] += 1
