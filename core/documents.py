"""Upstream's documents, as fetch returns and transform reads them: JSON values only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict

from core.errors import MISSHAPEN, SourceMalformed, TableUnusable, reading_answer
from core.kinds import SessionKind, Source

Document = dict[str, Any]
"""A JSON object. For FastF1's frames a row: instants as ISO text, durations in milliseconds, None for NaN."""

SLOTS = range(1, 6)
"""The numbers of an event's sessions in FastF1's schedule."""

PAGE = 100
"""The most rows that Jolpica serves in one answer."""

RESULT_ROWS = {
    SessionKind.RACE: "Results",
    SessionKind.SPRINT: "SprintResults",
    SessionKind.QUALIFYING: "QualifyingResults",
}
"""The key of the result rows in Jolpica's race documents."""

MOST_ROWS_OF_A_SEASON = 1_000
"""More rows than any season's table; the longest so far is 1989's races with 624."""

MOST_LAPS, MOST_PIT_STOPS = 3_000, 500
"""More than any race has: 26 cars × 78 laps = 2,028 laps; 500 stops would be 19 per car."""

LAP_ROWS, PIT_STOP_ROWS, TIMINGS = "Laps", "PitStops", "Timings"
"""The keys of a race document's laps and pit stops, and of a lap's timings, one per driver."""


class Listing(StrEnum):
    """Jolpica's tables, of a whole season or of one race, by their names there."""

    RACES = "races"
    RESULTS = "results"
    SPRINT = "sprint"
    QUALIFYING = "qualifying"
    LAPS = "laps"
    PIT_STOPS = "pitstops"


def races_path(season: int) -> str:
    """What the path of every request for Jolpica's races of a season contains, and no other request's."""
    return f"/{season}/{Listing.RACES.value}"


LISTING_OF = {
    SessionKind.RACE: Listing.RESULTS,
    SessionKind.SPRINT: Listing.SPRINT,
    SessionKind.QUALIFYING: Listing.QUALIFYING,
}
"""The table with the results of a kind of session."""


class Table(NamedTuple):
    """A table: what it holds, for error messages; the key of a document's rows; the most rows that it can have.

    A document may continue on the next page. If the key is None, each document is a row.
    """

    what: str
    rows: str | None
    at_most: int


TABLES = {
    Listing.RACES: Table(Listing.RACES.value, None, PAGE),
    **{of: Table(of.value, RESULT_ROWS[kind], MOST_ROWS_OF_A_SEASON) for kind, of in LISTING_OF.items()},
    Listing.LAPS: Table(Listing.LAPS.value, LAP_ROWS, MOST_LAPS),
    Listing.PIT_STOPS: Table(Listing.PIT_STOPS.value, PIT_STOP_ROWS, MOST_PIT_STOPS),
}

DEEPEST = 50
"""Levels of nesting allowed in an answer, many times what any has: recursion over deeper ones overflows the stack."""

LONGEST_TEXT = 50_000
"""Characters kept of an unreadable document."""


class Page(TypedDict):
    """One answer from Jolpica: some of a table's documents, and the whole table's number of rows."""

    total: int
    documents: list[Document]


WHOLE_SEASON = 0
"""Stands in place of a round for a whole season's table."""


class PageQuery(NamedTuple):
    """One page of a table, starting at row `first_row`, counted from 0; `round` may be `WHOLE_SEASON`."""

    season: int
    listing: Listing
    first_row: int
    round: int = WHOLE_SEASON

    def __str__(self) -> str:
        """For the name of a step: 1997-results-300, 2023-18-laps-1000."""
        of = (self.season,) if self.round == WHOLE_SEASON else (self.season, self.round)
        return "-".join(map(str, (*of, self.listing.value, self.first_row)))


def is_whole(pages: Sequence[Page]) -> bool:
    """Whether a table's pages, from the first on, are complete."""
    return bool(pages) and len(pages) * PAGE >= pages[0]["total"]


def check_page(page: Page, first_row: int, table: Table, total: int) -> None:
    """Check that a page has its rows of a table of `total` rows.

    Raises:
        TableUnusable, SourceMalformed: see `whole_table`.
    """
    source = Source.JOLPICA.value
    if total > table.at_most:
        raise TableUnusable(source, f"a table of {total} rows; at most {table.at_most} are possible")
    if page["total"] != total:
        raise TableUnusable(source, f"a table of {total} rows, and of {page['total']} from row {first_row} on")
    with reading_answer(source, f"an answer that holds no {table.what}"):
        found = sum(1 if table.rows is None else _rows_in(document, table.rows) for document in page["documents"])
    if found != min(PAGE, total - first_row):
        raise SourceMalformed(source, f"{first_row + found} of {total} {'rows' if table.rows else table.what}")


def _rows_in(document: Document, rows: str) -> int:
    """How many rows a document has; for laps, all their timings."""
    listed = document[rows]
    return sum(len(lap[TIMINGS]) for lap in listed) if rows == LAP_ROWS else len(listed)


def whole_table(pages: Sequence[Page], table: Table) -> list[Document]:
    """A table's documents, each with all of its rows; a lap continued on the next page appears twice.

    Raises:
        TableUnusable: the table's total is more than it can have, or differs between two pages.
        SourceMalformed: a page has the wrong number of rows.
    """
    rows, documents = table.rows, list[Document]()
    by_round: dict[str, Document] = {}
    for number, page in enumerate(pages):
        check_page(page, number * PAGE, table, pages[0]["total"])
        if rows is None:
            documents += page["documents"]
            continue
        with reading_answer(Source.JOLPICA.value, f"an answer that holds no {table.what}"):
            for document in page["documents"]:
                kept = by_round.get(document["round"])
                if kept is None:
                    kept = by_round[document["round"]] = {**document, rows: []}
                    documents.append(kept)
                kept[rows] += document[rows]
    return documents


class TimingDocument(TypedDict):
    """FastF1's results and laps of a session from live timing, under FastF1's column names."""

    results: list[Document]
    laps: list[Document]


Feed = list[list[Any]]
"""A file of live timing's archive: messages, each preceded by the session's clock as text."""


class ArchiveDocument(TypedDict):
    """Live timing's archive of a session; None for a missing feed.

    `laps` and `drivers` are rows of FastF1's frames, under its column names, with durations in milliseconds on the
    session's clock. The others are unchanged feeds.
    """

    laps: list[Document] | None
    drivers: list[Document] | None
    info: Feed
    driver_list: Feed | None
    statuses: Feed
    race_control: Feed | None
    weather: Feed | None
    pit_stops: Feed | None


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
    """A document as text for a column: JSON in ASCII, cut if it is very long."""
    try:
        return json.dumps(document, default=str)[:LONGEST_TEXT]
    except MISSHAPEN:
        return "(nested too deeply)"
