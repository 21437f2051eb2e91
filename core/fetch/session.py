"""The session that sends all of FastF1's requests: FastF1 configured for unattended use.

FastF1 sets no timeout on its schedule, turns every fault into a warning, caches "no results yet" for twelve hours,
and may ask for a password or call `exit()`. Our `requests` session gives each request a deadline, a budget and typed
errors. Importing this module makes FastF1 use it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
from fastf1 import Cache
from fastf1.exceptions import ErgastError, FastF1CriticalError, RateLimitExceededError

from core import request_counter
from core.cutoff import Cutoff
from core.documents import is_too_deep
from core.errors import (
    F1FlowsError,
    OutOfTime,
    RateLimited,
    SourceEmpty,
    SourceError,
    SourceMalformed,
    SourceTimedOut,
    SourceUnreachable,
    UsageError,
    reading_answer,
)
from core.fetch import fastf1_internals
from core.fetch.access import Access
from core.fetch.connections import cut_by, with_ending
from core.kinds import Source
from core.retry_after import retry_after
from core.settings import Settings

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 4.0
READ_SECONDS = 8.0

ABSENT = (403, 404)
"""The statuses with which live timing and FastF1's schedules answer for a file that does not exist."""


@dataclass(frozen=True)
class Call:
    """The requests now made to a source; `statuses` are those of its responses so far."""

    source: Source
    access: Access
    statuses: list[int] = field(default_factory=list)


_one_at_a_time = threading.RLock()
_call: ContextVar[Call | None] = ContextVar("call", default=None)


class _Passing(FastF1CriticalError):  # type: ignore[misc]
    """Carries our error through FastF1's exception handlers, which re-raise only its critical errors."""

    def __init__(self, error: F1FlowsError) -> None:
        super().__init__(str(error))
        self.error = error


class BudgetedSession(fastf1_internals.RateLimitedSession):  # type: ignore[misc]
    """FastF1's own session, with its rate limits, that also enforces the deadline and the budget."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request, or raise a typed error that FastF1 does not swallow.

        Raises:
            FastF1CriticalError: the request is made outside `asking`, or the error carries one of ours.
        """
        call = _call.get()
        if call is None:
            raise FastF1CriticalError("a request outside asking(source, access): without deadline, budget and lock")
        _time_left(call)
        parts = urlsplit(request.url or "")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        answered = None
        if call.access.permit is not None and "/ergast/" in parts.path:
            try:
                answered = call.access.permit(parts.netloc, path, call.access.deadline.left)
            except F1FlowsError as error:
                raise _Passing(error) from error
        left = _time_left(call)  # the permit may have waited
        kwargs["timeout"] = (min(CONNECT_SECONDS, left), min(READ_SECONDS, left))
        began = time.monotonic()
        status = None
        request_counter.count(call.source.value)
        cutoff = Cutoff(left)
        try:
            with cutoff, cut_by(cutoff):
                response: requests.Response = super().send(request, **kwargs)
            if cutoff.passed:
                raise requests.Timeout
            status = response.status_code
            call.statuses.append(status)
        except requests.RequestException as error:
            if cutoff.passed or isinstance(error, requests.Timeout):
                raise _Passing(SourceTimedOut(call.source.value, "did not answer in time")) from error
            raise _Passing(SourceUnreachable(call.source.value, "cannot be reached")) from error
        finally:
            ms = (time.monotonic() - began) * 1000
            fields = {
                "source": call.source.value,
                "host": parts.netloc,
                "path": path,
                "status": status,
                "ms": round(ms),
            }
            logger.debug("%s %s%s: %s, %.0f ms", call.source.value, parts.netloc, path, status, ms, extra=fields)
            if answered is not None:
                answered(status, ms)
        try:
            if status == 429:
                wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
                raise RateLimited(call.source.value, None if wait is None else wait.total_seconds())
            if "/livetiming" in parts.path or "livetiming" in parts.netloc:
                _check_feed(call.source, response)
            else:
                _check(call.source, response)
        except F1FlowsError as error:
            raise _Passing(error) from error
        return response


def _time_left(call: Call) -> float:
    if call.access.deadline.left <= 0.2:
        raise _Passing(OutOfTime(call.source.value, "the deadline passed before the request"))
    return call.access.deadline.left


def _check(source: Source, response: requests.Response) -> None:
    """Raise the error for a response that is not a JSON document."""
    if response.status_code in (*ABSENT, 410):
        raise SourceEmpty(source.value, "not published")
    if response.status_code >= 500:
        raise SourceUnreachable(source.value, f"server error {response.status_code}")
    if response.status_code >= 400:
        raise SourceError(source.value, f"refused the request ({response.status_code})")
    if not response.content.strip():
        raise SourceEmpty(source.value, "an empty answer")
    try:
        too_deep = is_too_deep(response.json())
    except ValueError:
        raise SourceMalformed(source.value, "an answer that is not JSON") from None
    except RecursionError:
        too_deep = True
    if too_deep:
        raise SourceMalformed(source.value, "an answer nested too deeply")


def _check_feed(source: Source, response: requests.Response) -> None:
    """Refuse a live timing file that is not text or is a web page, from which FastF1 would silently read nothing."""
    if response.status_code != 200:
        return
    try:
        text = response.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceMalformed(source.value, "a feed that is not text") from None
    if text.lstrip().startswith("<"):
        raise SourceMalformed(source.value, "a feed that is a web page")


SESSION = with_ending(BudgetedSession())
fastf1_internals.use_session(SESSION)


@lru_cache(maxsize=1)
def prepare(settings: Settings) -> None:
    """Configure FastF1 from the settings: hosts, account, cache directory, logs. `asking` calls it when they change.

    Raises:
        SourceError: the cache directory cannot be created.
    """
    try:
        settings.fastf1_cache_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError("FASTF1_CACHE_DIR", f"cannot be created: {error.strerror}") from error
    Cache.configure(cache_dir=str(settings.fastf1_cache_dir), use_requests_cache=False)
    fastf1_internals.use_session(SESSION)
    user, password = settings.f1_username, settings.f1_password
    fastf1_internals.use_account(SESSION, (user, password.get_secret_value()) if user and password else None)
    if settings.f1_upstream_url:
        fastf1_internals.use_mirror(settings.f1_upstream_url)
    fastf1_internals.remove_console_handler()
    verbose = settings.log_level == "DEBUG"
    logging.getLogger("fastf1").setLevel(logging.DEBUG if verbose else logging.ERROR)
    # It logs a traceback for every incomplete answer, which the request's own error already reports.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def lift_limits(settings: Settings) -> None:
    """Lift FastF1's rate limits, only for a server on this machine.

    Raises:
        UsageError: the upstream is not on loopback.
    """
    host = urlsplit(settings.f1_upstream_url or "").hostname
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise UsageError("limits are lifted only against a server on this machine")
    fastf1_internals.lift_rate_limits()


@contextmanager
def asking(source: Source, access: Access) -> Iterator[Call]:
    """Apply the deadline and the budget to requests made inside; only our own errors are raised.

    FastF1 is not thread-safe, so only one thread of a process makes requests at a time.

    Raises:
        SourceError: any fault, including `exit()` and FastF1's own rate limit; an unexpected shape is a
            `SourceMalformed`.
    """
    call = Call(source, access)
    with _one_at_a_time:
        prepare(access.settings)
        token = _call.set(call)
        try:
            with reading_answer(source.value, "an answer of another shape"):
                yield call
        except _Passing as passing:
            raise passing.error from passing.__cause__
        except RateLimitExceededError as error:
            raise RateLimited(source.value, None) from error
        except ErgastError as error:
            raise SourceMalformed(source.value, "an answer that FastF1 cannot read") from error
        except SystemExit as error:
            raise SourceMalformed(source.value, "FastF1 gave up on a missing feed") from error
        finally:
            _call.reset(token)
