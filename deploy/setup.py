"""Prepare the Docker work pool: settings file, tables, pool, limit, deployments, automations. Can be repeated.

python -m deploy.setup [--settings-file /settings/.env]
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type
from pydantic_settings import SettingsConfigDict

from core.arguments import Parser
from core.database import connect
from core.deliver.subscribers import subscribers_of
from core.errors import F1FlowsError, UsageError
from core.settings import Settings
from deploy.automations import apply_automations
from flows.runtime import command, pool, prefect_api

POOL = "f1"
QUEUES = {"high": 1, "normal": 2, "low": 3}
"""Work queues and their priorities: for results, the calendar, long backfills."""

API_SECONDS = 180.0

WEBHOOKS = "webhooks.toml"
"""The copy of F1_WEBHOOKS_FILE, beside the settings file."""


class GivenSettings(Settings):
    """The settings of the environment alone, without an existing .env of an earlier start."""

    model_config = SettingsConfigDict(env_file=None)


def write_settings(path: Path) -> None:
    """Write this environment's settings to a .env file that only flow runs can read, and a copy of F1_WEBHOOKS_FILE.

    Flow runs must have the folder at the same path.

    Raises:
        UsageError: a setting or the file of webhooks is wrong, or cannot be written there. Nothing was written.
    """
    settings = GivenSettings.load()
    subscribers_of(settings)
    given = {name: value for field in Settings.model_fields if (value := os.environ.get(name := field.upper()))}
    given.pop("FASTF1_CACHE_DIR", None)  # the image sets it
    webhooks = path.absolute().with_name(WEBHOOKS)
    if settings.f1_webhooks_file:
        given["F1_WEBHOOKS_FILE"] = str(webhooks)
    text = _env_text(given)
    # The copy is written first, so it exists whenever a .env names it.
    if settings.f1_webhooks_file:
        _write_privately(webhooks, settings.f1_webhooks_file.read_text("utf-8"))
    _write_privately(path, text)
    if not settings.f1_webhooks_file:
        webhooks.unlink(missing_ok=True)
    print(f"settings: {', '.join(given) or 'none'} in {path}")


def _env_text(given: Mapping[str, str]) -> str:
    """Settings as a .env file has them.

    Raises:
        UsageError: the .env file would give a value differently.
    """
    escaped = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in given.items()}
    text = "".join(f"{name}='{value}'\n" for name, value in escaped.items())
    read = dotenv_values(stream=StringIO(text))
    if wrong := [name for name, value in given.items() if read.get(name) != value]:
        raise UsageError(f"{wrong[0]} cannot be written to a .env file: it has ${{ or a line end")
    return text


def _write_privately(path: Path, text: str) -> None:
    """Replace a file at once by one that only its owner can read."""
    new = path.with_suffix(".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


async def wait_for_api(client: PrefectClient) -> None:
    """Wait for a server that may still be starting.

    Raises:
        F1FlowsError: it takes too long.
    """
    deadline = time.monotonic() + API_SECONDS
    while error := await client.api_healthcheck():
        if time.monotonic() > deadline:
            raise F1FlowsError(f"Prefect's API at {client.api_url} does not answer: {error}")
        await asyncio.sleep(1)


async def make_pool(client: PrefectClient) -> None:
    """Create the work pool and its queues where they do not exist.

    Raises:
        PrefectError: the work pool has another type.
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


@asynccontextmanager
async def keeping_paused(client: PrefectClient) -> AsyncIterator[None]:
    """Pause again the work pool's deployments and schedules that an operator has paused, and that deploying resumes.

    Deployments of `flows.serve` are in no work pool, and so not among them.
    """
    found = [one for one in await client.read_deployments() if one.work_pool_name == POOL]
    paused = {one.id for one in found if one.paused}
    schedules_of = {one.id for one in found if one.schedules and not any(each.active for each in one.schedules)}
    try:
        yield
    finally:
        for deployment in paused:
            await client.pause_deployment(deployment)
        for deployment in schedules_of:
            for schedule in await client.read_deployment_schedules(deployment):
                await client.update_deployment_schedule(deployment, schedule.id, active=False)
        if still := paused | schedules_of:
            print(f"still paused: {len(still)} deployments")


async def deploy_all(settings: Settings) -> None:
    """Create the work pool, deploy to it, and apply the automations.

    Raises:
        F1FlowsError: the API does not answer, or `prefect deploy --all` fails.
    """
    async with get_client() as client:
        await wait_for_api(client)
        await make_pool(client)
        async with keeping_paused(client):
            run_prefect_deploy(settings)
        await apply_automations(client)


def run_prefect_deploy(settings: Settings) -> None:
    """Run `prefect deploy --all` without prompts.

    Raises:
        F1FlowsError: it fails.
    """
    deploy = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    deployed = subprocess.run(deploy, env=os.environ | {"LOG_FORMAT": settings.log_format}, check=False)
    if deployed.returncode:
        raise F1FlowsError(f"prefect deploy --all ended with status {deployed.returncode}")


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = Parser("python -m deploy.setup", "Prepare the Docker work pool.")
    parser.add_argument("--settings-file", type=Path, help="write the settings for the flow runs to this .env")
    given = parser.parse_args(arguments)
    return command.exit_status_of(lambda: prepare(given.settings_file))


def prepare(settings_file: Path | None) -> None:
    """Do everything, in order.

    Raises:
        F1FlowsError: a step failed.
    """
    if settings_file:
        write_settings(settings_file)
    settings = Settings.load()
    database = connect(settings)
    database.ensure_schema()
    print(f"tables: {database.name}", flush=True)
    with prefect_api.asking():
        asyncio.run(deploy_all(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
