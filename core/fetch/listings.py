"""Whole tables from Jolpica, of a season or of one race, page by page."""

from __future__ import annotations

from core.documents import LISTING_OF, TABLES, WHOLE_SEASON, Listing, Page, PageQuery, check_page
from core.fetch.access import Access
from core.fetch.pages import JOLPICA, fetch_page
from core.fetch.results import ASK_RESULTS

ASK = {
    Listing.RACES: JOLPICA.get_race_schedule,
    **{LISTING_OF[kind]: ask for kind, ask in ASK_RESULTS.items()},
    Listing.LAPS: JOLPICA.get_lap_times,
    Listing.PIT_STOPS: JOLPICA.get_pit_stops,
}


def fetch_listing_page(query: PageQuery, access: Access, total: int | None) -> Page:
    """One page of a table of `total` rows by its earlier pages (None for the first).

    Raises:
        BudgetExhausted: the budget allows no request now.
        TableChanged: the table's total has changed.
        SourceError: any other fault, typed, such as a page with the wrong number of rows.
    """
    asked = {"season": query.season, "round": None if query.round == WHOLE_SEASON else query.round}
    table = TABLES[query.listing]
    page = fetch_page(ASK[query.listing], access, table, query.first_row, **asked)
    check_page(page, query.first_row, table, page["total"] if total is None else total)
    return page
