"""Run all flows on their schedules in one process, until SIGTERM or Ctrl-C.

    python -m flows.serve

Uses the configured Prefect API. Without one, it starts a Prefect server on loopback, with its data in `PREFECT_HOME`
(default: `.f1-prefect`) and the same port at every start: `PREFECT_SERVER_API_PORT`, else 4200, else the next free port
at the first start. Runs that are overdue at the start run at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments.flow_runs import arun_deployment
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.types.entrypoint import EntrypointType
from sqlalchemy import select

from core.arguments import Parser
from core.database import Database, connect
from core.schema import events
from core.settings import Settings
from flows.backfill import backfill_history
from flows.deliver_changes import deliver_changes
from flows.poll_results import poll_results
from flows.refresh_statuses import refresh_statuses
from flows.runtime import clock, command, limit, logs, prefect_api
from flows.runtime.local_server import local_server
from flows.sync_schedule import sync_schedule
from flows.sync_timing import sync_timing

logger = logging.getLogger("flows.serve")

STOP_SECONDS = 4.0
"""How long to wait for active runs to end and for schedules to be paused."""

GRACE_SECONDS = 120
HEARTBEAT = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
"""As in prefect.yaml: deploy/automations.yaml treats a run without a heartbeat for two minutes as crashed."""


@dataclass(frozen=True)
class ServedFlow:
    """A flow, its tags, and its schedule (UTC); without a cron it is run by hand."""

    flow: Flow[..., Any]
    tags: tuple[str, ...]
    cron: str | None = None


SERVED_FLOWS = (
    ServedFlow(sync_schedule, ("f1", "schedule"), "7 * * * *"),
    ServedFlow(refresh_statuses, ("f1", "statuses"), "*/5 * * * *"),
    ServedFlow(poll_results, ("f1", "results"), "*/5 * * * *"),
    ServedFlow(sync_timing, ("f1", "timing"), "*/15 * * * *"),
    ServedFlow(deliver_changes, ("f1", "webhooks"), "*/5 * * * *"),
    ServedFlow(backfill_history, ("f1", "history")),
)
"""The deployments of prefect.yaml, without its work pool."""


def deployments() -> list[RunnerDeployment]:
    """The flows as deployments that this process runs."""
    one_at_a_time = ConcurrencyLimitConfig(
        limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW, grace_period_seconds=GRACE_SECONDS
    )
    return [
        RunnerDeployment.from_flow(
            served.flow,
            name="default",
            schedule=Cron(served.cron, timezone="UTC") if served.cron else None,
            paused=False,
            tags=list(served.tags),
            concurrency_limit=one_at_a_time,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for served in SERVED_FLOWS
    ]


class _Runner(Runner):
    """Prefect's runner with a clean stop: its own prints a traceback and leaves runs in state Running."""

    def __init__(self, *, from_nothing: bool) -> None:
        super().__init__(pause_on_shutdown=True, limit=len(SERVED_FLOWS))
        self._from_nothing = from_nothing
        self._stopped = asyncio.Event()

    def handle_sigterm(self, *_: Any, **__: Any) -> None:
        """Stop from the event loop."""
        asyncio.get_running_loop().call_soon_threadsafe(self._stopped.set)

    async def run_until_stopped(self) -> None:
        """Register the deployments and run them until SIGTERM or Ctrl-C, then pause their schedules."""
        ids = [await self.aadd_deployment(deployment) for deployment in deployments()]
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._stopped.set)
        running = asyncio.create_task(self.start())
        catching_up = asyncio.create_task(catch_up(ids, from_nothing=self._from_nothing))
        stopped = asyncio.create_task(self._stopped.wait())
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            stopped.cancel()
            running.result()
        logger.info("stopping: uncommitted work is rolled back and redone by the next run")
        catching_up.cancel()
        running.cancel()
        await asyncio.wait({running}, timeout=STOP_SECONDS)


async def catch_up(ids: list[UUID], *, from_nothing: bool) -> None:
    """Run the overdue deployments, in the order of `SERVED_FLOWS`; all of them with an empty database (`from_nothing`).

    If a deployment is already running, the second run ends as Cancelled; the first does the same work.
    """
    try:
        async with get_client() as client:
            for served, deployment in zip(SERVED_FLOWS, ids, strict=True):
                if served.cron is None:
                    continue
                if from_nothing or await is_overdue(client, deployment, served.cron, clock.present()):
                    logger.info("%s is overdue: running it now", served.flow.name)
                    await arun_deployment(deployment, client=client, poll_interval=1, as_subflow=False)
    except httpx.HTTPError as error:
        failure = prefect_api.failure(error)
        logger.warning("%s: overdue flows run at their next scheduled time", failure)


async def is_overdue(client: PrefectClient, deployment: UUID, cron: str, now: datetime) -> bool:
    """Whether a deployment was scheduled to run since its last completed run began."""
    last = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED]))
        ),
        sort=FlowRunSort.START_TIME_DESC,
        limit=1,
    )
    if not last or last[0].start_time is None:
        return True
    (turn,) = await CronSchedule(cron=cron, timezone="UTC").get_dates(1, start=last[0].start_time)
    return turn <= now


def run_all(database: Database) -> None:
    """Serve every flow until SIGTERM or Ctrl-C."""
    limit.create()
    with database.reading() as connection:
        from_nothing = connection.scalar(select(events.c.id).limit(1)) is None
    logger.info(
        "serving %s",
        "; ".join(f"{each.flow.name} {f'at {each.cron!r} (UTC)' if each.cron else 'by hand'}" for each in SERVED_FLOWS),
    )
    asyncio.run(_Runner(from_nothing=from_nothing).run_until_stopped())


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    Parser("python -m flows.serve", description="Run all flows on their schedules.").parse_args(arguments)
    return command.exit_status_of(_serve)


def _serve() -> None:
    settings = Settings.load()
    logs.configure(settings)
    if not settings.enable_scheduler:
        idle()
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.environ.update(HEARTBEAT)
    database = connect(settings)
    database.ensure_schema()
    if prefect_api.url() is not None:
        run_all(database)
    else:
        with local_server() as api, temporary_settings({PREFECT_API_URL: api}):
            os.environ["PREFECT_API_URL"] = api
            run_all(database)
    logger.info("stopped")


def idle() -> None:
    """Wait for SIGTERM or Ctrl-C, since a supervisor would restart a process that exits."""
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    logger.info("ENABLE_SCHEDULER is false: nothing is scheduled; waiting for SIGTERM")
    signal.sigwait(ends)
    logger.info("stopped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
