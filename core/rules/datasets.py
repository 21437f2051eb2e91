"""The datasets with a state in `dataset_states`, declared as data, and how polls change that state. Pure.

A session's classification is older than this table: its state is in columns of `sessions`, with the same meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime

from core.kinds import Entity, HeldKind, Source
from core.records import Record
from core.rules.results.polling import DAY, FILED, HOUR, Stage, retry_after_fault, stage_at


@dataclass(frozen=True)
class Dataset:
    """Facts about an event or a session that are published, polled and accepted together.

    The first column of each table's primary key is the entity's id (`event_id` or `session_id`), and an entity's rows
    are replaced together. `rejected` is the kind under which refused answers are held, `differing` that for answers
    that differ from our own computation, if there is one. `cadence` is how often it is polled until it is complete, in
    stages from the entity's end.
    """

    name: str
    entity: Entity
    tables: tuple[str, ...]
    rejected: HeldKind
    cadence: tuple[Stage, ...]
    differing: HeldKind | None = None

    @property
    def held_kinds(self) -> tuple[HeldKind, ...]:
        """The kinds under which its answers may be held."""
        return (self.rejected,) if self.differing is None else (self.rejected, self.differing)

    @property
    def key(self) -> str:
        """The column of its tables that holds the entity's id."""
        return f"{self.entity.value}_id"


STANDINGS = Dataset(
    name="standings",
    entity=Entity.EVENT,
    tables=("driver_standings", "team_standings"),
    rejected=HeldKind.STANDINGS_REJECTED,
    cadence=(Stage(14 * DAY, HOUR), Stage(None, 7 * DAY)),
    differing=HeldKind.STANDINGS_DIFFER,
)

ARCHIVED = (Stage(DAY, HOUR), Stage(FILED, DAY), Stage(None, 90 * DAY))
"""From a session's end until live timing's archive is complete and accepted."""

LAPS = Dataset("laps", Entity.SESSION, ("laps",), HeldKind.LAPS_REJECTED, ARCHIVED)
STINTS = Dataset("stints", Entity.SESSION, ("stints",), HeldKind.STINTS_REJECTED, ARCHIVED)
PIT_STOPS = Dataset("pit_stops", Entity.SESSION, ("pit_stops",), HeldKind.PIT_STOPS_REJECTED, ARCHIVED)
WEATHER = Dataset("weather", Entity.SESSION, ("weather",), HeldKind.WEATHER_REJECTED, ARCHIVED)
RACE_CONTROL = Dataset("race_control", Entity.SESSION, ("race_control",), HeldKind.RACE_CONTROL_REJECTED, ARCHIVED)
ENTRIES = Dataset("entries", Entity.SESSION, ("entries",), HeldKind.ENTRIES_REJECTED, ARCHIVED)


class DatasetState(Record):
    """The progress of one dataset of one event or session; with `next_poll_at` None it is not due."""

    entity: Entity
    entity_id: str
    dataset: str
    revision: int = 0
    next_poll_at: AwareDatetime | None = None
    poll_attempts: int = 0
    poll_faults: int = 0
    last_error: str | None = None
    source: Source | None = None


def initial_state(dataset: Dataset, entity_id: str) -> DatasetState:
    """The state of a dataset that was never due."""
    return DatasetState(entity=dataset.entity, entity_id=entity_id, dataset=dataset.name)


def with_next_poll(state: DatasetState, at: datetime | None) -> DatasetState:
    """The state with its next poll at a given moment; with None it is not due."""
    return state.model_copy(update={"next_poll_at": at})


def accepted(state: DatasetState, source: Source, *, is_revision: bool, differences: str | None = None) -> DatasetState:
    """The state after an accepted answer, without a next poll; `differences` from our own computation are in words."""
    error = None if differences is None else f"differs: {differences}"
    update = {"next_poll_at": None, "last_error": error, "source": source, "revision": state.revision + is_revision}
    return _polled(state, 0, update)


def awaited(
    dataset: Dataset, state: DatasetState, ended_at: datetime, now: datetime, refused: str | None = None
) -> DatasetState:
    """The state after an answer that is unpublished, incomplete or, with a reason in words, `refused`."""
    error = None if refused is None else f"refused: {refused}"
    stage, _ = stage_at(dataset.cadence, now - ended_at)
    return _polled(state, 0, {"next_poll_at": now + stage.every, "last_error": error})


def differing(state: DatasetState, at: datetime | None, differences: str) -> DatasetState:
    """The state after an answer that differs from our own computation, which stands; `at` is its next poll."""
    return _polled(state, 0, {"next_poll_at": at, "last_error": f"differs: {differences}"})


def failed(state: DatasetState, now: datetime, error: str) -> DatasetState:
    """The state after a fault: polled again soon, then less and less often."""
    faults = state.poll_faults + 1
    return _polled(state, faults, {"next_poll_at": retry_after_fault(now, faults), "last_error": error})


def _polled(state: DatasetState, faults: int, update: Mapping[str, object]) -> DatasetState:
    return state.model_copy(update={"poll_attempts": state.poll_attempts + 1, "poll_faults": faults, **update})
