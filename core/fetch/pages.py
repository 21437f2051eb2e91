"""Jolpica's tables, whole: as many pages as they have, or a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastf1.ergast import Ergast

from core.documents import PAGE, Document
from core.errors import SourceMalformed, TableTooLong, reading_answer
from core.fetch.access import Access
from core.fetch.session import asking
from core.records import Source

JOLPICA = Ergast(result_type="raw", auto_cast=False, limit=PAGE)


def fetch_table(
    ask: Callable[..., Any], access: Access, what: str, *, rows: str | None, at_most: int, **query: Any
) -> list[Document]:
    """Jolpica's documents of one table, each with all of its rows. An empty list means that nothing is published.

    Args:
        ask: the method of `JOLPICA` that gives a page.
        what: what the table holds, in a fault's words.
        rows: the key of a document's rows; a document continues on the next page. None: each document is a row.
        at_most: more rows than such a table can have.
        query: the method's own arguments.

    Raises:
        BudgetExhausted: our hourly budget allows no request now.
        SourceError: any other fault, typed; fewer rows than the table's own total among them.
    """
    documents: list[Document] = []
    by_round: dict[str, Document] = {}
    offset, found, total = 0, 0, 1
    with asking(Source.JOLPICA, access), reading_answer(Source.JOLPICA.value, f"an answer that holds no {what}"):
        while offset < total:
            page = ask(**query, limit=PAGE, offset=offset)
            total = int(page.total_results)
            if total > at_most:
                raise TableTooLong(Source.JOLPICA.value, f"a table of {total} rows, where at most {at_most} can be")
            for document in page:
                if rows is None:
                    documents.append(document)
                    found += 1
                    continue
                number = document["round"]
                if number not in by_round:
                    by_round[number] = {**document, rows: []}
                    documents.append(by_round[number])
                by_round[number][rows] += document[rows]
                found += len(document[rows])
            offset += PAGE
    if found != total:
        raise SourceMalformed(Source.JOLPICA.value, f"{found} of {total} {'rows' if rows else what}")
    return documents
