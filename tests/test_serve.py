"""`python -m flows.serve` as a process: schedules that really make runs, and an end that leaves nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from conftest import HANGS
from sqlalchemy import func, select

from core.database import Database
from core.replay import Fault, Upstream
from core.schema import events, results
from flows.runtime import limit

pytestmark = pytest.mark.xdist_group("prefect")

SPA = "2024-belgian-grand-prix"
SECONDS_TO_START = SECONDS_TO_RUN = SECONDS_TO_STOP = HANGS


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
    process.communicate(timeout=SECONDS_TO_STOP)


def scheduled(client: httpx.Client) -> dict[str, int]:
    """How many runs each deployment has before it."""
    names = {one["id"]: one["name"] for one in client.post("/flows/filter", json={}).json()}
    runs = client.post("/flow_runs/filter", json={"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}).json()
    return {name: sum(run["flow_id"] == flow for run in runs) for flow, name in names.items()}


def runs_in(client: httpx.Client, *states: str) -> list[str]:
    """The flows of the runs in some states."""
    names = {one["id"]: one["name"] for one in client.post("/flows/filter", json={}).json()}
    asked = {"flow_runs": {"state": {"type": {"any_": states}}}}
    return [names[run["flow_id"]] for run in client.post("/flow_runs/filter", json=asked).json()]


def until(question: Callable[[], bool], what: str) -> None:
    """Ask until the answer is yes, for as long as a run may take."""
    deadline = time.monotonic() + SECONDS_TO_RUN
    while not question():
        assert time.monotonic() < deadline, f"not in time: {what}"


def start(client: httpx.Client, deployment: str, parameters: dict[str, object]) -> str:
    """Have a deployment run, and give the run's path."""
    found = client.get(f"/deployments/name/{deployment}").json()["id"]
    asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    deadline = time.monotonic() + SECONDS_TO_RUN
    # 503 is for what may be asked again, such as a database that was locked.
    while (answer := client.post(f"/deployments/{found}/create_flow_run", json=asked)).status_code == 503:
        assert time.monotonic() < deadline, answer.text
    assert answer.is_success, answer.text
    return f"/flow_runs/{answer.json()['id']}"


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(other for child in children for other in descendants(child))]


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that waits for its parent to notice its end does not."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_the_schedules_make_runs_and_sigterm_ends_them(
    served: subprocess.Popen[str], replay: Upstream, sqlite: Database
) -> None:
    """Prefect's scheduler works with the pinned SQLAlchemy; on another it created no run, and said nothing."""
    assert served.stderr is not None
    url = next(found[1] for line in served.stderr if (found := re.search(r"Prefect's UI: (http://[\d.:]+)\"", line)))
    assert any("serving sync-schedule" in line for line in served.stderr)
    deadline = time.monotonic() + SECONDS_TO_START
    assert httpx.get(f"{url}/ui-settings").json()["api_url"] == "/api", "the UI asks the server that it came from"
    with httpx.Client(base_url=f"{url}/api", timeout=HANGS) as client:
        while (ahead := scheduled(client)) is not None and (len(ahead) < 4 or not all(ahead.values())):
            assert time.monotonic() < deadline, f"no run was created: {ahead}"
        assert set(ahead) == {"sync-schedule", "refresh-statuses", "poll-results", "sync-timing"}
        assert client.get(f"/v2/concurrency_limits/{limit.NAME}").json()["limit"] == limit.SLOTS
        # Some of it may be done by a scheduled run; the calendar's own turn comes once an hour.
        until(lambda: set(runs_in(client, "COMPLETED")) == set(ahead), "what is overdue on an empty database")
        until(lambda: not runs_in(client, "PENDING", "RUNNING"), "its end")
        run = start(client, "sync-schedule/default", {"season": 2024})
        until(lambda: client.get(run).json()["state_type"] == "COMPLETED", "the sync")
        # One more, that waits for an answer when the end comes.
        replay.faults = [Fault("/ergast/", times=99, delay_seconds=60)]
        replay.requests.clear()
        start(client, "poll-results/default", {"event": SPA, "session": "race"})
        until(lambda: bool(replay.requests), "upstream is asked")
    children = descendants(served.pid)
    assert len(children) >= 2, "the server, and the run"
    asked = time.monotonic()
    served.send_signal(signal.SIGTERM)
    _, written = served.communicate(timeout=SECONDS_TO_STOP)
    assert served.returncode == 0
    assert time.monotonic() - asked < SECONDS_TO_STOP
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/api/health")
    assert [child for child in children if is_alive(child)] == []
    with sqlite.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(results)) == 0
        assert connection.scalar(select(func.count()).select_from(events)) == 25
    lines = [json.loads(line) for line in written.splitlines()]
    overdue = [name for line in lines for name, said, _ in [line["message"].partition(" is overdue")] if said]
    in_order = ["sync-schedule", "refresh-statuses", "poll-results", "sync-timing"]
    assert overdue == in_order, "each stands on those before it"
    (found,) = [line for line in lines if line["message"].endswith("148 added")]
    assert (found["flow_run_name"], found["requests"]) == ("sync-schedule-2024", {"fastf1": 1, "jolpica": 1})


def test_a_scheduler_that_is_turned_off_stays_up_until_sigterm(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A supervisor would start again what ends."""
    environment.setenv("ENABLE_SCHEDULER", "false")
    environment.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    process = subprocess.Popen([sys.executable, "-m", "flows.serve"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "ENABLE_SCHEDULER is false: nothing is scheduled" in process.stderr.readline()
    assert process.poll() is None
    process.terminate()
    _, written = process.communicate(timeout=SECONDS_TO_STOP)
    assert (process.returncode, written.rstrip().endswith("stopped")) == (0, True)
    assert list(tmp_path.iterdir()) == [], "no table, no server"
