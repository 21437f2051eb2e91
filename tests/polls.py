"""Polls of 2024's results from the replayed upstream, which answers as a test says; and what they write."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from conftest import poll_by_name
from sqlalchemy import select

from core.database import Database
from core.kinds import SessionKind
from core.replay import Fault, Upstream
from core.rules.results.outcome import Outcome, Polled
from core.schema import changes, driver_standings, drivers, result_revisions, results, teams
from core.upsert.schedule import SeasonSummary
from flows.poll_results import main, poll_results

Sync = Callable[..., SeasonSummary]
BAHRAIN = "2024-bahrain-grand-prix"
PUBLISHED = datetime(2024, 3, 2, 18, 5, tzinfo=UTC)  # five minutes before, Jolpica began to serve Bahrain's race
EVERY = 10**6


def begun(replay: Upstream, sync: Sync, now: datetime) -> None:
    replay.as_of = now
    sync(2024, now)
    replay.requests.clear()


def poll(
    now: datetime = PUBLISHED, event: str = BAHRAIN, kind: SessionKind = SessionKind.RACE, *, force: bool = False
) -> Polled:
    (polled,) = poll_by_name(event=event, session=kind, force=force, now=now)
    return polled


def poll_due(now: datetime) -> dict[str, Outcome]:
    """Poll what is due; the outcomes by session."""
    return {polled.session_id: polled.outcome for polled in poll_results.fn(now=now)}


def run(now: datetime, *arguments: str) -> int:
    """Run the command itself; an exception it does not catch fails the test."""
    return main([*arguments, "--now", now.isoformat()])


def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that results write."""
    with database.reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in (results, result_revisions, changes, driver_standings, drivers, teams)
        }


def asked(replay: Upstream, match: str = "^/ergast/") -> list[str]:
    """The paths requested since the last call."""
    found = [request.path for request in replay.requests if re.search(match, request.path)]
    replay.requests.clear()
    return found


def answers(replay: Upstream, match: str = "^/ergast/", **fault: Any) -> None:
    replay.faults = [Fault(match=match, times=EVERY, **fault)]
