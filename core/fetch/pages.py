"""Jolpica's tables: page by page, or whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastf1.ergast import Ergast

from core.documents import PAGE, Document, Page, Table, is_whole, whole_table
from core.errors import reading_answer
from core.fetch.access import Access
from core.fetch.session import asking
from core.records import Source

JOLPICA = Ergast(result_type="raw", auto_cast=False, limit=PAGE)


def fetch_page(ask: Callable[..., Any], access: Access, table: Table, offset: int, **query: Any) -> Page:
    """The page of a table that starts at row `offset`; other arguments as for `fetch_table`.

    Raises:
        BudgetExhausted: our hourly budget allows no request now.
        SourceError: any other fault, typed.
    """
    with asking(Source.JOLPICA, access), reading_answer(Source.JOLPICA.value, f"an answer that holds no {table.what}"):
        page = ask(**query, limit=PAGE, offset=offset)
        return Page(total=int(page.total_results), documents=list(page))


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
        pages.append(fetch_page(ask, access, table, len(pages) * PAGE, **query))
        documents = whole_table(pages, table)
    return documents
