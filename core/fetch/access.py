"""What a request needs. Does not import FastF1, so callers can create it before FastF1 is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.deadline import Deadline
from core.settings import Settings

Permit = Callable[[str, str, float], Callable[[int | None, float], None]]
"""Called with host, path and the seconds left before each request to Jolpica; the function that it returns is called
with the answer's status, None without one, and its milliseconds."""


@dataclass(frozen=True)
class Access:
    """The settings, the deadline over all retries, and the permit for requests to Jolpica (None: unlimited)."""

    settings: Settings
    deadline: Deadline
    permit: Permit | None = None
