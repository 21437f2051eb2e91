"""The state of a dataset after each kind of answer, and the datasets as declared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Table

from core.kinds import Source
from core.rules.datasets import (
    STANDINGS,
    Dataset,
    accepted,
    awaited,
    differing,
    failed,
    initial_state,
    with_next_poll,
)
from core.rules.timing.gates import GATES
from core.schema import metadata

ENDED = datetime(2024, 3, 2, tzinfo=UTC)
NOW = ENDED + timedelta(days=1)
DUE = with_next_poll(initial_state(STANDINGS, "2024-bahrain-grand-prix"), NOW)


@pytest.mark.parametrize("dataset", [STANDINGS, *(gate.dataset for gate in GATES)], ids=lambda dataset: dataset.name)
def test_the_declaration_of_a_dataset_matches_its_tables(dataset: Dataset) -> None:
    for name in dataset.tables:
        table: Table = metadata.tables[name]
        assert table.primary_key.columns.keys()[0] == dataset.key
    assert dataset.cadence[-1].lasts is None
    assert all(stage.lasts for stage in dataset.cadence[:-1])


def test_faults_in_a_row_delay_the_next_poll_up_to_an_hour() -> None:
    state, minutes = DUE, []
    for _ in range(6):
        state = failed(state, NOW, "timed out")
        assert state.next_poll_at is not None
        minutes.append((state.next_poll_at - NOW) // timedelta(minutes=1))
    assert minutes == [5, 10, 20, 40, 60, 60]
    assert (state.poll_faults, state.poll_attempts, state.last_error) == (6, 6, "timed out")
    answered = awaited(STANDINGS, state, ENDED, NOW)
    assert (answered.poll_faults, answered.poll_attempts, answered.last_error) == (0, 7, None)


@pytest.mark.parametrize(
    ("age", "every"),
    [
        (timedelta(days=1), timedelta(hours=1)),
        (timedelta(days=14) - timedelta(seconds=1), timedelta(hours=1)),
        (timedelta(days=14), timedelta(days=7)),
        (timedelta(days=9_000), timedelta(days=7)),
    ],
)
def test_an_unpublished_dataset_is_polled_by_its_cadence(age: timedelta, every: timedelta) -> None:
    assert awaited(STANDINGS, DUE, ENDED, ENDED + age).next_poll_at == ENDED + age + every


def test_a_refused_answer_notes_its_reason_and_an_accepted_one_ends_the_polls() -> None:
    refused = awaited(STANDINGS, DUE, ENDED, NOW, "two in one place")
    assert (refused.last_error, refused.revision) == ("refused: two in one place", 0)
    whole = accepted(refused, Source.JOLPICA, is_revision=True)
    assert (whole.last_error, whole.next_poll_at, whole.revision, whole.source) == (None, None, 1, Source.JOLPICA)
    assert accepted(with_next_poll(whole, NOW), Source.JOLPICA, is_revision=False).revision == 1


def test_a_dataset_that_differs_notes_why_and_is_polled_at_the_given_time() -> None:
    later = differing(DUE, NOW + timedelta(hours=6), "perez: points 18 by results, 16 published")
    assert (later.next_poll_at, later.poll_attempts, later.revision) == (NOW + timedelta(hours=6), 1, 0)
    assert later.last_error == "differs: perez: points 18 by results, 16 published"
    taken = accepted(later, Source.JOLPICA, is_revision=True, differences="perez")
    assert (taken.next_poll_at, taken.last_error, taken.revision) == (None, "differs: perez", 1)
    assert accepted(taken, Source.JOLPICA, is_revision=False).last_error is None
