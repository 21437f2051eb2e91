"""The steps of a backfill: Jolpica's tables page by page, whole seasons, and races' laps and pit stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core import fetch, timing_queries
from core.deadline import Deadline
from core.documents import LISTING_OF, TABLES, Listing, Page, PageQuery, whole_table
from core.kinds import SessionKind
from core.records import ListedResult, Record
from core.retries import DATABASE, DATABASE_READ, NETWORK, PURE
from core.rules.history import SeasonAnswer, SeasonHistory
from core.rules.timing.listed import RaceDue
from core.rules.timing.outcome import SyncedTiming
from core.transform.laps import LISTED
from core.transform.results import listed_results
from core.upsert import history, pages, timing
from flows.runtime.run import Run
from flows.runtime.step import step


@step(DATABASE_READ, "read-pages-{season}")
def read_pages(run: Run, season: int, round_number: int) -> dict[Listing, list[Page]]:
    """The pages of a season's own tables, or of one of its races', that an earlier run has fetched."""
    with run.database.reading() as connection:
        return pages.read_pages(connection, season, round_number)


@step(NETWORK, "fetch-page-{query}")
def fetch_page(run: Run, query: PageQuery, total: int | None, deadline: Deadline) -> Page:
    """One page of a table; its earlier pages say that it has `total` rows."""
    return fetch.jolpica.fetch_listing_page(query, run.access(deadline), total)


@step(DATABASE, "upsert-page-{query}")
def upsert_page(run: Run, query: PageQuery, page: Page) -> None:
    """Keep a page until its season or race is written."""
    pages.keep_page(run.database, query, page, run.ledger.now)


@step(DATABASE, "drop-pages-{season}")
def drop_pages(run: Run, season: int, round_number: int) -> None:
    """Drop the invalid pages of a season's own tables, or of one of its races'."""
    with run.database.writing() as connection:
        pages.drop_pages(connection, season, round_number)


@step(DATABASE_READ, "read-whole-seasons")
def read_whole_seasons(run: Run) -> set[int]:
    """The seasons whose history is complete."""
    return history.whole_seasons(run.database)


@step(PURE, "transform-tables-{season}")
def transform_tables(
    run: Run, season: int, tables: Mapping[Listing, list[Page]]
) -> dict[SessionKind, list[ListedResult]]:
    """The results in a season's whole tables, by kind of session."""
    return {
        kind: listed_results(whole_table(tables[listing], TABLES[listing]), season, kind)
        for kind, listing in LISTING_OF.items()
        if listing in tables
    }


@step(DATABASE, "upsert-history-{answer.season}")
def upsert_history(run: Run, answer: SeasonAnswer) -> SeasonHistory | None:
    """Write an unknown season; None, and nothing is written, if the database has part of it."""
    return history.write_history(run.database, answer, run.now, run.cadence, flow_run_id=run.flow_run_id)


@step(DATABASE, "upsert-season-end-{season}")
def upsert_season_end(run: Run, season: int) -> None:
    """Finish a written season: drop its pages, and mark its history as complete if it is over."""
    history.finish_season(run.database, season, run.now, flow_run_id=run.flow_run_id)


@step(DATABASE_READ, "read-races-due")
def read_races_due(run: Run, first: int, last: int) -> list[RaceDue]:
    """The races of some seasons whose laps or pit stops are to be fetched from Jolpica, newest first."""
    return timing_queries.read_races_due(run.database, first, last, run.now)


@step(PURE, "transform-laps-{race.session_id}")
def transform_laps(run: Run, race: RaceDue, tables: Mapping[Listing, list[Page]]) -> dict[Listing, Sequence[Record]]:
    """A race's laps and pit stops, from those of its tables that were fetched."""
    return {
        listing: LISTED[listing](whole_table(found, TABLES[listing]), race.season, race.round)
        for listing, found in tables.items()
    }


@step(DATABASE, "upsert-laps-{race.session_id}")
def upsert_laps(run: Run, race: RaceDue, tables: Mapping[Listing, Sequence[Record]]) -> SyncedTiming:
    """Write a race's laps and pit stops, if they are accepted."""
    return timing.accept_listed(run.database, race, tables, run.now, flow_run_id=run.flow_run_id)
