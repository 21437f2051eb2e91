"""Counts the requests that a run sends, by source, for its last log line."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar

_requests: ContextVar[Counter[str] | None] = ContextVar("requests", default=None)


def begin() -> Counter[str]:
    """Start counting in this context and its copies; the returned counter is updated with each request."""
    counter: Counter[str] = Counter()
    _requests.set(counter)
    return counter


def count(source: str) -> None:
    """Count a request."""
    counter = _requests.get()
    if counter is not None:
        counter[source] += 1
