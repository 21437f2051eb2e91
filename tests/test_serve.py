"""`python -m flows.serve` as a process: schedules that really make runs, and an end that leaves nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.replay import Upstream
from flows import limit

pytestmark = pytest.mark.xdist_group("prefect")

SECONDS_TO_START = 150.0
SECONDS_TO_RUN = 90.0
SECONDS_TO_STOP = 10.0


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


def run_now(client: httpx.Client, deployment: str, parameters: dict[str, object]) -> str:
    """Run a deployment and give the run's last state."""
    found = client.get(f"/deployments/name/{deployment}").json()["id"]
    asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    run = client.post(f"/deployments/{found}/create_flow_run", json=asked).json()
    deadline = time.monotonic() + SECONDS_TO_RUN
    while (state := client.get(f"/flow_runs/{run['id']}").json()["state_type"]) in ("SCHEDULED", "PENDING", "RUNNING"):
        assert time.monotonic() < deadline, f"it is still {state}"
    return str(state)


def test_the_schedules_make_runs_and_sigterm_ends_them(served: subprocess.Popen[str]) -> None:
    """Prefect's scheduler works with the pinned SQLAlchemy; on another it created no run, and said nothing."""
    assert served.stderr is not None
    port = next(found[1] for line in served.stderr if (found := re.search(r"server on port (\d+)", line)))
    assert any("serving sync-schedule" in line for line in served.stderr)
    deadline = time.monotonic() + SECONDS_TO_START
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=10) as client:
        while (ahead := scheduled(client)) is not None and (len(ahead) < 3 or not all(ahead.values())):
            assert time.monotonic() < deadline, f"no run was created: {ahead}"
        assert set(ahead) == {"sync-schedule", "refresh-statuses", "poll-results"}
        assert client.get(f"/v2/concurrency_limits/{limit.NAME}").json()["limit"] == limit.SLOTS
        assert run_now(client, "sync-schedule/default", {"season": 2024}) == "COMPLETED"
    asked = time.monotonic()
    served.send_signal(signal.SIGTERM)
    _, written = served.communicate(timeout=SECONDS_TO_STOP)
    assert served.returncode == 0
    assert time.monotonic() - asked < SECONDS_TO_STOP
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/api/health")
    lines = [json.loads(line) for line in written.splitlines()]
    (found,) = [line for line in lines if line["message"].endswith("148 added")]
    assert (found["flow_run_name"], found["requests"]) == ("sync-schedule-2024", {"fastf1": 1, "jolpica": 1})
