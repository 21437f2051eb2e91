"""FastF1's HTTP cache, for live timing that is settled: what was once read well needs no further request.

Polls and schedules never use it. Kept are JSON documents, not pickles; nothing expires, and nothing is stale.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import requests
from fastf1.req import Cache
from requests_cache import NEVER_EXPIRE, CacheMixin, SQLiteCache

from core.fetch.session import BudgetedSession

logger = logging.getLogger(__name__)

NAME = "fastf1_http_cache"
"""The file that FastF1 itself would use."""

WAIT_SECONDS = 30.0
"""How long another process may write to the file."""


class _Files(SQLiteCache):  # type: ignore[misc]
    """Answers are set aside first, and kept when all of them have proved good."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder / NAME), serializer="json", wal=True, timeout=WAIT_SECONDS)
        self.aside: list[tuple[Any, ...]] = []

    def save_response(self, response: requests.Response, *named: Any, **options: Any) -> None:
        """Set an answer aside."""
        self.aside.append((response, named, options))

    def keep(self) -> None:
        """Keep what was set aside; a file that cannot be written costs only the next read its requests."""
        try:
            for response, named, options in self.aside:
                super().save_response(response, *named, **options)
        except sqlite3.Error as error:
            logger.warning("FastF1's cache: %s", error)


class _KeepingSession(CacheMixin, BudgetedSession):  # type: ignore[misc]
    """The way to the upstreams, past what is kept."""


@lru_cache(maxsize=1)
def _session(folder: Path) -> _KeepingSession:
    return _KeepingSession(
        backend=_Files(folder),
        expire_after=NEVER_EXPIRE,
        allowable_codes=(200,),
        filter_fn=lambda response: bool(response.content.decode("utf-8-sig").strip()),
    )


@contextmanager
def keeping_files() -> Iterator[None]:
    """Requests made inside read what is kept; if nothing is raised, what they brought is kept for good.

    Only within `asking`: FastF1's cache is one for the process.
    """
    session = _session(Path(Cache._CACHE_DIR))
    session.adapters = Cache._requests_session.adapters
    session.cache.aside.clear()
    Cache._requests_session_cached = session
    Cache.set_enabled()
    Cache.set_disabled(disable_http_cache=False)
    try:
        yield
    finally:
        Cache.set_disabled()
        Cache._requests_session_cached = None
    session.cache.keep()
