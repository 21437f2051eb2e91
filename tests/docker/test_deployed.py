"""A deployed system: runs store their rows, have few rights, and show no secret."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import httpx
import pytest
from stack import DEPLOYMENTS, HANGS, Stack, docker, inspected, within

NIGHT = datetime(2024, 3, 2, 22, tzinfo=UTC)
"""After Bahrain's race, whose results are published."""

BAHRAIN = "2024-bahrain-grand-prix"
NOW = f'now="{NIGHT.isoformat()}"'


@pytest.fixture(autouse=True, scope="module")
def season(stack: Stack) -> None:
    """The calendar, synced by a run in a container, in the night after Bahrain."""
    stack.upstream.as_of = NIGHT
    said = stack.inside("prefect", "deployment", "run", DEPLOYMENTS[0], "-p", "season=2024", "-p", NOW, "--watch")
    assert "Completed" in said


def test_a_deployment_s_rows_are_in_postgresql(stack: Stack) -> None:
    said = stack.inside("prefect", "deployment", "run", "poll-results/default", "--param", NOW, "--watch")
    assert "Completed" in said
    assert stack.rows("SELECT count(*) FROM events WHERE season = 2024") == [(25,)]
    podium = stack.rows(
        f"SELECT position, driver_id, points FROM results WHERE session_id = '{BAHRAIN}/race' AND position < 4"
        " ORDER BY position"
    )
    assert podium == [(1, "max_verstappen", 26), (2, "perez", 18), (3, "sainz", 15)]
    assert "Verstappen" in stack.command("python", "-m", "flows", "results", f"{BAHRAIN}/race")


def test_prefect_s_api_requires_the_password(stack: Stack) -> None:
    """PREFECT_SERVER_API_AUTH_STRING is set; setup, worker and runs have the password; health is public."""
    asked = {who: httpx.post(f"{stack.api_url}/flow_runs/count", json={}, auth=who) for who in (None, ("f1", "wrong"))}
    assert [answer.status_code for answer in asked.values()] == [401, 401]
    assert httpx.get(f"{stack.api_url}/health").json() is True


def test_a_run_is_not_root_and_writes_only_to_its_volume_and_shows_no_secret(stack: Stack) -> None:
    run = stack.create("refresh-statuses/default", now=NIGHT.isoformat())
    container = within(HANGS, "the run's container", lambda: next(iter(stack.run_containers()), None))
    known = inspected(container)
    assert known["Config"]["User"] == "f1"
    assert known["HostConfig"]["ReadonlyRootfs"]
    assert known["HostConfig"]["CapDrop"] == ["ALL"]
    assert known["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert stack.password not in str(known), "settings reach a run by a volume"
    assert [ended.state_name for ended in stack.ended([run])] == ["Completed"]

    for deployment in DEPLOYMENTS:
        said = stack.inside("prefect", "deployment", "inspect", deployment)
        assert "f1-settings" in said
        assert stack.password not in said
        assert stack.auth_string not in said, "the worker passes it on in the environment"
    shown = stack.command("python", "-m", "flows", "config")
    assert "f1:***@" in shown
    assert stack.password not in shown


def test_the_image_holds_no_secret_and_no_pip_and_is_read_only(stack: Stack) -> None:
    history = docker("history", "--no-trunc", stack.image)
    assert "PIP_INDEX_URL=" not in history
    assert "PIP_EXTRA_INDEX_URL=" not in history
    for name in (variable.partition("=")[0] for variable in inspected(stack.image)["Config"]["Env"]):
        assert not any(word in name for word in ("PASSWORD", "SECRET", "TOKEN", "DATABASE", "PIP_INDEX")), name
    as_a_run = ("--rm", "--network", "none", "--read-only", "--cap-drop", "ALL")
    look = "id -u; ls -A /app | xargs; readlink /app/.env; touch /app/x /venv/x 2>&1 | grep -c 'Read-only'; which pip"
    said = docker("run", *as_a_run, stack.image, "bash", "-c", f"{look}; true").splitlines()
    assert said == ["10001", ".env core deploy flows prefect.yaml", "/settings/.env", "2"]


def test_of_ten_runs_at_once_one_completes_and_the_others_are_cancelled(stack: Stack) -> None:
    stack.pause(True)
    runs = [stack.create("poll-results/default", now=NIGHT.isoformat()) for _ in range(10)]
    stack.pause(False)
    ended = stack.ended(runs)
    assert Counter(run.state_name for run in ended) == {"Completed": 1, "Cancelled": 9}
    reasons = {run.state.message for run in ended if run.state and run.state_name == "Cancelled"}
    assert reasons == {"Deployment concurrency limit reached."}
    within(HANGS, "no container of a run is left", lambda: not stack.run_containers())
    assert stack.slots_taken() == dict.fromkeys(DEPLOYMENTS, 0)


def test_a_schedule_is_cached_across_containers_and_results_never_are(stack: Stack) -> None:
    stack.upstream.requests.clear()
    asked = []
    for _ in range(2):
        sync = stack.create("sync-schedule/default", season=2024)
        poll = stack.create("poll-results/default", event=BAHRAIN, session="race", now=NIGHT.isoformat())
        assert [run.state_name for run in stack.ended([sync, poll])] == ["Completed", "Completed"]
        asked.append((len(stack.asked("/schedule/")), len(stack.asked("/2024/1/results"))))
        stack.upstream.requests.clear()
    assert asked == [(1, 1), (0, 1)]


def test_every_log_line_is_json_with_its_flow_run(stack: Stack) -> None:
    """The worker's own lines, and those of the runs' containers, which it forwards."""
    said = stack.container("worker", "logs").splitlines()
    plain = [line for line in said if not line.startswith("{")]
    assert [line for line in plain if not line.startswith(("Discovered type", "Worker "))] == []
    lines = [json.loads(line) for line in said if line not in plain]
    assert {"prefect.flow_runs.worker", "prefect.flow_runs", "prefect.task_runs"} <= {line["logger"] for line in lines}
    (summary,) = [line for line in lines if line["message"].endswith("148 added")]
    assert summary["flow_run_name"] == "sync-schedule-2024"
    assert summary["requests"] == {"fastf1": 1, "jolpica": 1}
    assert stack.password not in "".join(said)
