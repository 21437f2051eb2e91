"""What Prefect's API says when it does not do what is asked of it."""

from __future__ import annotations

import httpx

from core.errors import PrefectError


def failure(api: object, error: httpx.HTTPError) -> PrefectError:
    """An error of an API's client, in one line: Prefect's own messages have several."""
    said = next(iter(str(error).splitlines()), "") or type(error).__name__
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == httpx.codes.UNAUTHORIZED:
        said = "it asks for a user and password: set PREFECT_API_AUTH_STRING"
    return PrefectError(f"Prefect API {api}: {said}")
