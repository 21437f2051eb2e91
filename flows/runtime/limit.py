"""Prefect's global concurrency limit on requests to Jolpica: it limits bursts; the ledger limits each hour."""

from __future__ import annotations

import logging

import httpx
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import rate_limit

from core.errors import Braked, PrefectError
from core.kinds import Source
from flows.runtime import prefect_api

logger = logging.getLogger(__name__)

NAME, SLOTS, DECAY = "f1-upstream", 20, 0.05
"""180 requests an hour, and 20 at once. A bucket of 200 slots would allow nearly 400 in its first hour."""

WAIT_SECONDS = 15.0
"""The longest time that a request waits for a slot."""


def create() -> dict[str, str]:
    """Create the limit, or reset it to these values; also a step of prefect.yaml.

    Raises:
        PrefectError: Prefect's API does not answer, or refuses.
    """
    with prefect_api.asking(), get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(NAME, SLOTS, DECAY)
    return {"limit": NAME}


def take(seconds: float = WAIT_SECONDS, *, strict: bool) -> None:
    """Take a slot, which frees itself after a time. A missing limit is an error if `strict`, otherwise it is created.

    While Prefect's API does not answer, as during a restart of its server, only the ledger limits requests.

    Raises:
        Braked: no slot was free in time.
        PrefectError: the limit does not exist, or cannot be created.
    """
    seconds = min(seconds, WAIT_SECONDS)
    try:
        try:
            rate_limit(NAME, timeout_seconds=seconds, strict=True)
        except ConcurrencySlotAcquisitionError as error:
            if strict or error.__cause__ is not None:
                raise
            logger.info("the limit %s did not exist: creating it", NAME)
            create()
            rate_limit(NAME, timeout_seconds=seconds, strict=True)
    except TimeoutError as error:
        raise Braked(Source.JOLPICA.value, 60.0) from error
    except ConcurrencySlotAcquisitionError as error:
        if _does_not_answer(error.__cause__):
            logger.warning("Prefect API: %s: requests go on without its limit", error.__cause__)
            return
        raise PrefectError(f"{error}; `prefect deploy --all` creates the limit") from error


def _does_not_answer(error: BaseException | None) -> bool:
    """Whether the server failed to answer, rather than refused."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.TransportError)
