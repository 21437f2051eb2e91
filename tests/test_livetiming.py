"""Live timing: recorded sessions equal the official classification; FastF1's failures become typed errors."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import fastf1.core
import pandas as pd
import pytest
from conftest import poll_by_name
from fastf1.exceptions import DataNotLoadedError
from reached import Reached
from recording import RECORDED, Recording, needs_recording
from sqlalchemy import select

from core.database import Database, connect
from core.deadline import Deadline
from core.documents import TimingDocument
from core.errors import RateLimited, SourceEmpty, SourceError, SourceMalformed, SourceUnreachable
from core.fetch.access import Access
from core.fetch.timing import TimedSession, fetch_timing
from core.queries import read_records
from core.records import Entry, ResultsState, Session, SessionKind, Source
from core.replay import Fault, Upstream
from core.rules.calendar.identity import season_of
from core.rules.calendar.identity import session_id as session_id_of
from core.rules.results.outcome import Outcome
from core.schema import result_revisions, sessions
from core.settings import Settings
from core.transform.cells import milliseconds
from core.upsert.results import Polled, read_entries
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]

SPRINT, SHOOTOUT, PRACTICE = SessionKind.SPRINT, SessionKind.SPRINT_QUALIFYING, SessionKind.PRACTICE_1
RECORDINGS = [
    ("2023-azerbaijan-grand-prix", SHOOTOUT, "2023-04-30"),
    ("2023-azerbaijan-grand-prix", SPRINT, "2023-04-30"),
    ("2024-chinese-grand-prix", SHOOTOUT, "2024-04-21"),
    ("2024-british-grand-prix", PRACTICE, "2024-07-07"),
]
LETTERS = {"DNF": None, "DNS": None, "NC": None, "DSQ": None}
DIFFERENCES: dict[tuple[str, str], dict[str, str]] = {
    ("2023-azerbaijan-grand-prix/sprint", "2"): {
        "entry": "Sargeant crashed in the shootout and did not start: he is in no lap of live timing",
    },
    ("2024-chinese-grand-prix/sprint_qualifying", "16"): {
        "laps": "Leclerc's 15th lap, begun after his last timed one, ends in 'Stopped': FastF1 has no such lap",
    },
    ("2024-chinese-grand-prix/sprint_qualifying", "77"): {
        "laps": "Bottas's 16th lap, begun after his last timed one, ends in 'Stopped': FastF1 has no such lap",
    },
}
"""All that differs from the official classification, by session and car: the field and why."""

QATAR_2025 = ["81", "63", "4", "1", "22", "12", "14", "55"]
"""The sprint's points: Piastri, Russell, Norris, Verstappen, Tsunoda, Antonelli, Alonso, Sainz."""

BAHRAIN = "2024-bahrain-grand-prix"
AFTER_BAHRAIN = datetime(2024, 3, 2, 18, tzinfo=UTC)  # Jolpica publishes at 18:00, live timing at 17:30
BEFORE_JOLPICA = datetime(2024, 3, 1, 17, 45, tzinfo=UTC)


def later(event: str) -> datetime:
    """A moment after the event, when all of its live timing is published."""
    return datetime(season_of(event), 12, 15, tzinfo=UTC)


def official(season: int, date: str, kind: SessionKind) -> dict[str, dict[str, str]]:
    """The independent source's rows of a session, by car number."""
    with (RECORDED / "truth" / f"{season}.csv").open() as file:
        return {
            row["number"]: row for row in csv.DictReader(file) if (row["date"], row["session"]) == (date, kind.value)
        }


def stored(database: Database, session_id: str) -> tuple[Session, list[Entry]]:
    with database.reading() as connection:
        (session,) = read_records(connection, sessions, Session, sessions.c.id == session_id)
        return session, read_entries(connection, session_id)


def poll(event: str, kind: SessionKind, now: datetime) -> Polled:
    (polled,) = poll_by_name(event=event, session=kind, now=now)
    return polled


def shown(row: dict[str, str]) -> dict[str, Any]:
    """Those fields of an official row that live timing has too."""
    place = row["position"]
    return {
        "position": LETTERS[place] if place in LETTERS else int(place),
        "laps": int(row["laps"]) if row["laps"] else None,
        **{f"{part}_ms": milliseconds(row[part]) for part in ("q1", "q2", "q3")},
    }


@needs_recording
@pytest.mark.parametrize(("event", "kind", "date"), RECORDINGS, ids=[f"{e}/{k.value}" for e, k, _ in RECORDINGS])
def test_a_recorded_session_equals_the_official_classification(
    event: str, kind: SessionKind, date: str, sqlite: Database, recording: Recording, sync: Sync
) -> None:
    season, now, session_id = season_of(event), later(event), session_id_of(event, kind)
    sync(season, now)
    recording.control(withhold=["/sprint"])
    polled = poll(event, kind, now)
    assert (polled.outcome, polled.revision) == (Outcome.PUBLISHED, 1)
    session, entries = stored(sqlite, session_id)
    assert session.results_state is ResultsState.PROVISIONAL
    assert {entry.source for entry in entries} == {Source.LIVETIMING}
    with sqlite.reading() as connection:
        (revision,) = connection.execute(select(result_revisions)).all()
    assert (revision.source, revision.state, revision.session_id) == ("livetiming", "provisional", session_id)

    expected = official(season, date, kind)
    found = {entry.car_number: entry.model_dump() for entry in entries}
    differing: dict[tuple[str, str], set[str]] = {
        (session_id, car): {"entry"} for car in expected.keys() ^ found.keys()
    }
    for car in expected.keys() & found.keys():
        if fields := {name for name, value in shown(expected[car]).items() if found[car][name] != value}:
            differing[session_id, car] = fields
    known = {key: set(reasons) for key, reasons in DIFFERENCES.items() if key[0] == session_id}
    assert differing == known
    assert list(found) == [car for car in expected if (session_id, car) not in DIFFERENCES or car in found]
    assert [entry.listed_position for entry in entries] == list(range(1, len(entries) + 1))
    if kind is PRACTICE:
        assert {car: entry["best_lap_ms"] for car, entry in found.items()} == {
            car: milliseconds(row["time"] or row["q1"]) for car, row in expected.items()
        }


@needs_recording
def test_the_sprint_of_qatar_2025(sqlite: Database, recording: Recording, sync: Sync) -> None:
    """There is no recorded table of 2025 to compare with, neither independent nor Jolpica's."""
    event, now = "2025-qatar-grand-prix", datetime(2025, 12, 1, tzinfo=UTC)
    sync(2025, now)
    assert poll(event, SPRINT, now).outcome is Outcome.PUBLISHED
    session, entries = stored(sqlite, f"{event}/sprint")
    assert session.results_state is ResultsState.PROVISIONAL
    assert len(entries) == 20
    assert [entry.car_number for entry in entries][:8] == QATAR_2025
    assert [entry.position for entry in entries] == list(range(1, 21))
    assert {entry.laps for entry in entries} == {19}
    assert {entry.source for entry in entries} == {Source.LIVETIMING}


@needs_recording
def test_provisional_gives_way_to_official(sqlite: Database, recording: Recording, sync: Sync) -> None:
    """The sprint of Azerbaijan 2023, first by live timing; Jolpica's table has Sargeant, who did not start."""
    event, now = "2023-azerbaijan-grand-prix", later("2023")
    sync(2023, now)
    recording.control(withhold=["/sprint"])
    poll(event, SPRINT, now)
    recording.control(withhold=[])
    polled = poll(event, SPRINT, now + timedelta(minutes=5))
    assert (polled.outcome, polled.revision, polled.entries) == (Outcome.OFFICIAL, 2, 20)
    session, entries = stored(sqlite, f"{event}/sprint")
    assert session.results_state is ResultsState.OFFICIAL
    assert {entry.source for entry in entries} == {Source.JOLPICA}
    recording.control(withhold=["/sprint"])
    assert poll(event, SPRINT, now + timedelta(minutes=10)).revision == 2, "and official never to provisional"
    assert stored(sqlite, f"{event}/sprint")[1] == entries


# FastF1's failures. The bundled sample serves Bahrain 2024's qualifying by live timing before Jolpica has it.


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


def timed_bahrain() -> TimedSession:
    return TimedSession(
        season=2024,
        round=1,
        event_name="Bahrain Grand Prix",
        last_date=datetime(2024, 3, 2).date(),
        name="Qualifying",
        wall_time=datetime(2024, 3, 1, 19),
        starts_at=datetime(2024, 3, 1, 16, tzinfo=UTC),
    )


def fetch() -> TimingDocument:
    return fetch_timing(timed_bahrain(), Access(Settings.load(), Deadline(20)))


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
