"""What requests are made with. Imports no FastF1, so that callers can make it before they need FastF1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.deadline import Deadline
from core.settings import Settings

Permit = Callable[[str, str], Callable[[int | None, float], None]]
"""Called with host and path before each request to Jolpica; returns what to call with its status and milliseconds."""


@dataclass(frozen=True)
class Access:
    """The settings, the deadline over all retries, and the permit without which Jolpica is not asked; None: freely."""

    settings: Settings
    deadline: Deadline
    permit: Permit | None = None
