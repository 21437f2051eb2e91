"""Apply automations.yaml to the configured Prefect API; can be repeated.

python -m deploy.automations
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

from core.arguments import Parser
from core.errors import PrefectError
from flows.runtime import command, prefect_api

FILE = Path(__file__).with_name("automations.yaml")
WEBHOOKS = {"f1-results": "F1_RESULTS_WEBHOOK_URL", "f1-alerts": "F1_ALERTS_WEBHOOK_URL"}


async def apply_automations(client: PrefectClient) -> None:
    """Create or update each automation whose blocks exist."""
    for name, variable in WEBHOOKS.items():
        if url := os.environ.get(variable):
            headers: Any = {"Content-Type": "application/json"}
            await Webhook(method="POST", url=SecretStr(url), headers=headers).save(name, overwrite=True)
    for written in yaml.safe_load(FILE.read_text())["automations"]:
        missing = [block for action in written["actions"] if (block := await _fill(client, action))]
        if missing:
            print(f"automation {written['name']}: skipped, there is no block {missing[0]}")
            continue
        wanted = AutomationCore.model_validate(written)
        known = await client.read_automations_by_name(wanted.name)
        if known:
            await client.update_automation(known[0].id, wanted)
        else:
            await client.create_automation(wanted)
        print(f"automation {wanted.name}: {'updated' if known else 'created'}")


async def _fill(client: PrefectClient, action: dict[str, Any]) -> str | None:
    """Replace a block's name by its id; returns the name of a missing block."""
    if (block := action.pop("block", None)) is None:
        return None
    kind, _, name = block.partition("/")
    try:
        found: UUID = (await client.read_block_document_by_name(name, kind)).id
    except ObjectNotFound:
        return str(block)
    action["block_document_id"] = found
    return None


async def _apply() -> None:
    async with get_client() as client:
        await apply_automations(client)


def apply() -> None:
    """Apply the automations to the configured API.

    Raises:
        PrefectError: none is configured, or it does not answer.
    """
    if prefect_api.url() is None:
        raise PrefectError("no Prefect API is configured: set PREFECT_API_URL")
    with prefect_api.asking():
        asyncio.run(_apply())


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    Parser("python -m deploy.automations", "Apply automations.yaml.").parse_args(arguments)
    return command.exit_status_of(apply)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
