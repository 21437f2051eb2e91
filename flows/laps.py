"""The backfill of one race's laps and pit stops from Jolpica: fetched page by page, then written at once."""

from __future__ import annotations

from core.rules.datasets import LAPS, PIT_STOPS
from core.rules.timing.listed import BackfilledRace, RaceDue
from core.rules.timing.outcome import TimingOutcome
from flows.output import timing
from flows.pages import kept_tables
from flows.runtime.allowance import Allowance
from flows.tasks.backfill import transform_laps, upsert_laps


def backfill_race(race: RaceDue, allowance: Allowance) -> BackfilledRace:
    """Bring a race's laps and pit stops into the database.

    Raises:
        SourceError: they cannot be fetched, or the pages are invalid: nothing was written.
        DatabaseError: the database refuses them.
    """
    run = allowance.run
    with kept_tables(allowance, race.season, race.round) as table:
        tables = transform_laps(run, race, {listing: table(listing) for listing in race.listings})
    written = upsert_laps(run, race, tables)
    stored = {one.dataset: one.rows for one in written.of(TimingOutcome.STORED)}
    notes = [
        timing.note(race.session_id, one)
        for one in written.datasets
        if one.reason or one.outcome is not TimingOutcome.STORED
    ]
    return BackfilledRace(
        session_id=race.session_id,
        laps=stored.get(LAPS.name, 0),
        pit_stops=stored.get(PIT_STOPS.name, 0),
        notes=tuple(notes),
    )
