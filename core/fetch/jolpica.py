"""Jolpica's tables: of one round or a season, page by page or whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastf1.ergast import Ergast

from core.documents import (
    LISTING_OF,
    MOST_ROWS_OF_A_SEASON,
    PAGE,
    RESULT_ROWS,
    TABLES,
    WHOLE_SEASON,
    Document,
    Listing,
    Page,
    PageQuery,
    Table,
    check_page,
    is_whole,
    whole_table,
)
from core.errors import SourceMalformed, reading_answer
from core.fetch.access import Access
from core.fetch.session import asking
from core.kinds import SessionKind, Source
from core.records import Competitor

JOLPICA = Ergast(result_type="raw", auto_cast=False, limit=PAGE)
ASK = {
    Listing.RACES: JOLPICA.get_race_schedule,
    Listing.RESULTS: JOLPICA.get_race_results,
    Listing.SPRINT: JOLPICA.get_sprint_results,
    Listing.QUALIFYING: JOLPICA.get_qualifying_results,
    Listing.LAPS: JOLPICA.get_lap_times,
    Listing.PIT_STOPS: JOLPICA.get_pit_stops,
}
ASK_STANDINGS = {
    "driver": (JOLPICA.get_driver_standings, "DriverStandings"),
    "team": (JOLPICA.get_constructor_standings, "ConstructorStandings"),
}

MOST_ROWS_OF_STANDINGS = 200
"""More rows than any championship's table; the longest so far is 1953's drivers with 108."""


def fetch_listing_page(query: PageQuery, access: Access, total: int | None) -> Page:
    """One page of a table of `total` rows by its earlier pages (None for the first).

    Raises:
        BudgetExhausted: the budget allows no request now.
        TableUnusable: the table's total has changed.
        SourceError: any other fault, typed, such as a page with the wrong number of rows.
    """
    asked = {"season": query.season, "round": None if query.round == WHOLE_SEASON else query.round}
    table = TABLES[query.listing]
    page = _fetch_page(ASK[query.listing], access, table, query.first_row, **asked)
    check_page(page, query.first_row, table, page["total"] if total is None else total)
    return page


def fetch_results(season: int, kind: SessionKind, round_number: int | None, access: Access) -> list[Document]:
    """Jolpica's race documents with their result rows, of one round or (None) the whole season; empty if unpublished.

    Raises:
        SourceError: any fault, typed, such as fewer rows than the table's own total.
    """
    at_most = MOST_ROWS_OF_A_SEASON if round_number is None else PAGE
    table = Table(f"{kind.value} results", RESULT_ROWS[kind], at_most)
    return fetch_table(ASK[LISTING_OF[kind]], access, table, season=season, round=round_number)


def fetch_standings(season: int, round_number: int, competitor: Competitor, access: Access) -> list[Document]:
    """Jolpica's standings rows after a round; empty if they are not published.

    Raises:
        SourceError: any fault, typed, such as fewer rows than the table's own total, or another round's.
    """
    ask, rows = ASK_STANDINGS[competitor]
    table = Table("standings", rows, MOST_ROWS_OF_STANDINGS)
    documents = fetch_table(ask, access, table, season=season, round=round_number)
    if any((one.get("season"), one["round"]) != (str(season), str(round_number)) for one in documents):
        raise SourceMalformed(Source.JOLPICA.value, "standings after another round")
    return [row for one in documents for row in one[rows]]


def fetch_table(ask: Callable[..., Any], access: Access, table: Table, **query: Any) -> list[Document]:
    """Jolpica's documents of one table, each with all of its rows; empty if nothing is published.

    Args:
        ask: the method of `JOLPICA` that requests a page.
        query: that method's arguments.

    Raises:
        BudgetExhausted: our hourly budget allows no request now.
        SourceError: any other fault, typed, such as fewer rows than the table's own total.
    """
    pages: list[Page] = []
    documents: list[Document] = []
    while not is_whole(pages):
        pages.append(_fetch_page(ask, access, table, len(pages) * PAGE, **query))
        documents = whole_table(pages, table)
    return documents


def _fetch_page(ask: Callable[..., Any], access: Access, table: Table, offset: int, **query: Any) -> Page:
    """The page of a table that starts at row `offset`; other arguments as for `fetch_table`."""
    with asking(Source.JOLPICA, access), reading_answer(Source.JOLPICA.value, f"an answer that holds no {table.what}"):
        page = ask(**query, limit=PAGE, offset=offset)
        return Page(total=int(page.total_results), documents=list(page))
