"""The steps for whole seasons."""

from __future__ import annotations

from collections.abc import Mapping

from core.documents import LISTING_OF, TABLES, Listing, Page, whole_table
from core.records import ListedResult, SessionKind
from core.retries import DATABASE, DATABASE_READ, PURE
from core.rules.history import SeasonAnswer, SeasonHistory
from core.transform.results import listed_results
from core.upsert import history
from flows.runtime.run import Run
from flows.runtime.step import step


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
