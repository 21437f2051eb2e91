"""FastF1's failures to read live timing become typed errors, and only complete live timing is cached."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import fastf1.core
import pandas as pd
import pytest
from fastf1.exceptions import DataNotLoadedError
from livetiming import poll, stored
from reached import Reached

from core.database import Database, connect
from core.deadline import Deadline
from core.documents import TimingDocument
from core.errors import RateLimited, SourceEmpty, SourceError, SourceMalformed, SourceUnreachable
from core.fetch.access import Access
from core.fetch.timing import fetch_timing
from core.kinds import ResultsState, SessionKind
from core.records import Entry, Event, Session
from core.replay import Fault, Upstream
from core.rules.results.outcome import Outcome
from core.settings import Settings
from core.upsert.results import Polled
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]

BAHRAIN = "2024-bahrain-grand-prix"
BEFORE_JOLPICA = datetime(2024, 3, 1, 17, 45, tzinfo=UTC)  # the bundled sample has the qualifying's live timing by then


@pytest.fixture
def bahrain(replay: Upstream, sqlite: Database, sync: Sync, reached: Reached) -> Upstream:
    """After Bahrain's qualifying of 2024, before Jolpica's results."""
    replay.as_of = BEFORE_JOLPICA
    reached(BEFORE_JOLPICA, lambda: sync(2024, BEFORE_JOLPICA))
    return replay


def qualifying(now: datetime = BEFORE_JOLPICA) -> Polled:
    return poll(BAHRAIN, SessionKind.QUALIFYING, now)


def healed(database: Database) -> None:
    """Assert that the session's next poll stores the results and clears the error."""
    session, _ = stored(database, f"{BAHRAIN}/qualifying")
    assert session.next_poll_at is not None
    assert qualifying(session.next_poll_at).outcome is Outcome.PUBLISHED
    session, entries = stored(database, f"{BAHRAIN}/qualifying")
    assert (session.results_state, session.last_error, len(entries)) == (ResultsState.PROVISIONAL, None, 20)


def test_live_timing_comes_first(bahrain: Upstream, sqlite: Database) -> None:
    """The tests below depend on it."""
    healed_at = qualifying()
    assert (healed_at.outcome, healed_at.entries) == (Outcome.PUBLISHED, 20)


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (SystemExit(1), "FastF1 gave up on a missing feed"),
        (KeyError("Lines"), "feeds that FastF1 cannot read"),
        (RecursionError(), "feeds that FastF1 cannot read"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
@pytest.mark.usefixtures("no_waiting")
def test_an_exception_of_fastf1_is_noted_as_a_fault(
    raised: BaseException,
    words: str,
    bahrain: Upstream,
    sqlite: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def load(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise raised

    with monkeypatch.context() as patched:
        patched.setattr(fastf1.core.Session, "load", load)
        assert qualifying().outcome is Outcome.FAILED
    session, entries = stored(sqlite, f"{BAHRAIN}/qualifying")
    assert words in str(session.last_error)
    assert words in caplog.text
    assert (session.results_state, session.poll_attempts, entries) == (ResultsState.AWAITED, 1, [])
    assert session.next_poll_at is not None
    assert timedelta(0) < session.next_poll_at - BEFORE_JOLPICA <= timedelta(minutes=5)
    healed(sqlite)


def fetch() -> TimingDocument:
    event = Event.model_construct(season=2024, round=1, name="Bahrain Grand Prix", last_date=date(2024, 3, 2))
    begins = {"starts_at": datetime(2024, 3, 1, 16, tzinfo=UTC), "utc_offset_minutes": 180}
    session = Session.model_construct(name="Qualifying", **begins)
    return fetch_timing(event, session, Access(Settings.load(), Deadline(20)))


def test_exit_becomes_a_typed_error(bahrain: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastf1.core.Session, "load", lambda *_args, **_kwargs: sys.exit(1))
    with pytest.raises(SourceMalformed):
        fetch()


def no_data(*_args: Any, **_kwargs: Any) -> NoReturn:
    raise DataNotLoadedError("The data you are trying to access has not been loaded yet")


NO_CARS = pd.DataFrame({"Position": []})
CARS_WITHOUT_PLACES = pd.DataFrame(
    {"DriverNumber": ["1", "44"], "Abbreviation": ["VER", "HAM"], "Position": [float("nan")] * 2}
)


@pytest.mark.parametrize(
    "patches",
    [
        {"load": no_data},
        {"load": lambda *_args, **_kwargs: None, "results": NO_CARS, "laps": pd.DataFrame()},
        {"load": lambda *_args, **_kwargs: None, "results": CARS_WITHOUT_PLACES, "laps": pd.DataFrame()},
    ],
    ids=["not loaded", "empty frame", "half-filled frame"],
)
@pytest.mark.usefixtures("no_waiting")
def test_unpublished_results_are_not_a_fault(
    patches: dict[str, Any], bahrain: Upstream, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        for name, patch in patches.items():
            patched.setattr(fastf1.core.Session, name, patch)
        with pytest.raises(SourceEmpty):
            fetch()
        assert qualifying().outcome is Outcome.NOT_YET
    session, entries = stored(sqlite, f"{BAHRAIN}/qualifying")
    assert (session.results_state, session.last_error, session.poll_attempts) == (ResultsState.AWAITED, None, 1)
    assert entries == []
    healed(sqlite)


def test_missing_live_timing_is_requested_once(bahrain: Upstream, sqlite: Database) -> None:
    bahrain.as_of = datetime(2024, 3, 1, 17, tzinfo=UTC)
    bahrain.requests.clear()
    assert qualifying(bahrain.as_of).outcome is Outcome.NOT_YET
    asked = [request.path for request in bahrain.requests]
    assert len([path for path in asked if path.startswith("/ergast/")]) == 1, (
        "loading makes no second request to Jolpica"
    )
    assert {re.sub(r".*/", "", path) for path in asked if "livetiming" in path} == {"SessionInfo.jsonStream"}


GARBAGE: dict[str, dict[str, Any]] = {
    "binary": {"body": bytes(range(256)) * 20},
    "html": {"body": b"<!DOCTYPE html><html><body>checking your browser</body></html>"},
}
HALF: dict[str, dict[str, Any]] = {
    "cut short": {"truncate": 700},
    "other JSON": {"body": b'00:00:01.000{"Lines":[]}\r\n00:00:02.000{"Lines":{"1":7}}\r\n'},
    "empty": {"status": 200, "body": b""},
    "not there": {"status": 404},
    "server error": {"status": 500},
}


def comes_again_soon(database: Database) -> None:
    """Assert that nothing was stored, and that the next poll, within five minutes, succeeds."""
    session, entries = stored(database, f"{BAHRAIN}/qualifying")
    assert (session.results_state, session.revision, entries) == (ResultsState.AWAITED, 0, [])
    assert session.next_poll_at is not None
    assert timedelta(0) < session.next_poll_at - BEFORE_JOLPICA <= timedelta(minutes=5)


@pytest.mark.parametrize(
    ("feed", "garbage"),
    [
        ("TimingData", "binary"),
        ("TimingData", "html"),
        ("SessionInfo", "binary"),
        ("jsonStream", "binary"),
        ("jsonStream", "html"),
    ],
)
@pytest.mark.usefixtures("no_waiting")
def test_a_feed_of_garbage_is_a_fault_and_the_next_poll_succeeds(
    feed: str, garbage: str, bahrain: Upstream, sqlite: Database
) -> None:
    bahrain.faults = [Fault(match=feed, times=10**6, **GARBAGE[garbage])]
    assert qualifying().outcome is Outcome.FAILED
    assert str(stored(sqlite, f"{BAHRAIN}/qualifying")[0].last_error).startswith("livetiming: ")
    comes_again_soon(sqlite)
    bahrain.faults = []
    healed(sqlite)


@pytest.mark.parametrize("half", HALF)
@pytest.mark.usefixtures("no_waiting")
def test_without_timing_of_laps_no_results_are_stored(half: str, bahrain: Upstream, sqlite: Database) -> None:
    """Where the timing feed is missing, FastF1 numbers the driver list: car 1, 10, 11, 14."""
    bahrain.faults = [Fault(match="TimingData", times=10**6, **HALF[half])]
    assert qualifying().outcome in (Outcome.FAILED, Outcome.NOT_YET)
    comes_again_soon(sqlite)
    bahrain.faults = []
    healed(sqlite)


@pytest.mark.parametrize(
    ("fault", "raises"),
    [
        ({"status": 500}, SourceUnreachable),
        ({"status": 404}, SourceEmpty),
        ({"status": 403}, SourceEmpty),
        ({"status": 429}, SourceError),
    ],
    ids=["500", "404", "403", "429"],
)
def test_http_errors_of_live_timing_are_typed(
    fault: dict[str, Any], raises: type[SourceError], bahrain: Upstream
) -> None:
    bahrain.faults = [Fault(match="SessionInfo", times=10**6, **fault)]
    with pytest.raises(raises):
        fetch()


def test_fastf1s_own_rate_limit_is_typed(bahrain: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastf1.exceptions import RateLimitExceededError

    def limited(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise RateLimitExceededError("too many")

    monkeypatch.setattr(fastf1.core.Session, "load", limited)
    with pytest.raises(RateLimited):
        fetch()


# Files of sessions that ended long ago are kept in FastF1's cache.

WEEK_LATER = BEFORE_JOLPICA + timedelta(days=8)


@pytest.fixture
def filed(bahrain: Upstream) -> Upstream:
    """Jolpica still has nothing after a week, and live timing does."""
    bahrain.overlay[2024, "qualifying"] = []
    bahrain.as_of = WEEK_LATER
    bahrain.requests.clear()
    return bahrain


def asked_of_live_timing(replay: Upstream) -> list[str]:
    """Live timing's files requested since the last call."""
    found = [request.path for request in replay.requests if "livetiming" in request.path]
    replay.requests.clear()
    return found


def read_by(name: str, now: datetime, sync: Sync, environment: pytest.MonkeyPatch) -> list[Entry]:
    """The session's entries in a new database of that name, after its first poll."""
    environment.setenv("DATABASE_URL", f"sqlite:///{Path.cwd()}/{name}.db")
    sync(2024, now)
    assert qualifying(now).outcome is Outcome.PUBLISHED
    found = connect(Settings.load())
    entries = stored(found, f"{BAHRAIN}/qualifying")[1]
    found.engine.dispose()
    return entries


def test_a_settled_session_is_read_again_without_a_request(
    filed: Upstream, sync: Sync, environment: pytest.MonkeyPatch
) -> None:
    first = read_by("first", WEEK_LATER, sync, environment)
    assert asked_of_live_timing(filed)
    assert read_by("second", WEEK_LATER + timedelta(hours=1), sync, environment) == first
    assert asked_of_live_timing(filed) == []


def test_a_session_that_ended_less_than_a_week_ago_is_fetched_each_time(
    bahrain: Upstream, sync: Sync, environment: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        bahrain.requests.clear()
        read_by(name, BEFORE_JOLPICA, sync, environment)
        assert any("TimingData" in path for path in asked_of_live_timing(bahrain))
    assert list(Settings.load().fastf1_cache_dir.glob("*")) == []


@pytest.mark.parametrize("half", HALF)
@pytest.mark.usefixtures("no_waiting")
def test_incomplete_live_timing_is_not_cached(half: str, filed: Upstream, sqlite: Database) -> None:
    filed.faults = [Fault("TimingData", times=10**6, **HALF[half])]
    assert qualifying(WEEK_LATER).outcome in (Outcome.FAILED, Outcome.NOT_YET)
    filed.faults = []
    filed.requests.clear()
    assert qualifying(WEEK_LATER + timedelta(hours=1)).entries == 20
    asked = asked_of_live_timing(filed)
    assert any("SessionInfo" in path for path in asked)
    assert any("TimingData" in path for path in asked)
