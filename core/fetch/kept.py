"""FastF1's HTTP cache, for settled live timing: files that were read well are not requested again.

Not used for polls and schedules. It stores JSON documents, not pickles, which never expire.
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
from core.fetch.fastf1_internals import HTTP_CACHE, cached_by
from core.fetch.session import SESSION, BudgetedSession

logger = logging.getLogger(__name__)

WAIT_SECONDS = 30.0
"""How long to wait while another process writes to the file."""


class _Files(SQLiteCache):  # type: ignore[misc]
    """Buffers answers until all of them have proved good."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder / HTTP_CACHE), serializer="json", wal=True, timeout=WAIT_SECONDS)
        self.aside: list[tuple[Any, ...]] = []

    def save_response(self, response: requests.Response, *named: Any, **options: Any) -> None:
        """Buffer an answer."""
        self.aside.append((response, named, options))

    def keep(self) -> None:
        """Store the buffered answers; if the file cannot be written, the next read makes its requests again."""
        try:
            for response, named, options in self.aside:
                super().save_response(response, *named, **options)
        except sqlite3.Error as error:
            logger.warning("FastF1's cache: %s", error)


class _KeepingSession(CacheMixin, BudgetedSession):  # type: ignore[misc]
    """The budgeted session behind a cache, which requests only what is not stored."""


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
    """Inside `asking`: requests read the cache; if nothing is raised, their answers are added to it."""
    session = _session(access.settings.fastf1_cache_dir)
    session.adapters = SESSION.adapters
    session.cache.aside.clear()
    with cached_by(session):
        yield
    session.cache.keep()
