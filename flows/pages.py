"""Jolpica's tables, page by page; each page is stored as soon as it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from core.deadline import Deadline
from core.documents import PAGE, WHOLE_SEASON, Listing, Page, PageQuery, is_whole
from core.errors import SourceMalformed
from flows.runtime.allowance import Allowance
from flows.tasks.backfill import drop_pages, fetch_page, read_pages, upsert_page

Tables = Callable[[Listing], list[Page]]
"""Gives all pages of a table.

Raises:
    SourceError: a page cannot be fetched, or is not as it should be.
    DatabaseError: a page cannot be stored.
"""


@contextmanager
def kept_tables(allowance: Allowance, season: int, round_number: int = WHOLE_SEASON) -> Iterator[Tables]:
    """A season's own tables, or one of its races'; pages of an earlier run are not requested again.

    If the context ends with a `SourceMalformed`, all of them are dropped as unusable.
    """
    run = allowance.run
    pages = read_pages(run, season, round_number)

    def ask(query: PageQuery, total: int | None) -> Page:
        return fetch_page(run, query, total, Deadline())

    def table(listing: Listing) -> list[Page]:
        found = pages.setdefault(listing, [])
        while not is_whole(found):
            query = PageQuery(season, listing, len(found) * PAGE, round_number)
            page = allowance.ask(partial(ask, query, found[0]["total"] if found else None))
            upsert_page(run, query, page)
            found.append(page)
        return found

    try:
        yield table
    except SourceMalformed:
        drop_pages(run, season, round_number)
        raise
