"""FastF1's HTTP cache, for live timing that is settled: what was once read well needs no further request.

Polls and schedules never use it. It keeps JSON documents, not pickles; nothing expires, and nothing is stale.
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
from requests_cache import NEVER_EXPIRE, CacheMixin, SQLiteCache

from core.fetch.access import Access
from core.fetch.fastf1_internals import cached_by
from core.fetch.session import SESSION, BudgetedSession

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
    """The budgeted session behind a cache: only what is not kept is requested."""


@lru_cache(maxsize=1)
def _session(folder: Path) -> _KeepingSession:
    return _KeepingSession(
        backend=_Files(folder),
        expire_after=NEVER_EXPIRE,
        allowable_codes=(200,),
        filter_fn=lambda response: bool(response.content.decode("utf-8-sig").strip()),
    )


@contextmanager
def keeping_files(access: Access) -> Iterator[None]:
    """Requests made inside read what is kept; if nothing is raised, their answers are kept for good.

    Only within `asking`: FastF1's cache is one for the process.
    """
    session = _session(access.settings.fastf1_cache_dir)
    session.adapters = SESSION.adapters
    session.cache.aside.clear()
    with cached_by(session):
        yield
    session.cache.keep()
