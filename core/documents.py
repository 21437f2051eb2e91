"""Upstream's documents, which fetch returns and transform reads: JSON values only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict

from core.errors import MISSHAPEN, SourceMalformed, TableChanged, TableTooLong, reading_answer
from core.records import SessionKind, Source

Document = dict[str, Any]
"""A JSON object. Of FastF1's frames: a row, with instants as ISO text, durations in milliseconds and None for NaN."""

PAGE = 100
"""The most rows that Jolpica serves in one answer."""

RESULT_ROWS = {
    SessionKind.RACE: "Results",
    SessionKind.SPRINT: "SprintResults",
    SessionKind.QUALIFYING: "QualifyingResults",
}
"""The key of the result rows in Jolpica's race documents."""

MOST_ROWS_OF_A_SEASON = 1_000
"""No season's table has so many rows; the longest so far is 1989's races with 624."""


class Listing(StrEnum):
    """A season's tables of Jolpica's, under the names that they have there."""

    RACES = "races"
    RESULTS = "results"
    SPRINT = "sprint"
    QUALIFYING = "qualifying"


LISTING_OF = {
    SessionKind.RACE: Listing.RESULTS,
    SessionKind.SPRINT: Listing.SPRINT,
    SessionKind.QUALIFYING: Listing.QUALIFYING,
}
"""The table that has the results of a kind of session."""


class _Limits(TypedDict):
    rows: str | None
    at_most: int


LIMITS = {
    Listing.RACES: _Limits(rows=None, at_most=PAGE),
    **{LISTING_OF[kind]: _Limits(rows=rows, at_most=MOST_ROWS_OF_A_SEASON) for kind, rows in RESULT_ROWS.items()},
}
"""The key of a table's rows in its documents (None: each document is a row), and the most that it can have."""

DEEPEST = 50
"""Levels that an answer may nest, many times what any has: those who walk through deeper ones exhaust their stack."""

LONGEST_TEXT = 50_000
"""Characters that are kept of a document that cannot be read."""


class Page(TypedDict):
    """One answer of Jolpica's: some of a table's documents, and how many rows the whole table has."""

    total: int
    documents: list[Document]


class PageQuery(NamedTuple):
    """One page of a season's table: the one that begins with row `first_row`, counted from 0."""

    season: int
    listing: Listing
    first_row: int


def is_whole(pages: Sequence[Page]) -> bool:
    """Whether a table's pages, from its first on, are all that it has."""
    return bool(pages) and len(pages) * PAGE >= pages[0]["total"]


def check_page(page: Page, first_row: int, what: str, *, rows: str | None, at_most: int, total: int) -> None:
    """Check that a page has the rows that it should have, of a table of `total` rows; see `whole_table`.

    Raises:
        TableTooLong, TableChanged, SourceMalformed: see `whole_table`.
    """
    source = Source.JOLPICA.value
    if total > at_most:
        raise TableTooLong(source, f"a table of {total} rows, where at most {at_most} can be")
    if page["total"] != total:
        raise TableChanged(source, f"a table of {total} rows, and of {page['total']} from row {first_row} on")
    with reading_answer(source, f"an answer that holds no {what}"):
        found = sum(1 if rows is None else len(document[rows]) for document in page["documents"])
    if found != min(PAGE, total - first_row):
        raise SourceMalformed(source, f"{first_row + found} of {total} {'rows' if rows else what}")


def whole_table(pages: Sequence[Page], what: str, *, rows: str | None, at_most: int) -> list[Document]:
    """The documents of a table, each with all of its rows.

    Args:
        what: what the table holds, in a fault's words.
        rows: the key of a document's rows; a document continues on the next page. None: each document is a row.
        at_most: more rows than such a table can have.

    Raises:
        TableTooLong: the table says it has more rows than `at_most`.
        TableChanged: its total changed from one page to the next.
        SourceMalformed: a page has not the rows that it should have.
    """
    documents: list[Document] = []
    by_round: dict[str, Document] = {}
    for number, page in enumerate(pages):
        check_page(page, number * PAGE, what, rows=rows, at_most=at_most, total=pages[0]["total"])
        if rows is None:
            documents += page["documents"]
            continue
        with reading_answer(Source.JOLPICA.value, f"an answer that holds no {what}"):
            for document in page["documents"]:
                kept = by_round.get(document["round"])
                if kept is None:
                    kept = by_round[document["round"]] = {**document, rows: []}
                    documents.append(kept)
                kept[rows] += document[rows]
    return documents


def check_season_page(query: PageQuery, page: Page, total: int | None) -> None:
    """Check a page of a season's table, whose earlier pages gave its `total`, None where there is none."""
    limits = LIMITS[query.listing]
    what = query.listing.value
    check_page(page, query.first_row, what, **limits, total=page["total"] if total is None else total)


def season_table(listing: Listing, pages: Sequence[Page]) -> list[Document]:
    """The documents of a season's table; see `whole_table`."""
    return whole_table(pages, listing.value, **LIMITS[listing])


class TimingDocument(TypedDict):
    """FastF1's results and laps of a session, as it makes them from live timing; under FastF1's column names."""

    results: list[Document]
    laps: list[Document]


class ArchiveDocument(TypedDict):
    """What live timing's archive has of a session; None where a feed is not there.

    `laps` and `drivers` are rows of FastF1's frames, under its column names, with durations in milliseconds on the
    session's clock. The others are feeds as they are: pairs of the session's clock as text, and a message.
    """

    laps: list[Document] | None
    drivers: list[Document] | None
    statuses: list[list[Any]]
    race_control: list[list[Any]] | None
    weather: list[list[Any]] | None
    pit_stops: list[list[Any]] | None


def is_too_deep(answer: Any) -> bool:
    """Whether a JSON value nests deeper than `DEEPEST`."""
    level = [answer]
    for _ in range(DEEPEST):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)


def as_text(document: Any) -> str:
    """A document as text that any column holds: JSON in ASCII, cut where it is very long."""
    try:
        return json.dumps(document, default=str)[:LONGEST_TEXT]
    except MISSHAPEN:
        return "(nested too deeply)"
