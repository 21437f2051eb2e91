"""Backfill killed at random moments: the next runs end where an undisturbed one does.

BACKFILL_KILLS in the environment asks for so many examples on each database, at random; the tests take a few.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from backfills import empty, left_of
from conftest import poll_by_name
from recording import Recording, needs_recording
from sqlalchemy import insert
from waiting import HANGS, wait_for

from core.database import Database
from core.rules.results.outcome import Outcome
from core.schema import upstream_requests
from core.upsert.ledger import BUDGET, RESERVE
from flows.backfill import backfill_history
from flows.sync_schedule import sync_schedule

pytestmark = needs_recording

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
FIRST, LAST = 2018, 2020
"""Two calendars without results in the recording, and a whole season."""

KILLS = int(os.environ.get("BACKFILL_KILLS", "6"))
SEED = 10 if "BACKFILL_KILLS" not in os.environ else None
AT_MOST = 4
"""How often one backfill is killed."""


def backfill() -> None:
    backfill_history.fn(first=FIRST, last=LAST, now=NOW)


def killed(database: Database, after: float) -> None:
    """A backfill in a process of its own that is killed after so many seconds, unless it is done by then."""
    database.engine.dispose()
    process = multiprocessing.get_context("fork").Process(target=backfill)
    process.start()
    process.join(after)
    process.kill()
    process.join(HANGS)


@pytest.mark.parametrize("known", ["nothing", "the calendar"])
def test_a_backfill_killed_at_random_moments_ends_like_an_undisturbed_one(
    known: str, database: Database, recording: Recording
) -> None:
    dice = random.Random(SEED)

    def begin() -> None:
        empty(database)
        recording.reset()
        if known == "the calendar":
            sync_schedule.fn(season=LAST, now=NOW)

    begin()
    took = seconds(backfill)
    undisturbed, asked = left_of(database), len(recording.requests())
    for _ in range(max(KILLS // 2, 1)):
        begin()
        times = dice.randint(1, AT_MOST)
        for _ in range(times):
            killed(database, dice.uniform(0, took))
        backfill()
        assert left_of(database) == undisturbed
        # A page may be lost each time; so may be the schedules of seasons since 2018, which are not Jolpica's.
        assert len([path for path in recording.requests() if "/ergast/" in path]) <= asked + times


def seconds(action: Callable[[], None]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def test_a_waiting_backfill_does_not_delay_a_poll(database: Database, recording: Recording) -> None:
    """The backfill has asked all that it may in an hour, and waits; the reserve is the polls'."""
    sync_schedule.fn(season=2020, now=NOW)
    spent = [{"at": NOW, "host": "a backfill before", "path": "", "status": 200}] * (BUDGET - RESERVE - 1)
    with database.writing() as connection:
        connection.execute(insert(upstream_requests), spent)
    database.engine.dispose()
    process = multiprocessing.get_context("fork").Process(target=backfill_history.fn, args=(1995, 1995, NOW))
    process.start()
    try:
        wait_for(lambda: len(left_of(database)["backfill_pages"]) == 1, "a page")
        rounds = ("austrian", "styrian", "hungarian", "british")
        polled = [one for name in rounds for one in poll_by_name(event=f"2020-{name}-grand-prix/race", now=NOW)]
        assert [one.outcome for one in polled] == [Outcome.OFFICIAL] * len(rounds)
        assert process.is_alive(), "it waits"
        assert len(left_of(database)["backfill_pages"]) == 1
    finally:
        process.kill()
        process.join(HANGS)
