"""Backfill as a Prefect flow run and as a command: what a person sees, and how it ends."""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from race_listings import BRITAIN
from race_listings import serve as serve_laps
from recording import Recording, needs_recording
from sqlalchemy import func, insert, select
from waiting import HANGS

from core.database import Database
from core.rules.timing.listed import BackfilledRace
from core.schema import events, upstream_requests
from core.upsert.ledger import BUDGET, RESERVE
from flows import backfill
from flows.runtime import allowance, limit

pytestmark = needs_recording

ROOT = Path(__file__).parents[1]
COLOR = re.compile(r"\x1b\[[\d;]*m")
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def engine(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Prefect server whose limit has room for all, and requests that follow each other at once."""
    monkeypatch.setattr(allowance, "APART_SECONDS", 0.0)
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(limit.NAME, 1000, 1000.0)


def test_a_flow_run_shows_its_progress_and_a_table(
    engine: None, sqlite: Database, recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        [done] = backfill.backfill_history(first=1997, last=1997, now=NOW)
    assert (done.season, done.results, done.failure) == (1997, 34, "")
    finished = {getattr(record, "task_run_name", "") for record in caplog.records if record.name == "prefect.task_runs"}
    assert finished >= {"fetch-page-1997-races-0", "upsert-page-1997-results-300", "upsert-history-1997"}
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=["backfill-history-1997-1997"]))
        )
    assert [run.state.name for run in found if run.state] == ["Completed"]
    progress = Artifact.get("history-progress")
    assert progress is not None
    assert progress.data == 100
    table = Artifact.get("history")
    assert table is not None
    assert isinstance(table.data, str)
    [row] = json.loads(table.data)
    assert (row["season"], row["events"], row["results added"]) == (1997, 17, 34)


def test_a_flow_run_with_laps_shows_the_progress_of_its_races(
    engine: None, sqlite: Database, recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    serve_laps(recording, "10")
    with caplog.at_level(logging.INFO):
        _, race = backfill.backfill_history(first=2023, last=2023, now=NOW, laps=True)
    assert isinstance(race, BackfilledRace)
    assert (race.session_id, race.laps, race.pit_stops) == (BRITAIN, 970, 24)
    finished = {getattr(record, "task_run_name", "") for record in caplog.records if record.name == "prefect.task_runs"}
    assert finished >= {"fetch-page-2023-10-laps-900", "upsert-page-2023-10-pitstops-0", f"upsert-laps-{BRITAIN}"}
    progress = Artifact.get("laps-progress")
    assert progress is not None
    assert progress.data == 100
    table = Artifact.get("laps")
    assert table is not None
    assert isinstance(table.data, str)
    assert json.loads(table.data) == [{"race": BRITAIN, "laps added": 970, "pit stops added": 24, "failure": ""}]


@pytest.fixture
def on_terminal(recording: Recording) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command in a terminal, with hardly a request left: the calendar's, and then it waits."""
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.backfill", "1997", "1997", "--now", NOW.isoformat()],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    yield process, terminal
    process.kill()
    process.wait(HANGS)
    os.close(terminal)


def until(terminal: int, wanted: str) -> str:
    """What a terminal shows, up to a text that matches."""
    shown = ""
    while not re.search(wanted, shown):
        shown += os.read(terminal, 1000).decode(errors="replace")
    return COLOR.sub("", shown)


@pytest.fixture
def spent(sqlite: Database) -> Database:
    """A database whose hour has one request left for a backfill."""
    asked = [{"at": NOW, "host": "a backfill before", "path": "", "status": 200}] * (BUDGET - RESERVE - 1)
    with sqlite.writing() as connection:
        connection.execute(insert(upstream_requests), asked)
    return sqlite


def test_the_terminal_says_when_it_goes_on_and_ctrl_c_works_at_once(
    spent: Database, on_terminal: tuple[subprocess.Popen[bytes], int]
) -> None:
    process, terminal = on_terminal
    shown = until(terminal, r"goes on at 13:00 UTC")
    assert "0/1 seasons, 0 rows" in shown
    process.send_signal(signal.SIGINT)
    assert "interrupted" in until(terminal, "interrupted")
    assert process.wait(HANGS) == 130
    with spent.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(events)) == 0


def test_without_a_terminal_there_are_log_lines(spent: Database, recording: Recording) -> None:
    command = [sys.executable, "-m", "flows.backfill", "1997", "1997", "--now", NOW.isoformat()]
    with subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "goes on" in line)
        assert "no request to Jolpica is left for now: goes on at 13:00 UTC; 0 of 1 season done" in said
        process.send_signal(signal.SIGINT)
        assert process.wait(HANGS) == 130
