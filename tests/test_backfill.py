"""Whole seasons from whole tables: the same rows as a sync and a poll make, resumable, and nothing twice."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backfills import contents, empty, left_of
from conftest import poll_by_name
from recording import RECORDED, Recording, needs_recording
from sqlalchemy import select

from core.database import Database
from core.errors import DataRefused, NotDone, UsageError
from core.replay import Upstream
from core.rules.history import HISTORY
from core.schema import teams
from core.upsert.bulk import copy_rows
from flows.backfill import backfill_history, seasons_between
from flows.poll_results import poll, poll_results
from flows.runtime.run import Run
from flows.sync_schedule import sync_schedule
from flows.tasks.results import read_due_polls

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@needs_recording
@pytest.mark.parametrize("season", [1950, 1958, 1979, 1997, 2012, 2020, 2023])
def test_a_season_stored_at_once_equals_one_stored_session_by_session(
    season: int, database: Database, recording: Recording
) -> None:
    """Every table but the feed, with the same `now`."""
    sync_schedule.fn(season=season, now=NOW)
    run = Run.begin(NOW)
    poll(run, jolpica_s(read_due_polls(run, None, None)), force=False, by_name=False)
    ordinary = contents(database)
    empty(database)
    backfill_history.fn(first=season, last=season, now=NOW)
    assert contents(database) == ordinary
    assert ordinary["results"]


def jolpica_s(due: list[Any]) -> list[Any]:
    return [one for one in due if one.session.kind.value in ("race", "qualifying", "sprint")]


@needs_recording
def test_a_season_is_one_change_and_is_marked_as_done(database: Database, recording: Recording) -> None:
    [done] = backfill_history.fn(first=1997, last=1997, now=NOW)
    assert (done.season, done.events, done.results, done.failure) == (1997, 17, 34, "")
    found = left_of(database)
    [change] = found["changes"]
    assert (change["entity"], change["entity_id"], change["kind"]) == ("season", "1997", "added")
    assert change["after"] == {"events": 17, "sessions": 34, "results": 34, "entries": done.entries}
    assert [row["entity_id"] for row in found["dataset_states"] if row["dataset"] == HISTORY] == ["1997"]
    assert found["backfill_pages"] == []


@needs_recording
def test_a_second_backfill_requests_nothing_and_nothing_is_written_after_it(
    database: Database, recording: Recording
) -> None:
    seasons = (1995, 1997)
    for season in seasons:
        backfill_history.fn(first=season, last=season, now=NOW)
    asked, before = recording.requests(), left_of(database)
    assert asked
    for season in seasons:
        assert backfill_history.fn(first=season, last=season, now=NOW + timedelta(hours=2)) == []
    assert recording.requests() == asked
    for season in seasons:
        sync_schedule.fn(season=season, now=NOW + timedelta(hours=2))
    assert poll_results.fn(now=NOW + timedelta(hours=2)) == []
    assert left_of(database) == before


@needs_recording
@pytest.mark.parametrize("known", ["nothing", "the calendar", "some results"])
def test_a_partly_known_season_is_completed(known: str, database: Database, recording: Recording) -> None:
    if known != "nothing":
        sync_schedule.fn(season=1997, now=NOW)
    if known == "some results":
        poll_by_name(event="1997-monaco-grand-prix", now=NOW)
    backfill_history.fn(first=1997, last=1997, now=NOW)
    if known == "nothing":
        return
    found = contents(database)
    empty(database)
    backfill_history.fn(first=1997, last=1997, now=NOW)
    at_once = contents(database)
    if known == "some results":  # published standings after that event were asked for
        del found["dataset_states"], at_once["dataset_states"]
    assert found == at_once


@needs_recording
def test_a_run_continues_after_the_last_stored_page(sqlite: Database, recording: Recording) -> None:
    recording.control(faults=[{"match": "/1997/results.*offset=200", "times": 99, "status": 503}])
    with pytest.raises(NotDone, match="1997"):
        backfill_history.fn(first=1997, last=1997, now=NOW)
    assert len(left_of(sqlite)["backfill_pages"]) == 3, "the calendar, and two pages of results"
    assert left_of(sqlite)["events"] == []
    recording.reset()
    backfill_history.fn(first=1997, last=1997, now=NOW)
    offsets = [re.findall(r"/1997/(\w+)\.json.*offset=(\d+)", path)[0] for path in recording.requests()]
    assert offsets == [
        ("results", "200"),
        ("results", "300"),
        *(("qualifying", str(first)) for first in range(0, 400, 100)),
    ]
    assert left_of(sqlite)["backfill_pages"] == []


@needs_recording
@pytest.mark.parametrize("what", ["another total", "a page that is cut short", "no JSON"])
def test_inconsistent_or_unreadable_pages_fail_their_season_only(
    what: str, sqlite: Database, recording: Recording, no_waiting: None
) -> None:
    results = json.loads((RECORDED / "ergast" / "2020" / "results.json").read_text())
    whole = {
        "MRData": {"total": "340", "limit": "100", "offset": "100", "RaceTable": {"season": "2020", "Races": results}}
    }
    bodies = {
        "another total": json.dumps({"MRData": {**whole["MRData"], "total": "341"}}),
        "a page that is cut short": json.dumps({"MRData": {**whole["MRData"], "RaceTable": {"Races": results[:1]}}}),
        "no JSON": "<html>",
    }
    recording.control(faults=[{"match": "/2020/results.*offset=100", "times": 99, "body": bodies[what]}])
    with pytest.raises(NotDone, match="1 season failed: 2020: jolpica: ") as failed:
        backfill_history.fn(first=2019, last=2020, now=NOW)
    assert [one.season for one in failed.value.outcome if not one.failure] == [2019]
    found = left_of(sqlite)
    assert {row["season"] for row in found["events"]} == {2019}
    assert found["backfill_pages"] == [], "its pages are void"
    recording.reset()
    [done] = backfill_history.fn(first=2019, last=2020, now=NOW)
    assert (done.season, done.results) == (2020, 34)


@needs_recording
def test_an_upstream_that_does_not_answer_ends_the_run(sqlite: Database, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("F1_UPSTREAM_URL", "http://127.0.0.1:9")
    with pytest.raises(NotDone, match="3 seasons failed: 2026: ") as failed:
        backfill_history.fn(now=NOW)
    assert [one.season for one in failed.value.outcome] == [2026, 2025, 2024]


def test_a_season_under_way_is_stored_as_far_as_it_is_published_and_not_marked_as_done(
    database: Database, replay: Upstream
) -> None:
    now = datetime(2024, 7, 29, tzinfo=UTC)
    replay.as_of = now
    [done] = backfill_history.fn(first=2024, last=2024, now=now)
    assert (done.events, done.results) == (25, 31)
    before = left_of(database)
    assert [row for row in before["dataset_states"] if row["dataset"] == HISTORY] == []
    replay.requests.clear()
    [again] = backfill_history.fn(first=2024, last=2024, now=now)
    assert (again.results, again.failure) == (0, "")
    assert [request.path.split("?")[0] for request in replay.requests] == ["/schedule/schedule_2024.json"]
    assert left_of(database) == before
    later = datetime(2025, 1, 2, tzinfo=UTC)
    replay.as_of = later
    [rest] = backfill_history.fn(first=2024, last=2024, now=later)
    assert rest.results == 23
    assert backfill_history.fn(first=2024, last=2024, now=later) == []


def test_seasons_are_limited_to_those_that_exist(sqlite: Database) -> None:
    for first, last in ((1949, None), (2000, 1999), (None, 2027), (2027, None)):
        with pytest.raises(UsageError, match="from 1950 to 2026"):
            backfill_history.fn(first=first, last=last, now=NOW)
    assert seasons_between(None, None, 2026) == range(1950, 2027)
    assert seasons_between(1994, None, 2026)[0] == 1994


def test_rows_that_the_database_refuses_are_an_error_in_one_line_and_none_is_written(database: Database) -> None:
    team = {"id": "ferrari", "name": "Ferrari", "nationality": "Italian"}
    with pytest.raises(DataRefused), database.writing() as connection:
        copy_rows(connection, teams, [team, team])
    with database.writing() as connection:
        copy_rows(connection, teams, [team])
        copy_rows(connection, teams, [])
    with database.reading() as connection:
        assert [row.id for row in connection.execute(select(teams))] == ["ferrari"]
