"""Turns faults of Prefect's API into our errors."""

from __future__ import annotations

import httpx

from core.errors import PrefectError


def failure(api: object, error: httpx.HTTPError) -> PrefectError:
    """A client's error in one line; Prefect's own messages have several."""
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == httpx.codes.UNAUTHORIZED:
        reason = "it requires a user and password: set PREFECT_API_AUTH_STRING"
    return PrefectError(f"Prefect API {api}: {reason}")
