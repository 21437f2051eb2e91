"""Every name of FastF1 that we use and that is not part of its documented interface.

`tests/test_fastf1_internals.py` fails if a version of FastF1 has moved one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

import fastf1._api
import fastf1.core
import fastf1.ergast.interface
import fastf1.ergast.legacy
import fastf1.events
import fastf1.internals.f1account.login
import requests
from fastf1.exceptions import ErgastError, F1AuthError
from fastf1.internals.f1account.tokens import TokenManager
from fastf1.internals.f1account.transport import LIVETIMING_URL, LivetimingAuthAdapter
from fastf1.logger import LoggingManager
from fastf1.req import Cache, _SessionWithRateLimiting

from core.fetch.connections import EndingAdapter, with_ending

RateLimitedSession = _SessionWithRateLimiting
"""FastF1's `requests` session, with its rate limits."""


HTTP_CACHE = "fastf1_http_cache"
"""The name of FastF1's cache of answers."""


def use_session(session: requests.Session) -> None:
    """Send all of FastF1's requests through a session, without any of its caches."""
    Cache.set_disabled()
    Cache._requests_session = session


@contextmanager
def cached_by(session: requests.Session) -> Iterator[None]:
    """Send requests made inside through a session with an HTTP cache; parsed data are not cached."""
    Cache._requests_session_cached = session
    Cache.set_enabled()
    Cache.set_disabled(disable_http_cache=False)
    try:
        yield
    finally:
        Cache.set_disabled()
        Cache._requests_session_cached = None


def use_mirror(root: str) -> None:
    """Point FastF1 to a mirror of all its hosts."""
    fastf1.events._SCHEDULE_BASE_URL = f"{root}/schedule/"
    fastf1.ergast.interface.BASE_URL = f"{root}/ergast/f1"
    fastf1.ergast.legacy.base_url = f"{root}/ergast/f1"  # copied from the interface at import
    fastf1._api.base_url = f"{root}/livetiming"
    fastf1._api.base_url_mirror = f"{root}/livetiming-mirror"


class _LivetimingAdapter(EndingAdapter, LivetimingAuthAdapter):  # type: ignore[misc]
    """FastF1's adapter, which adds the account's token, on connections that a cutoff ends."""


class _SignInRequests:
    """Replaces the module `requests` in FastF1's sign-in, whose requests are made while another one is sent."""

    RequestException = requests.RequestException

    @staticmethod
    def Session() -> requests.Session:
        """A session on connections that a cutoff ends."""
        return with_ending(requests.Session())


def use_account(session: requests.Session, account: tuple[str, str] | None) -> None:
    """Sign in to live timing with a user name and a password; None: anonymously, without a prompt."""
    fastf1.internals.f1account.login.requests = _SignInRequests
    # Otherwise it asks a third party for a browser's name, through our session, whose faults it does not expect.
    fastf1.internals.f1account.login._get_current_user_agent = lambda: None
    sign_in = partial(fastf1.internals.f1account.login.login, *account) if account else _refuse_to_sign_in
    session.mount(LIVETIMING_URL, _LivetimingAdapter(TokenManager(auth_func=sign_in)))


def _refuse_to_sign_in() -> NoReturn:
    raise F1AuthError("no Formula 1 account is configured")


def remove_console_handler() -> None:
    """Leave FastF1's log lines to our own handlers."""
    LoggingManager._root_logger.removeHandler(LoggingManager._console_handler)


def lift_rate_limits() -> None:
    """Remove FastF1's rate limits, for a mirror on this machine."""
    RateLimitedSession._RATE_LIMITS = {}


class _NoErgast:
    """Replaces a session's Ergast interface; any use of it fails like an unreachable Ergast."""

    def __getattr__(self, name: str) -> Any:
        raise ErgastError("not asked again")


def without_ergast(session: fastf1.core.Session) -> fastf1.core.Session:
    """A session that loads from live timing alone: Jolpica was requested just before, and had nothing."""
    session._ergast = _NoErgast()
    return session


FEEDS = {
    "SessionInfo": "session_info",
    "DriverList": "driver_list",
    "SessionStatus": "session_status",
    "LapCount": "lap_count",
    "TrackStatus": "track_status",
    "TimingData": "timing_data",
    "TimingAppData": "timing_app_data",
    "RaceControlMessages": "race_control_messages",
    "WeatherData": "weather_data",
    "PitStopSeries": "pit_stop_series",
}
"""The feeds that are read, by live timing's name, with FastF1's name for each."""

Feed = list[list[Any]]
"""A feed's messages, each preceded by the session's clock."""


class Feeds:
    """A session's feeds, each fetched once; FastF1 reads them as recorded live data, without its own requests."""

    def __init__(self, session: fastf1.core.Session) -> None:
        self.path = session.api_path
        self.fetched: dict[str, Feed | None] = {}

    def fetch(self, name: str) -> Feed | None:
        """A feed; None if there is none. Makes one request to each host the first time."""
        if name not in self.fetched:
            fastf1._api.pages.setdefault(FEEDS[name], f"{name}.jsonStream")
            self.fetched[name] = fastf1._api.fetch_page(self.path, FEEDS[name])
        return self.fetched[name]

    def has(self, name: str) -> bool:
        """Whether FastF1 is to read a feed from here instead of requesting it."""
        return name in FEEDS

    def get(self, name: str) -> Feed:
        """A feed for FastF1; empty if it is missing."""
        return self.fetch(name) or []


def has_session_info(session: fastf1.core.Session) -> bool:
    """Whether live timing has a session's smallest file; makes one request to each host."""
    return fastf1._api.fetch_page(session.api_path, "session_info") is not None
