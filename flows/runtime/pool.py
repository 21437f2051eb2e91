"""Checks that the deployments' work pool has the type that their job variables are written for."""

from __future__ import annotations

import sys

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from core.errors import F1FlowsError, PrefectError
from flows.runtime import prefect_api

FILES = {"docker": "prefect.yaml", "process": "deploy/process.yaml"}
"""The file that deploys to a work pool of each type."""


def check(pool: str, type: str) -> dict[str, str]:
    """A step of prefect.yaml: stop `prefect deploy` with one line if the work pool has another type."""
    try:
        require(pool, type)
    except F1FlowsError as error:
        # Prefect would print any other exception with its traceback.
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_status) from error
    return {"pool": pool}


def require(pool: str, wanted: str) -> None:
    """Check that a work pool exists and has a type.

    Raises:
        PrefectError: it does not, or Prefect's API does not answer.
    """
    try:
        with prefect_api.asking(), get_client(sync_client=True) as client:
            found = client.read_work_pool(pool).type
    except ObjectNotFound:
        raise PrefectError(f"there is no work pool {pool}: prefect work-pool create {pool} --type {wanted}") from None
    require_type(pool, found, wanted)


def require_type(pool: str, found: str, wanted: str) -> None:
    """Check a work pool's type.

    Raises:
        PrefectError: it is another one.
    """
    if found != wanted:
        other = f"; {FILES[found]} deploys to such a pool" if found in FILES else ""
        raise PrefectError(f"work pool {pool} is of type {found}, but {FILES[wanted]} is for type {wanted}{other}")
