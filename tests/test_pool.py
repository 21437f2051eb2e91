"""Work pools, deployments and automations: what `prefect deploy` and an upgrade leave in a real Prefect server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings
from prefect.states import Completed, Failed, Running
from sqlalchemy import func, select

from core.database import Database
from core.errors import F1FlowsError, PrefectError
from core.replay import Upstream
from core.schema import events
from core.settings import Settings
from deploy import automations, setup
from flows import serve
from flows.runtime import limit, pool

ROOT = Path(__file__).parents[1]
SECONDS = 300.0
"""The timeout of what could hang."""


@pytest.fixture
def client(prefect_server: str) -> Iterator[SyncPrefectClient]:
    """A client of Prefect's API, with no work pool before and after each test."""
    with get_client(sync_client=True) as made:
        yield made
        if "f1" in [one.name for one in made.read_work_pools()]:
            made.delete_work_pool("f1")


@pytest.fixture
def prefect(client: SyncPrefectClient, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Prefect's command line in the checkout against that API."""
    url = get_current_settings().api.url

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        env = os.environ | {"PREFECT_API_URL": str(url), "PREFECT_HOME": str(tmp_path), "COLUMNS": "200"}
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)

    return run


def deployed(client: SyncPrefectClient) -> list[str]:
    """The names of the deployments in the work pool."""
    return [one.entrypoint or "" for one in client.read_deployments() if one.work_pool_name == "f1"]


@pytest.mark.parametrize(("file", "kind"), [("prefect.yaml", "process"), ("deploy/process.yaml", "docker")])
def test_a_pool_of_another_type_is_refused_in_one_line(
    client: SyncPrefectClient, prefect: Callable[..., subprocess.CompletedProcess[str]], file: str, kind: str
) -> None:
    client.create_work_pool(WorkPoolCreate(name="f1", type=kind))
    done = prefect("deploy", "--all", "--prefect-file", file)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"error: work pool f1 is of type {kind}, but {file} is for type")
    assert "Traceback" not in done.stdout
    assert deployed(client) == []


def test_a_missing_pool_is_one_line(client: SyncPrefectClient) -> None:
    with pytest.raises(PrefectError, match="prefect work-pool create f1 --type docker"):
        pool.require("f1", "docker")


class Closed(BaseHTTPRequestHandler):
    """A Prefect API that requires another password; it answers as Prefect's middleware does."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"exception_message": "Unauthorized"}')

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.mark.parametrize("ask", [limit.create, lambda: pool.require("f1", "docker")])
def test_an_api_behind_a_password_is_one_line(ask: Callable[[], object]) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Closed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/api"
    try:
        with temporary_settings({PREFECT_API_URL: url}), pytest.raises(PrefectError) as said:
            ask()
    finally:
        server.shutdown()
        server.server_close()
    assert str(said.value) == f"Prefect API {url}: it requires a user and password: set PREFECT_API_AUTH_STRING"


def test_a_run_in_a_process_pool_completes(
    client: SyncPrefectClient,
    prefect: Callable[..., subprocess.CompletedProcess[str]],
    replay: Upstream,
    sqlite: Database,
) -> None:
    client.create_work_pool(WorkPoolCreate(name="f1", type="process"))
    done = prefect("deploy", "--all", "--prefect-file", "deploy/process.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    written = yaml.safe_load((ROOT / "deploy" / "process.yaml").read_text())["deployments"]
    assert sorted(deployed(client)) == sorted(one["entrypoint"] for one in written)
    deployment = client.read_deployment_by_name("sync-schedule/default")
    run = client.create_flow_run_from_deployment(deployment.id, parameters={"season": 2024})
    done = prefect("worker", "start", "--pool", "f1", "--type", "process", "--run-once")
    assert client.read_flow_run(run.id).state_name == "Completed", done.stdout + done.stderr
    with sqlite.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(events)) == 25


def test_automations_are_applied_repeatedly(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Automations are left out while their webhook has no address, and created once when it has."""
    monkeypatch.delenv("F1_RESULTS_WEBHOOK_URL", raising=False)
    monkeypatch.delenv("F1_ALERTS_WEBHOOK_URL", raising=False)
    written = yaml.safe_load(automations.FILE.read_text())["automations"]
    assert applied() == {one["name"] for one in written if not any("block" in action for action in one["actions"])}
    monkeypatch.setenv("F1_RESULTS_WEBHOOK_URL", "http://127.0.0.1:9/results")
    monkeypatch.setenv("F1_ALERTS_WEBHOOK_URL", "http://127.0.0.1:9/alerts")
    for _ in range(2):
        assert applied() == {one["name"] for one in written}


@pytest.mark.parametrize("fails", [False, True])
def test_deployments_that_an_operator_paused_stay_paused_after_an_upgrade(
    prefect_server: str, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """One deployment, the schedule of another; not deployments of `flows.serve`, which have no work pool."""

    async def upgraded() -> list[tuple[bool, bool]]:
        async with get_client() as client:
            with suppress(ObjectAlreadyExists):
                await client.create_work_pool(WorkPoolCreate(name=setup.POOL, type="docker"))
            known = await client.create_flow_from_name("kept")
            hourly = DeploymentScheduleCreate(schedule=CronSchedule(cron="7 * * * *"), active=True)
            pools = {"a": setup.POOL, "b": setup.POOL, "c": setup.POOL, "served": None}
            ids = [
                await client.create_deployment(known, name, schedules=[hourly], work_pool_name=pool)
                for name, pool in pools.items()
            ]
            (schedule,) = await client.read_deployment_schedules(ids[1])
            for paused in (ids[0], ids[3]):
                await client.pause_deployment(paused)
            await client.update_deployment_schedule(ids[1], schedule.id, active=False)

            def deploy(_settings: Settings) -> None:
                """Deploy as `prefect deploy` does, and then fail if wanted."""
                with get_client(sync_client=True) as other:
                    for deployment in ids:
                        other.resume_deployment(deployment)
                    other.update_deployment_schedule(ids[1], schedule.id, active=True)
                if fails:
                    raise F1FlowsError("it fails")

            monkeypatch.setattr(setup, "run_prefect_deploy", deploy)
            with pytest.raises(F1FlowsError) if fails else nullcontext():
                await setup.deploy_all(Settings.load())
            found = [await client.read_deployment(one) for one in ids]
            for one in ids:
                await client.delete_deployment(one)
            return [(one.paused, one.schedules[0].active) for one in found]

    assert asyncio.run(upgraded()) == [(True, True), (False, False), (False, True), (False, True)]


def test_a_scheduled_time_since_the_last_completed_run_is_overdue(prefect_server: str) -> None:
    """By the deployment's own cron; failed runs do not count."""

    async def overdue() -> list[tuple[bool, bool]]:
        async with get_client() as client:
            known = await client.create_flow_from_name("hourly")
            deployment = await client.create_deployment(known, "default")
            answers = []
            for state in (Failed(), Completed()):
                run = await client.create_flow_run_from_deployment(deployment)
                await client.set_flow_run_state(run.id, Running(), force=True)
                await client.set_flow_run_state(run.id, state, force=True)
                began = (await client.read_flow_run(run.id)).start_time
                assert began is not None
                turn = began.replace(minute=7, second=0, microsecond=0)
                turn += timedelta(hours=turn <= began)
                second = timedelta(seconds=1)
                before, after = [
                    await serve.is_overdue(client, deployment, "7 * * * *", now) for now in (turn - second, turn)
                ]
                answers.append((before, after))
            return answers

    assert asyncio.run(overdue()) == [(True, True), (False, True)]


def applied() -> set[str]:
    """Apply the file, and return the server's automations by name, of which none occurs twice."""

    async def apply() -> list[str]:
        async with get_client() as client:
            await automations.apply_automations(client)
            return [automation.name for automation in await client.read_automations()]

    names = asyncio.run(apply())
    assert len(names) == len(set(names))
    return set(names)
