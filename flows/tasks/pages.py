"""The steps for Jolpica's tables, page by page."""

from __future__ import annotations

from core import fetch
from core.deadline import Deadline
from core.documents import WHOLE_SEASON, Listing, Page, PageQuery
from core.retries import DATABASE, DATABASE_READ, NETWORK
from core.upsert import pages
from flows.runtime.run import Run
from flows.runtime.step import step


@step(DATABASE_READ, "read-pages-{season}")
def read_pages(run: Run, season: int, round_number: int = WHOLE_SEASON) -> dict[Listing, list[Page]]:
    """The pages of a season's own tables, or of one of its races', that an earlier run has fetched."""
    with run.database.reading() as connection:
        return pages.read_pages(connection, season, round_number)


@step(NETWORK, "fetch-page-{query}")
def fetch_page(run: Run, query: PageQuery, total: int | None, deadline: Deadline) -> Page:
    """One page of a table of `total` rows by its earlier pages."""
    return fetch.jolpica.fetch_listing_page(query, run.access(deadline), total)


@step(DATABASE, "upsert-page-{query}")
def upsert_page(run: Run, query: PageQuery, page: Page) -> None:
    """Keep a page until its season or race is written."""
    pages.keep_page(run.database, query, page, run.ledger.now)


@step(DATABASE, "upsert-no-pages-{season}")
def upsert_no_pages(run: Run, season: int, round_number: int = WHOLE_SEASON) -> None:
    """Drop the invalid pages of a season's own tables, or of one of its races'."""
    with run.database.writing() as connection:
        pages.drop_pages(connection, season, round_number)
