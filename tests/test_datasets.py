"""Datasets are declared as data: what the recipe in docs/architecture.md promises of each holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.records import Source
from core.rules.datasets import DATASETS, Dataset, accepted, awaited, failed, initial_state
from core.schema import metadata

NOW = datetime(2024, 7, 28, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

of_each = pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)


def test_names_and_held_kinds_are_not_shared() -> None:
    assert len({dataset.name for dataset in DATASETS}) == len(DATASETS)
    assert len({dataset.rejected for dataset in DATASETS}) == len(DATASETS)


@of_each
def test_its_tables_begin_with_the_id_and_have_a_natural_key(dataset: Dataset) -> None:
    for name in dataset.tables:
        key = [column.name for column in metadata.tables[name].primary_key]
        assert key[0] == dataset.key
        assert len(key) > 1


@of_each
def test_only_the_last_stage_of_its_cadence_has_no_end(dataset: Dataset) -> None:
    assert [stage.lasts is None for stage in dataset.cadence] == [False] * (len(dataset.cadence) - 1) + [True]


@of_each
def test_it_is_polled_less_often_as_it_ages_and_after_faults_in_a_row(dataset: Dataset) -> None:
    state = initial_state(dataset, "2024-belgian-grand-prix")
    ages = (timedelta(0), timedelta(days=400))
    young, old = (awaited(dataset, state, NOW - age, NOW).next_poll_at for age in ages)
    assert young is not None
    assert old is not None
    assert NOW < young <= old
    waits = []
    for _ in range(5):
        state = failed(state, NOW, "jolpica: cannot be reached")
        assert state.next_poll_at is not None
        waits.append((state.next_poll_at - NOW) // MINUTE)
    assert waits == [5, 10, 20, 40, 60]
    whole = accepted(state, Source.JOLPICA, is_revision=True)
    assert (whole.next_poll_at, whole.poll_faults, whole.last_error, whole.revision) == (None, 0, None, 1)
    assert whole.poll_attempts == 6
