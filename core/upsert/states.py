"""The state of a dataset in the database, and what is held for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam

from core.queries import in_season, read_held, read_records, records_of, season_ids, stored
from core.records import Held
from core.rules.confirmation import Key
from core.rules.datasets import Dataset, DatasetState, initial_state
from core.schema import dataset_states, held
from core.upsert.rows import write_held, write_rows

SEASON_STATES = records_of(dataset_states, DatasetState).where(
    dataset_states.c.dataset == bindparam("dataset"), in_season(dataset_states.c.entity_id)
)


class KnownState(NamedTuple):
    """A dataset of one event or session: its stored state (None if it was never due), and its held answers."""

    stored: DatasetState | None
    state: DatasetState
    held: Mapping[Key, Held]


def read_state(connection: Connection, dataset: Dataset, entity_id: str) -> KnownState:
    """A dataset's state for one event or session."""
    own = dataset_states.c.entity_id == entity_id, dataset_states.c.dataset == dataset.name
    stored = next(iter(read_records(connection, dataset_states, DatasetState, *own)), None)
    of_it = held.c.entity_id == entity_id, held.c.kind.in_([kind.value for kind in dataset.held_kinds])
    return KnownState(stored, stored or initial_state(dataset, entity_id), read_held(connection, *of_it))


def read_season_states(connection: Connection, dataset: Dataset, season: int) -> dict[str, DatasetState]:
    """A dataset's states in a season, by event or session."""
    rows = connection.execute(SEASON_STATES, {"dataset": dataset.name, **season_ids(season)}).mappings().all()
    return {row["entity_id"]: stored(DatasetState, row) for row in rows}


def write_state(
    connection: Connection, known: KnownState, state: DatasetState, kept: Mapping[Key, Held], now: datetime
) -> None:
    """Write a dataset's state after a poll, and its held answers."""
    before = {} if known.stored is None else {state.entity_id: known.stored}
    write_rows(connection, dataset_states, before, {state.entity_id: state}, stamp=now)
    write_held(connection, known.held, kept)
