"""The pages of tables that a backfill fetches, kept until the season or race is written."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, select

from core.database import Database
from core.documents import WHOLE_SEASON, Listing, Page, PageQuery
from core.schema import backfill_pages
from core.upsert.rows import replace_rows

OF_ROUND = and_(backfill_pages.c.season == bindparam("of_season"), backfill_pages.c["round"] == bindparam("of_round"))
PAGES = select(backfill_pages).where(OF_ROUND).order_by(backfill_pages.c.listing, backfill_pages.c.first_row)
DROP = delete(backfill_pages).where(OF_ROUND)


def read_pages(connection: Connection, season: int, round_number: int = WHOLE_SEASON) -> dict[Listing, list[Page]]:
    """The pages so far of a season's own tables, or of one of its races', by table, from the first on."""
    found: defaultdict[Listing, list[Page]] = defaultdict(list)
    for row in connection.execute(PAGES, {"of_season": season, "of_round": round_number}):
        found[Listing(row.listing)].append(Page(total=row.total, documents=row.documents))
    return found


def keep_page(database: Database, query: PageQuery, page: Page, at: datetime) -> None:
    """Keep a page, replacing one that another run may have fetched."""
    row = {**query._asdict(), **page, "at": at}
    with database.writing() as connection:
        replace_rows(connection, backfill_pages, query._fields, [query], [row])


def drop_pages(connection: Connection, season: int, round_number: int = WHOLE_SEASON) -> None:
    """Drop the pages of a season's own tables, or of one of its races', which are written or invalid."""
    connection.execute(DROP, {"of_season": season, "of_round": round_number})
