"""Make ready what the Docker work pool needs, however often: settings file, tables, pool, limit, deployments.

python -m deploy.setup [--settings-file /settings/.env]
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
from dotenv import dotenv_values
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from core.database import connect
from core.errors import F1FlowsError, UsageError
from core.settings import Settings
from deploy.automations import apply_automations
from flows.runtime import command, pool, prefect_api

POOL = "f1"
QUEUES = {"high": 1, "normal": 2, "low": 3}
"""Work queues and their priorities: results, the calendar, long backfills."""

API_SECONDS = 180.0


def write_settings(path: Path) -> None:
    """Write the settings of this environment as a .env file, for the flow runs' eyes only.

    Raises:
        UsageError: a value cannot be written there.
    """
    given = {name: value for field in Settings.model_fields if (value := os.environ.get(name := field.upper()))}
    given.pop("FASTF1_CACHE_DIR", None)  # the image's own
    new = path.with_suffix(".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        for name, value in given.items():
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            file.write(f"{name}='{escaped}'\n")
    read = dotenv_values(new)
    if wrong := [name for name, value in given.items() if read.get(name) != value]:
        new.unlink()
        raise UsageError(f"{wrong[0]} cannot be written to a .env file: it has ${{ or a line end")
    new.replace(path)
    print(f"settings: {', '.join(given) or 'none'} in {path}")


async def wait_for_api(client: PrefectClient) -> None:
    """Wait for a server that may be starting.

    Raises:
        F1FlowsError: it takes too long.
    """
    deadline = time.monotonic() + API_SECONDS
    while error := await client.api_healthcheck():
        if time.monotonic() > deadline:
            raise F1FlowsError(f"Prefect's API at {client.api_url} does not answer: {error}")
        await asyncio.sleep(1)


async def make_pool(client: PrefectClient) -> None:
    """Create the work pool and its queues, where they are not there.

    Raises:
        PrefectError: a work pool of this name is of another type.
    """
    try:
        found = await client.read_work_pool(POOL)
        pool.require_type(POOL, found.type, "docker")
    except ObjectNotFound:
        template = await get_default_base_job_template_for_infrastructure_type("docker")
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="docker", base_job_template=template or {}))
    for name, priority in QUEUES.items():
        try:
            queue = await client.read_work_queue_by_name(name, work_pool_name=POOL)
            await client.update_work_queue(queue.id, priority=priority)
        except ObjectNotFound:
            await client.create_work_queue(name=name, work_pool_name=POOL, priority=priority)
    print(f"work pool: {POOL}, queues {', '.join(QUEUES)}")


@dataclass(frozen=True)
class Paused:
    """What an operator has paused of the work pool, whole deployments or all their schedules.

    To deploy starts both again. What `flows.serve` has paused at its end is in no work pool.
    """

    deployments: frozenset[UUID]
    schedules_of: frozenset[UUID]

    @classmethod
    async def read(cls, client: PrefectClient) -> Paused:
        """What is paused now."""
        found = [one for one in await client.read_deployments() if one.work_pool_name == POOL]
        return cls(
            frozenset(one.id for one in found if one.paused),
            frozenset(one.id for one in found if one.schedules and not any(each.active for each in one.schedules)),
        )

    async def restore(self, client: PrefectClient) -> None:
        """Pause it again."""
        for deployment in self.deployments:
            await client.pause_deployment(deployment)
        for deployment in self.schedules_of:
            for schedule in await client.read_deployment_schedules(deployment):
                await client.update_deployment_schedule(deployment, schedule.id, active=False)
        if still := self.deployments | self.schedules_of:
            print(f"still paused: {len(still)} deployments")


async def deploy_all(settings: Settings) -> None:
    """The work pool, the deployments in it, and the automations, which look at the deployments' runs.

    Raises:
        F1FlowsError: the API does not answer, or `prefect deploy --all` fails.
    """
    async with get_client() as client:
        await wait_for_api(client)
        await make_pool(client)
        paused = await Paused.read(client)
        try:
            run_prefect_deploy(settings)
        finally:
            await paused.restore(client)
        await apply_automations(client)


def run_prefect_deploy(settings: Settings) -> None:
    """`prefect deploy --all`, unattended.

    Raises:
        F1FlowsError: it fails.
    """
    deploy = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    deployed = subprocess.run(deploy, env=os.environ | {"LOG_FORMAT": settings.log_format.value}, check=False)
    if deployed.returncode:
        raise F1FlowsError(f"prefect deploy --all ended with status {deployed.returncode}")


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.Parser("python -m deploy.setup", "Make the Docker work pool ready.")
    parser.add_argument("--settings-file", type=Path, help="write the settings there, for the flow runs")
    given = parser.parse_args(arguments)
    return command.exit_status_of(lambda: make_ready(given.settings_file))


def make_ready(settings_file: Path | None) -> None:
    """All of it, in order.

    Raises:
        F1FlowsError: what is wrong, in a line.
    """
    if settings_file:
        write_settings(settings_file)
    settings = Settings.load()
    database = connect(settings)
    database.ensure_schema()
    print(f"tables: {database.name}", flush=True)
    try:
        asyncio.run(deploy_all(settings))
    except httpx.HTTPError as error:
        raise prefect_api.failure(command.prefect_api(), error) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
