"""An older document, served again after a newer one: it is held, and accepted after a day or with force."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from conftest import held_of, on_sqlite
from polls import answers, dump, poll
from sqlalchemy import func, select

from core.database import Database
from core.kinds import ChangeKind, HeldKind
from core.replay import Upstream
from core.rules.results.outcome import Outcome
from core.schema import changes, result_revisions, results
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]

SPA = "2024-belgian-grand-prix"
SPA_RACE = f"{SPA}/race"
RUSSELL_WON = datetime(2024, 7, 28, 16, 5, tzinfo=UTC)
HAMILTON_WON = datetime(2024, 7, 28, 18, 5, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.fixture
def spa(replay: Upstream, database: Database, sync: Sync) -> Upstream:
    """Spa 2024 after both polls: Russell won, and was disqualified two hours later."""
    replay.as_of = RUSSELL_WON
    sync(2024, RUSSELL_WON)
    replay.overlay |= {(2024, "driverstandings"): [], (2024, "constructorstandings"): []}
    assert poll(RUSSELL_WON, SPA).outcome is Outcome.OFFICIAL
    replay.as_of = HAMILTON_WON
    revised = poll(HAMILTON_WON, SPA)
    assert (revised.outcome, revised.revision) == (Outcome.REVISED, 2)
    return replay


def serve_older(replay: Upstream) -> None:
    older = copy.deepcopy(Upstream(as_of=RUSSELL_WON).documents(2024, "results"))
    replay.overlay[2024, "results"] = older


def winner(database: Database) -> str | None:
    with database.reading() as connection:
        return connection.scalar(
            select(results.c.driver_id).where(results.c.session_id == SPA_RACE, results.c.position == 1)
        )


def test_an_older_document_is_held_and_restored_after_a_day(spa: Upstream, database: Database) -> None:
    good = dump(database)
    serve_older(spa)
    first = HAMILTON_WON + HOUR
    for seen, now in enumerate((first, first + HOUR, first + DAY - timedelta(seconds=1)), start=1):
        assert poll(now, SPA).outcome is Outcome.HELD
        assert dump(database) == good
        (kept,) = held_of(database)
        assert (kept.kind, kept.entity_id) == (HeldKind.RESULTS_SUPERSEDED, SPA_RACE)
        assert (kept.first_seen_at, kept.last_seen_at, kept.times_seen) == (first, now, seen)
    assert winner(database) == "hamilton"

    restored = poll(first + DAY, SPA)
    assert (restored.outcome, restored.revision) == (Outcome.RESTORED, 3)
    assert winner(database) == "russell"
    assert held_of(database) == []
    with database.reading() as connection:
        kinds = connection.scalars(
            select(changes.c.kind)
            .where(changes.c.entity_id == SPA_RACE, changes.c.kind.like("results_%"))
            .order_by("id")
        ).all()
        revisions = connection.scalar(
            select(func.count()).select_from(result_revisions).where(result_revisions.c.session_id == SPA_RACE)
        )
    assert kinds == [ChangeKind.RESULTS_OFFICIAL, ChangeKind.RESULTS_REVISED, ChangeKind.RESULTS_RESTORED]
    assert revisions == 3
    assert poll(first + DAY + HOUR, SPA).outcome is Outcome.UNCHANGED


def test_an_older_document_is_applied_at_once_with_force(spa: Upstream, database: Database) -> None:
    serve_older(spa)
    now = HAMILTON_WON + HOUR
    assert poll(now, SPA).outcome is Outcome.HELD
    restored = poll(now + MINUTE, SPA, force=True)
    assert (restored.outcome, restored.revision) == (Outcome.RESTORED, 3)
    assert winner(database) == "russell"
    assert held_of(database) == []


def test_a_newer_answer_in_between_restarts_the_holding_time_of_the_older(spa: Upstream, database: Database) -> None:
    good = dump(database)
    serve_older(spa)
    first = HAMILTON_WON + HOUR
    assert poll(first, SPA).outcome is Outcome.HELD
    del spa.overlay[2024, "results"]
    assert poll(first + HOUR, SPA).outcome is Outcome.UNCHANGED
    assert held_of(database) == []
    serve_older(spa)
    again = first + 2 * HOUR
    assert poll(again, SPA).outcome is Outcome.HELD
    assert poll(first + DAY, SPA).outcome is Outcome.HELD, "a day since it was first seen, not since it was back"
    assert dump(database) == good
    assert held_of(database)[0].first_seen_at == again
    assert poll(again + DAY, SPA).outcome is Outcome.RESTORED


@on_sqlite
def test_a_fault_neither_confirms_nor_drops_a_held_answer(spa: Upstream, database: Database) -> None:
    serve_older(spa)
    first = HAMILTON_WON + HOUR
    assert poll(first, SPA).outcome is Outcome.HELD
    answers(spa, status=500)
    assert poll(first + DAY, SPA).outcome is Outcome.FAILED
    assert winner(database) == "hamilton"
    spa.faults = []
    assert poll(first + DAY + HOUR, SPA).outcome is Outcome.RESTORED
