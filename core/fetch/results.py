"""Results and standings from Jolpica: of one round, or a season's whole table."""

from __future__ import annotations

from core.documents import MOST_ROWS_OF_A_SEASON, PAGE, RESULT_ROWS, Document, Table
from core.errors import SourceMalformed
from core.fetch.access import Access
from core.fetch.pages import JOLPICA, fetch_table
from core.records import Competitor, SessionKind, Source

MOST_ROWS_OF_STANDINGS = 200
"""More rows than any championship's table; the longest so far is 1953's drivers with 108."""

ASK_RESULTS = {
    SessionKind.RACE: JOLPICA.get_race_results,
    SessionKind.SPRINT: JOLPICA.get_sprint_results,
    SessionKind.QUALIFYING: JOLPICA.get_qualifying_results,
}
ASK_STANDINGS = {
    "driver": (JOLPICA.get_driver_standings, "DriverStandings"),
    "team": (JOLPICA.get_constructor_standings, "ConstructorStandings"),
}


def fetch_results(season: int, kind: SessionKind, round_number: int | None, access: Access) -> list[Document]:
    """Jolpica's race documents with their result rows, of one round or (None) the whole season; empty if unpublished.

    Raises:
        SourceError: any fault, typed, such as fewer rows than the table's own total.
    """
    at_most = MOST_ROWS_OF_A_SEASON if round_number is None else PAGE
    table = Table(f"{kind.value} results", RESULT_ROWS[kind], at_most)
    return fetch_table(ASK_RESULTS[kind], access, table, season=season, round=round_number)


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
