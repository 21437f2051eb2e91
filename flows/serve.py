"""Run all flows on their schedules, under one command, until SIGTERM or Ctrl-C.

    python -m flows.serve

Against the Prefect API that is configured; where none is, a Prefect server is started beside it, on loopback, with
its data in `PREFECT_HOME` (default: `.f1-prefect`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import httpx
from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.types.entrypoint import EntrypointType

from core.database import connect
from core.errors import F1FlowsError
from core.settings import Settings
from flows import command, limit, prefect_logs
from flows.poll_results import poll_results
from flows.refresh_statuses import refresh_statuses
from flows.sync_schedule import sync_schedule

logger = logging.getLogger("flows.serve")

LOOPBACK = "127.0.0.1"
USUAL_PORT = 4200
SERVER_START_SECONDS = 120.0
SERVER_STOP_SECONDS = 3.0
STOP_SECONDS = 4.0
"""How long runs under way, and the pausing of schedules, are waited for."""

GRACE_SECONDS = 120
HEARTBEAT = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
"""As in prefect.yaml: deploy/automations.yaml takes a run for dead that is silent for two minutes."""


@dataclass(frozen=True)
class Served:
    """A flow, when it runs (UTC), and its tags."""

    flow: Flow[..., Any]
    cron: str
    tags: tuple[str, ...]


SERVED = (
    Served(sync_schedule, "7 * * * *", ("f1", "schedule")),
    Served(refresh_statuses, "*/5 * * * *", ("f1", "statuses")),
    Served(poll_results, "*/5 * * * *", ("f1", "results")),
)
"""What is served: the deployments of prefect.yaml, without its work pool."""


def deployments() -> list[RunnerDeployment]:
    """The flows as deployments that this process runs."""
    one_at_a_time = ConcurrencyLimitConfig(
        limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW, grace_period_seconds=GRACE_SECONDS
    )
    return [
        RunnerDeployment.from_flow(
            served.flow,
            name="default",
            schedule=Cron(served.cron, timezone="UTC"),
            paused=False,
            tags=list(served.tags),
            concurrency_limit=one_at_a_time,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for served in SERVED
    ]


class _Runner(Runner):
    """Prefect's runner, with an end that closes what it opened: its own leaves a traceback, and runs as Running."""

    def __init__(self) -> None:
        super().__init__(pause_on_shutdown=True, limit=len(SERVED))
        self._told = asyncio.Event()

    def handle_sigterm(self, *_: Any, **__: Any) -> None:
        """Ask for the end; the event loop does the rest."""
        asyncio.get_running_loop().call_soon_threadsafe(self._told.set)

    async def run_until_told(self) -> None:
        """Register the deployments and run them until SIGTERM or Ctrl-C, then pause their schedules."""
        for deployment in deployments():
            await self.aadd_deployment(deployment)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._told.set)
        running = asyncio.create_task(self.start())
        told = asyncio.create_task(self._told.wait())
        await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            told.cancel()
            running.result()
        logger.info("stopping: what runs under way do not commit by then is undone, and made up for by the next")
        running.cancel()
        await asyncio.wait({running}, timeout=STOP_SECONDS)


def run_all() -> None:
    """Serve every flow until SIGTERM or Ctrl-C."""
    limit.create()
    logger.info("serving %s", "; ".join(f"{served.flow.name} at {served.cron!r} (UTC)" for served in SERVED))
    asyncio.run(_Runner().run_until_told())


@contextmanager
def local_server() -> Iterator[str]:
    """A Prefect server on loopback while the context lasts, its data in `PREFECT_HOME`; gives its API's URL.

    Raises:
        F1FlowsError: it does not start.
    """
    home = Path(os.environ.setdefault("PREFECT_HOME", ".f1-prefect")).absolute()
    os.environ["PREFECT_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(port)],
            env=os.environ
            | {
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                # 600 runs a day: they are kept for 30 days.
                "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
                "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "2592000",
                # Leases in memory would not survive a restart: their slots would be taken for good.
                "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for this process: the schedules are paused before the server goes.
            start_new_session=True,
        )
    stopping = threading.Event()
    try:
        logger.info("no Prefect API is configured: starting a Prefect server on port %d, its data in %s", port, home)
        wait_until_healthy(process, f"http://{LOOPBACK}:{port}/api", log)
        threading.Thread(target=_watch, args=(process, stopping, log), name="watch-server", daemon=True).start()
        yield f"http://{LOOPBACK}:{port}/api"
    finally:
        stopping.set()
        process.terminate()
        try:
            process.wait(SERVER_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_healthy(process: subprocess.Popen[bytes], api: str, log: Path) -> None:
    """Wait for a server that is starting.

    Raises:
        F1FlowsError: it ended, or takes too long.
    """
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise F1FlowsError(f"the Prefect server ended with status {process.returncode}: see {log}")
        try:
            if httpx.get(f"{api}/health", timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.25)
    raise F1FlowsError(f"the Prefect server did not start within {SERVER_START_SECONDS:.0f} s: see {log}")


def free_port() -> int:
    """The port where people look for Prefect, or any other that is free."""
    for wanted in (USUAL_PORT, 0):
        with socket.socket() as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                found.bind((LOOPBACK, wanted))
            except OSError:
                continue
            port: int = found.getsockname()[1]
            return port
    raise F1FlowsError("no port is free on loopback")


def _watch(process: subprocess.Popen[bytes], stopping: threading.Event, log: Path) -> None:
    """End this process with its server, so that whoever supervises it starts both again."""
    process.wait()
    if not stopping.is_set():
        logger.error("the Prefect server ended with status %s: see %s", process.returncode, log)
        os._exit(1)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    command.Parser("python -m flows.serve", description="Run all flows on their schedules.").parse_args(arguments)
    return command.told(_serve)


def _serve() -> None:
    settings = Settings.load()
    prefect_logs.configure(settings)
    if not settings.enable_scheduler:
        print("ENABLE_SCHEDULER is false: nothing is scheduled")
        return
    signal.signal(signal.SIGTERM, _stop)
    os.environ.update(HEARTBEAT)
    connect(settings).ensure_schema()
    if command.prefect_api() is not None:
        run_all()
    else:
        with local_server() as api, temporary_settings({PREFECT_API_URL: api}):
            os.environ["PREFECT_API_URL"] = api
            run_all()
    logger.info("stopped")


def _stop(*_: Any) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
