"""Prefect's API: its URL, and its faults as our errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.settings import get_current_settings

from core.errors import PrefectError

EPHEMERAL = "of this process"
"""Which API is used if none is configured."""


def url() -> str | None:
    """The API's URL in the environment or the active profile; None if there is none."""
    return get_current_settings().api.url


@contextmanager
def asking() -> Iterator[None]:
    """Make requests to the API inside; other errors than its client's pass unchanged.

    Raises:
        PrefectError: the API does not answer, or refuses.
    """
    try:
        yield
    except httpx.HTTPError as error:
        raise failure(error) from error
    except RuntimeError as error:
        # So the client reports an API that it cannot reach.
        if isinstance(error.__cause__, httpx.HTTPError):
            raise failure(error) from error
        raise


def failure(error: Exception) -> PrefectError:
    """A client's error in one line; Prefect's own messages have several."""
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == httpx.codes.UNAUTHORIZED:
        reason = "it requires a user and password: set PREFECT_API_AUTH_STRING"
    return PrefectError(f"Prefect API {url() or EPHEMERAL}: {reason}")
