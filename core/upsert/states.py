"""The state of a dataset in the database, and what is held of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from core.queries import in_season, read_records, season_ids
from core.records import Held
from core.rules.confirmation import Key
from core.rules.datasets import Dataset, DatasetState, initial_state
from core.schema import dataset_states, held
from core.upsert.rows import write_held, write_rows


class KnownState(NamedTuple):
    """A dataset of one event or session: its stored state (None before it was ever due), and what is held of it."""

    stored: DatasetState | None
    state: DatasetState
    held: Mapping[Key, Held]


def read_state(connection: Connection, dataset: Dataset, entity_id: str) -> KnownState:
    """A dataset's state for one event or session."""
    own = dataset_states.c.entity_id == entity_id, dataset_states.c.dataset == dataset.name
    stored = next(iter(read_records(connection, dataset_states, DatasetState, *own)), None)
    refused = held.c.entity_id == entity_id, held.c.kind == dataset.rejected.value
    found = {answer.key: answer for answer in read_records(connection, held, Held, *refused)}
    return KnownState(stored, stored or initial_state(dataset, entity_id), found)


def read_season_states(connection: Connection, dataset: Dataset, season: int) -> dict[str, DatasetState]:
    """A dataset's states in a season, by event or session."""
    of_season = dataset_states.c.dataset == dataset.name, in_season(dataset_states.c.entity_id)
    states = read_records(connection, dataset_states, DatasetState, *of_season, **season_ids(season))
    return {state.entity_id: state for state in states}


def write_state(
    connection: Connection, known: KnownState, state: DatasetState, kept: Mapping[Key, Held], now: datetime
) -> None:
    """Write a dataset's state after a poll, and what is held of it by then."""
    before = {} if known.stored is None else {state.entity_id: known.stored}
    write_rows(connection, dataset_states, before, {state.entity_id: state}, stamp=now)
    write_held(connection, known.held, kept)
