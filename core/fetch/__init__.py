"""Fetching from sources: JSON documents, or typed errors. The only folder that imports FastF1.

Importing FastF1 takes half a second, so `from core import fetch` does not: `fetch.archive`, `fetch.listings`,
`fetch.results`, `fetch.schedule`, `fetch.session` and `fetch.timing` are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.fetch import archive as archive
    from core.fetch import listings as listings
    from core.fetch import results as results
    from core.fetch import schedule as schedule
    from core.fetch import session as session
    from core.fetch import timing as timing
else:

    def __getattr__(name: str) -> object:
        if name in ("archive", "listings", "results", "schedule", "session", "timing"):
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
