"""The pages of seasons that backfill is fetching: each is kept as soon as it is there, until the season is written."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from core.database import Database
from core.documents import Listing, Page, PageQuery
from core.schema import backfill_pages

OF_SEASON = backfill_pages.c.season == bindparam("of_season")
PAGES = select(backfill_pages).where(OF_SEASON).order_by(backfill_pages.c.listing, backfill_pages.c.first_row)
DROP = delete(backfill_pages).where(OF_SEASON)


def read_pages(connection: Connection, season: int) -> dict[Listing, list[Page]]:
    """A season's pages so far, by table, from the first on."""
    found: defaultdict[Listing, list[Page]] = defaultdict(list)
    for row in connection.execute(PAGES, {"of_season": season}):
        found[Listing(row.listing)].append(Page(total=row.total, documents=row.documents))
    return found


def keep_page(database: Database, query: PageQuery, page: Page, at: datetime) -> None:
    """Keep a page, in place of one that another run may have fetched meanwhile.

    Raises:
        DatabaseError: it is not kept.
    """
    key = query._asdict()
    same = (backfill_pages.c[name] == value for name, value in key.items())
    with database.writing() as connection:
        connection.execute(delete(backfill_pages).where(*same))
        connection.execute(insert(backfill_pages).values(**key, **page, at=at))


def drop_pages(connection: Connection, season: int) -> None:
    """Forget a season's pages: it is written, or they are void."""
    connection.execute(DROP, {"of_season": season})
