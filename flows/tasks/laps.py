"""The steps for races' laps and pit stops from Jolpica."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core import timing_queries
from core.documents import TABLES, Listing, Page, whole_table
from core.records import Record
from core.retries import DATABASE, DATABASE_READ, PURE
from core.rules.timing.listed import RaceDue
from core.rules.timing.outcome import SyncedTiming
from core.transform.laps import LISTED
from core.upsert import timing
from flows.runtime.run import Run
from flows.runtime.step import step


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
