"""Upstreams that fail: the next source answers and marks its rows, and overwrites nothing from a better one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap
from sqlalchemy import select
from waiting import HANGS

from core.database import Database
from core.deadline import Deadline
from core.errors import OutOfTime, UpstreamDown
from core.fetch import schedule
from core.fetch.access import Access
from core.kinds import EventFormat, Source, Status
from core.queries import read_calendar
from core.replay import Fault, Upstream, jolpica
from core.replay.facts import EventFacts
from core.rules.calendar.season import Calendar
from core.schema import changes, circuits, events, held, sessions
from core.settings import Settings
from core.upsert.schedule import SeasonSummary
from flows.sync_schedule import sync_schedule

Sync = Callable[..., SeasonSummary]

NOW = datetime(2024, 2, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
FASTF1, JOLPICA, ANY = "^/schedule/", "^/ergast/", "^/"
EVERY = 10**6
SLOW = HANGS
HTML = b"<!DOCTYPE html><html><body>Please wait while we check your browser</body></html>"
FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "timeout": {"delay_seconds": SLOW},
    "empty": {"status": 200, "body": b""},
    "truncated": {"truncate": 2000},
    "html": {"status": 200, "body": HTML, "headers": {"Content-Type": "text/html"}},
    "429": {"status": 429, "headers": {"Retry-After": "30"}},
}
WORDS = {
    "500": "server error 500",
    "timeout": "did not answer in time",
    "empty": "an empty answer",
    "truncated": "an answer that is not JSON",
    "html": "an answer that is not JSON",
    "429": "rate limit reached, which asks us to wait 30 s",
}
TRIES = {"500": 3, "timeout": 1, "empty": 1, "truncated": 3, "html": 3, "429": 1}
"""Only faults that may pass within seconds are retried."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between tries."""
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=lambda _seconds: None))


def fails(replay: Upstream, fault: str, match: str) -> None:
    """Let an upstream fail in this way from now on."""
    replay.faults = [Fault(match=match, times=EVERY, **FAULTS[fault])]


def asked(replay: Upstream) -> list[str]:
    """The upstreams asked since the last call, in order."""
    found = [request.path.split("/")[1] for request in replay.requests]
    replay.requests.clear()
    return found


def stored(database: Database, season: int = 2024) -> Calendar:
    with database.reading() as connection:
        return read_calendar(connection, season)


def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the calendar's tables, including `updated_at`."""
    with database.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]
            for table in (circuits, events, sessions, changes, held)
        }


def wrong_races() -> list[dict[str, Any]]:
    """Jolpica's races, each under another name, and its race an hour off."""
    races = copy.deepcopy(Upstream(as_of=NOW).documents(2024, "races"))
    for race in races:
        race["raceName"] = f"Grand Prix of {race['Circuit']['Location']['country']}"
        race["time"] = f"{(int(race['time'][:2]) + 1) % 24:02}{race['time'][2:]}"
    return races


def sources(calendar: Calendar) -> set[Source]:
    return {e.source for e in calendar.events.values()} | {s.source for s in calendar.sessions.values()}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_source_answers_and_is_named_in_its_rows(
    fault: str, sqlite: Database, replay: Upstream, sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    replay.as_of = NOW
    fails(replay, fault, FASTF1)
    caplog.set_level("INFO", logger="flows")
    summary = sync(2024, NOW)
    assert (summary.source, summary.events, summary.sessions) == ("jolpica", 24, 120)
    assert asked(replay) == ["schedule"] * TRIES[fault] + ["ergast"]
    found = stored(sqlite)
    assert sources(found) == {Source.JOLPICA}
    assert EventFormat.TESTING not in {event.format for event in found.events.values()}
    race = found.sessions["2024-las-vegas-grand-prix/race"]
    assert race.starts_at == datetime(2024, 11, 24, 6, tzinfo=UTC)
    assert race.local_date.isoformat() == "2024-11-23", "in the circuit's zone"
    assert f"2024 schedule: fastf1: {WORDS[fault]}" in caplog.text
    assert all("http" not in record.getMessage() for record in caplog.records)


def test_the_next_source_answers_on_postgresql_too(postgresql: Database, replay: Upstream, sync: Sync) -> None:
    fails(replay, "500", FASTF1)
    assert sync(2024, NOW).source == "jolpica"
    assert sources(stored(postgresql)) == {Source.JOLPICA}


def test_live_timing_is_the_last_source_and_lists_what_has_begun(
    sqlite: Database, replay: Upstream, sync: Sync
) -> None:
    replay.as_of = datetime(2024, 3, 10, tzinfo=UTC)
    fails(replay, "500", "^/(schedule|ergast)/")
    summary = sync(2024, replay.as_of)
    assert summary.source == "livetiming"
    found = stored(sqlite)
    assert sources(found) == {Source.LIVETIMING}
    races = {event.name for event in found.events.values() if event.format is not EventFormat.TESTING}
    assert races == {"Bahrain Grand Prix", "Saudi Arabian Grand Prix"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lesser_source_overwrites_nothing(fault: str, database: Database, replay: Upstream, sync: Sync) -> None:
    replay.as_of = NOW
    sync(2024, NOW)
    before = dump(database)
    replay.overlay[2024, "races"] = wrong_races()
    fails(replay, fault, FASTF1)
    for now in (LATER, LATER + timedelta(days=2)):
        summary = sync(2024, now)
        assert (summary.source, summary.changes) == ("jolpica", ())
        assert dump(database) == before
    assert sources(stored(database)) == {Source.FASTF1}, "testing, which Jolpica does not list, is kept"


def test_wrong_races_are_used_where_no_better_source_answers(sqlite: Database, replay: Upstream, sync: Sync) -> None:
    """A condition of the test above: these documents are accepted where nothing better is known."""
    replay.overlay[2024, "races"] = wrong_races()
    fails(replay, "500", FASTF1)
    sync(2024, NOW)
    found = stored(sqlite)
    assert "2024-grand-prix-of-bahrain" in found.events
    assert found.sessions["2024-grand-prix-of-bahrain/race"].starts_at == datetime(2024, 3, 2, 16, tzinfo=UTC)


@pytest.mark.parametrize("fault", FAULTS)
def test_all_down_is_one_sentence_and_leaves_the_database_alone(
    fault: str, database: Database, replay: Upstream, sync: Sync
) -> None:
    replay.as_of = NOW
    sync(2024, NOW)
    before = dump(database)
    fails(replay, fault, ANY)
    with pytest.raises(UpstreamDown) as raised:
        sync(2024, LATER)
    message = str(raised.value)
    assert message.startswith("no source has the 2024 schedule: fastf1: ")
    assert message.endswith("; nothing was changed")
    assert WORDS[fault] in message
    assert all(source.value in message for source in Source)
    assert "\n" not in message
    assert raised.value.exit_status == 1
    assert dump(database) == before


def test_all_down_from_the_start_creates_no_rows(sqlite: Database, replay: Upstream, sync: Sync) -> None:
    fails(replay, "500", ANY)
    with pytest.raises(UpstreamDown):
        sync(2024, NOW)
    assert not any(dump(sqlite).values())


def test_time_spent_waiting_for_a_permit_is_not_a_fault_of_the_source(replay: Upstream) -> None:
    """The wait for the limit, or another writer, used up the deadline: no request is made, and the error says so."""
    deadline = Deadline(60)

    def slow(_host: str, _path: str, _seconds: float) -> Callable[[int | None, float], None]:
        deadline._ends = 0.0
        return lambda _status, _ms: None

    with pytest.raises(OutOfTime):
        schedule.fetch_schedule(2024, Source.JOLPICA, Access(Settings.load(), deadline, slow))
    assert replay.requests == []


def test_a_refused_connection_is_an_unreachable_source(sqlite: Database, sync: Sync) -> None:
    """The settings point to a closed port (see conftest)."""
    with pytest.raises(UpstreamDown, match="fastf1: cannot be reached; jolpica: cannot be reached"):
        sync(2024, NOW)
    assert not any(dump(sqlite).values())


def test_an_empty_answer_for_a_season_that_is_known_is_a_fault(sqlite: Database, replay: Upstream, sync: Sync) -> None:
    """Empty never replaces full: a known season is kept although no source has it."""
    sync(2024, NOW)
    before = dump(sqlite)
    replay.calendars[2024] = []
    with pytest.raises(UpstreamDown):
        sync(2024, LATER)
    assert dump(sqlite) == before


def test_a_better_source_that_is_up_again_replaces_lesser_rows_at_once(
    database: Database, replay: Upstream, sync: Sync
) -> None:
    """Including past times, for which a single source would have to wait two days."""
    replay.overlay[2024, "races"] = wrong_races()
    fails(replay, "500", FASTF1)
    now = datetime(2024, 4, 1, tzinfo=UTC)
    sync(2024, now)
    bahrain = "2024-grand-prix-of-bahrain"
    assert stored(database).sessions[f"{bahrain}/race"].starts_at == datetime(2024, 3, 2, 16, tzinfo=UTC)

    replay.faults = []
    replay.as_of = now
    asked(replay)
    summary = sync(2024, now + timedelta(hours=1))
    assert summary.source == "fastf1"
    assert asked(replay) == ["schedule"], "the circuits are known"
    found = stored(database)
    assert sources(found) == {Source.FASTF1}
    assert not found.held
    assert found.events[bahrain].name == "Bahrain Grand Prix"
    assert found.sessions[f"{bahrain}/race"].starts_at == datetime(2024, 3, 2, 15, tzinfo=UTC)
    assert (len(found.events), summary.cancelled) == (25, 0), "no race twice, and testing added"
    assert "2024-pre-season-testing" in found.events
    assert not summary.notes
    assert sync(2024, now + timedelta(hours=2)).changes == ()


def test_a_passing_fault_is_retried(sqlite: Database, replay: Upstream, sync: Sync) -> None:
    replay.faults = [Fault(match=FASTF1, times=2, status=503)]
    assert sync(2024, NOW).source == "fastf1"
    assert asked(replay) == ["schedule"] * 3 + ["ergast"]


def test_requests_a_season(sqlite: Database, replay: Upstream, sync: Sync) -> None:
    sync(2024, NOW)
    assert asked(replay) == ["schedule", "ergast"], "two for a new one"
    for day in range(1, 4):
        sync(2024, NOW + timedelta(days=day))
        assert asked(replay) == ["schedule"], "one for a known one"


def test_circuits_are_added_by_a_later_sync(sqlite: Database, replay: Upstream, sync: Sync) -> None:
    """While only Jolpica is down, only circuits are missing, and the next sync asks for them."""
    fails(replay, "500", JOLPICA)
    summary = sync(2024, NOW)
    assert (summary.source, summary.events) == ("fastf1", 25)
    found = stored(sqlite)
    assert {event.circuit_id for event in found.events.values()} == {None}
    assert found.sessions["2024-las-vegas-grand-prix/race"].starts_at == datetime(2024, 11, 24, 6, tzinfo=UTC)
    replay.faults = []
    again = sync(2024, LATER)
    assert {change.kind.value for change in again.changes} == {"detailed"}
    races = [event for event in stored(sqlite).events.values() if event.format is not EventFormat.TESTING]
    assert None not in {event.circuit_id for event in races}


def test_an_unpublished_next_season_is_not_a_failure(sqlite: Database, replay: Upstream) -> None:
    summaries = sync_schedule.fn(now=NOW)
    assert [summary.season for summary in summaries] == [2024]
    assert not stored(sqlite, 2025).events
    assert sync_schedule.fn(season=2025, now=NOW) == []


def test_a_next_season_whose_sources_are_down_is_not_a_failure(sqlite: Database, replay: Upstream) -> None:
    replay.faults = [Fault(match="2025", times=EVERY, status=500)]
    assert [summary.season for summary in sync_schedule.fn(now=NOW)] == [2024]


def a_year_later(event: EventFacts) -> EventFacts:
    sessions = [replace(one, local=one.local and one.local + timedelta(weeks=52)) for one in event.sessions]
    return replace(event, sessions=tuple(sessions), day=event.day and event.day + timedelta(weeks=52))


def test_a_published_next_season_is_synced_too(sqlite: Database, replay: Upstream) -> None:
    replay.calendars[2025] = [a_year_later(event) for event in Upstream().calendar(2024) or ()]
    assert [summary.season for summary in sync_schedule.fn(now=NOW)] == [2024, 2025]


def test_a_current_season_that_is_down_is_a_failure(sqlite: Database, replay: Upstream) -> None:
    fails(replay, "500", ANY)
    with pytest.raises(UpstreamDown):
        sync_schedule.fn(now=NOW)


def test_a_table_shorter_than_its_own_total_is_malformed(sqlite: Database, replay: Upstream, sync: Sync) -> None:
    """Otherwise half a table would look like twelve cancelled races."""
    fails(replay, "500", FASTF1)
    sync(2024, NOW)
    before = dump(sqlite)
    documents = replay.documents(2024, "races")
    short = jolpica.answer("races", 2024, None, documents[:12], 100, 0).replace(b'"total": "12"', b'"total": "24"')
    assert b'"24"' in short
    replay.faults.append(Fault(match=JOLPICA, times=EVERY, status=200, body=short))
    replay.faults.append(Fault(match="^/livetiming", times=EVERY, status=500))
    with pytest.raises(UpstreamDown, match="jolpica: 12 of 24 races"):
        sync(2024, LATER)
    assert dump(sqlite) == before
    assert Status.CANCELLED not in {event.status for event in stored(sqlite).events.values()}
