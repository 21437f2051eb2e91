"""Whole seasons from whole tables: the same rows as a sync and a poll make, resumable, and nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from conftest import Recording, needs_recording
from sqlalchemy import delete, select

from core.database import Database
from core.rules.history import HISTORY
from core.schema import changes, dataset_states, metadata, upstream_requests
from flows.backfill import backfill_history
from flows.poll_results import poll
from flows.runtime.run import Run
from flows.sync_schedule import sync_schedule
from flows.tasks import read_due_polls

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
RECORDED_SEASONS = (1950, 1954, 1958, 1964, 1967, 1979, 1988, 1991, 1995, 1997, 2000, 2003, 2007, 2012)

Rows = dict[str, list[dict[str, Any]]]

UNCOMPARED = {changes.name, upstream_requests.name}


def contents(database: Database) -> Rows:
    """All rows but the feed's and the ledger's, in an order of their own, without the marks of whole seasons."""
    found: Rows = {}
    with database.reading() as connection:
        for table in metadata.sorted_tables:
            if table.name in UNCOMPARED:
                continue
            names = [column.name for column in table.columns if not (table.name == "held" and column.name == "id")]
            query = select(*(table.c[name] for name in names))
            if table is dataset_states:
                query = query.where(dataset_states.c.dataset != HISTORY)
            rows = [dict(row) for row in connection.execute(query).mappings()]
            found[table.name] = sorted(rows, key=lambda row: [str(value) for value in row.values()])
    return found


def empty(database: Database) -> None:
    """Delete all rows."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))


@needs_recording
@pytest.mark.parametrize("season", [1950, 1958, 1979, 1997, 2012, 2020, 2023])
def test_a_season_at_once_is_the_season_session_by_session(
    season: int, database: Database, recording: Recording
) -> None:
    """Every table but the feed, with the same `now`."""
    sync_schedule.fn(season=season, now=NOW)
    run = Run.begin(NOW)
    poll(run, jolpica_s(read_due_polls(run, None, None)), force=False, by_name=False)
    ordinary = contents(database)
    empty(database)
    backfill_history.fn(first=season, last=season, now=NOW)
    assert contents(database) == ordinary
    assert ordinary["results"]


def jolpica_s(due: list[Any]) -> list[Any]:
    return [one for one in due if one.session.kind.value in ("race", "qualifying", "sprint")]
