"""Jolpica's tables, page by page; each page is stored as soon as it arrives."""

from __future__ import annotations

from functools import partial

from core.deadline import Deadline
from core.documents import PAGE, WHOLE_SEASON, Listing, Page, PageQuery, is_whole
from flows.runtime.allowance import Allowance
from flows.tasks.backfill import fetch_page, read_pages, upsert_no_pages, upsert_page


class KeptTables:
    """A season's own tables, or one of its races'; pages of an earlier run are not requested again."""

    def __init__(self, allowance: Allowance, season: int, round_number: int = WHOLE_SEASON) -> None:
        self._allowance = allowance
        self._season = season
        self._round = round_number
        self._pages = read_pages(allowance.run, season, round_number)

    def table(self, listing: Listing) -> list[Page]:
        """All pages of a table.

        Raises:
            SourceError: a page cannot be fetched, or is not as it should be.
            DatabaseError: a page cannot be stored.
        """
        run, found = self._allowance.run, self._pages.setdefault(listing, [])
        while not is_whole(found):
            query = PageQuery(self._season, listing, len(found) * PAGE, self._round)
            total = found[0]["total"] if found else None
            page = self._allowance.ask(partial(self._page, query, total))
            upsert_page(run, query, page)
            found.append(page)
        return found

    def drop(self) -> None:
        """Drop the pages that this run and earlier ones fetched, because they are unusable."""
        upsert_no_pages(self._allowance.run, self._season, self._round)

    def _page(self, query: PageQuery, total: int | None) -> Page:
        return fetch_page(self._allowance.run, query, total, Deadline())
