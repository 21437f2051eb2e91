"""Fetching from sources: JSON documents, or typed errors. The only folder that imports FastF1.

Importing FastF1 takes half a second, so `from core import fetch` does not: `fetch.archive`, `fetch.jolpica`,
`fetch.schedule`, `fetch.session` and `fetch.timing` are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.fetch import archive as archive
    from core.fetch import jolpica as jolpica
    from core.fetch import schedule as schedule
    from core.fetch import session as session
    from core.fetch import timing as timing
else:

    def __getattr__(name: str) -> object:
        if name in ("archive", "jolpica", "schedule", "session", "timing"):
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
