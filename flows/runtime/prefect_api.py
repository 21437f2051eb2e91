"""Prefect's API: its URL, and its faults as our errors."""

from __future__ import annotations

import httpx
from prefect.settings import get_current_settings

from core.errors import PrefectError


def url() -> str | None:
    """The API's URL in the environment or the active profile; None if there is none."""
    return get_current_settings().api.url


def failure(api: object, error: Exception) -> PrefectError:
    """A client's error in one line; Prefect's own messages have several."""
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == httpx.codes.UNAUTHORIZED:
        reason = "it requires a user and password: set PREFECT_API_AUTH_STRING"
    return PrefectError(f"Prefect API {api}: {reason}")
