"""`python -m flows.serve` as a process: its schedules create runs, and it leaves no process behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from waiting import HANGS, wait_for

from core.database import Database
from core.replay import Fault, Upstream
from core.schema import events, results
from flows.runtime import limit

SPA = "2024-belgian-grand-prix"


@pytest.fixture
def served(replay: Upstream, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The process, which starts a Prefect server of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.serve"],
        env=os.environ
        | {
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "LOG_FORMAT": "json",
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=HANGS)


def ask(client: httpx.Client, method: str, path: str, body: dict[str, object] | None = None) -> Any:
    """The answer of Prefect's API; asks again after a 503, which it gives when SQLite is locked, for example."""
    deadline = time.monotonic() + HANGS
    while (answer := client.request(method, path, json=body)).status_code == 503:
        assert time.monotonic() < deadline, answer.text
    assert answer.is_success, answer.text
    return answer.json()


def runs_in(client: httpx.Client, *states: str) -> Counter[str]:
    """How many runs of each flow are in these states."""
    names = {one["id"]: one["name"] for one in ask(client, "POST", "/flows/filter", {})}
    runs = ask(client, "POST", "/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": states}}}})
    return Counter(names[run["flow_id"]] for run in runs)


def until(question: Callable[[], bool], served: subprocess.Popen[str], what: str) -> None:
    """Wait for a yes while the process runs."""

    def answer() -> bool:
        assert served.poll() is None, f"ended with {served.returncode} before {what}"
        return question()

    wait_for(answer, what)


def start(client: httpx.Client, deployment: str, parameters: dict[str, object]) -> str:
    """Create a run of a deployment, and return the run's path."""
    found = ask(client, "GET", f"/deployments/name/{deployment}")["id"]
    body: dict[str, object] = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    return f"/flow_runs/{ask(client, 'POST', f'/deployments/{found}/create_flow_run', body)['id']}"


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(other for child in children for other in descendants(child))]


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_the_schedules_make_runs_and_sigterm_ends_them(
    served: subprocess.Popen[str], replay: Upstream, sqlite: Database
) -> None:
    """Prefect's scheduler works with the pinned SQLAlchemy; with version 2.1 it silently created no run."""
    assert served.stderr is not None
    url = next(found[1] for line in served.stderr if (found := re.search(r"Prefect's UI: (http://[\d.:]+)\"", line)))
    assert any("serving sync-schedule" in line for line in served.stderr)
    with httpx.Client(base_url=f"{url}/api", timeout=HANGS) as client:
        assert client.get(f"{url}/ui-settings").json()["api_url"] == "/api", "the UI uses the server that serves it"
        every_flow = {"sync-schedule", "refresh-statuses", "poll-results", "sync-timing", "deliver-changes"}
        until(lambda: set(runs_in(client, "SCHEDULED")) == every_flow, served, "a run of each schedule")
        assert ask(client, "GET", f"/v2/concurrency_limits/{limit.NAME}")["limit"] == limit.SLOTS
        # A scheduled run may do some of it, but the calendar's schedule is hourly.
        until(lambda: set(runs_in(client, "COMPLETED")) == every_flow, served, "what is overdue on an empty database")
        # A scheduled run that is under way would cancel the test's own.
        for deployment in ask(client, "POST", "/deployments/filter", {}):
            ask(client, "POST", f"/deployments/{deployment['id']}/pause_deployment")
        until(lambda: not runs_in(client, "PENDING", "RUNNING"), served, "the end of all runs")
        run = start(client, "sync-schedule/default", {"season": 2024})
        until(lambda: bool(ask(client, "GET", run)["state_type"] == "COMPLETED"), served, "the sync")
        # Another run, which is waiting for an answer when SIGTERM comes.
        replay.faults = [Fault("^/(ergast|livetiming)/", times=99, delay_seconds=60)]
        replay.requests.clear()
        start(client, "poll-results/default", {"event": SPA, "session": "race"})
        until(lambda: bool(replay.requests), served, "upstream is asked")
    children = descendants(served.pid)
    assert len(children) >= 2, "the server, and the run"
    served.send_signal(signal.SIGTERM)
    _, written = served.communicate(timeout=HANGS)
    assert served.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/api/health")
    assert [child for child in children if is_alive(child)] == []
    with sqlite.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(results)) == 0
        assert connection.scalar(select(func.count()).select_from(events)) == 25
    lines = [json.loads(line) for line in written.splitlines()]
    overdue = [name for line in lines for name, said, _ in [line["message"].partition(" is overdue")] if said]
    in_order = ["sync-schedule", "refresh-statuses", "poll-results", "sync-timing", "deliver-changes"]
    assert overdue == in_order, "each needs the rows of those before it"
    (found,) = [line for line in lines if line["message"].endswith("148 added")]
    assert (found["flow_run_name"], found["requests"]) == ("sync-schedule-2024", {"fastf1": 1, "jolpica": 1})


def test_a_scheduler_that_is_turned_off_stays_up_until_sigterm(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If it ended, a supervisor would start it again."""
    environment.setenv("ENABLE_SCHEDULER", "false")
    environment.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    process = subprocess.Popen([sys.executable, "-m", "flows.serve"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "ENABLE_SCHEDULER is false: nothing is scheduled" in process.stderr.readline()
    assert process.poll() is None
    process.terminate()
    _, written = process.communicate(timeout=HANGS)
    assert (process.returncode, written.rstrip().endswith("stopped")) == (0, True)
    assert list(tmp_path.iterdir()) == [], "no table, no server"
