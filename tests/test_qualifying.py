"""Qualifying of 1994 to 2017, which Jolpica's schedule does not list: its sessions, and all their rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from conftest import in_turn
from recording import RECORDED, Recording, needs_recording
from sqlalchemy import select

from core.database import Database
from core.kinds import ChangeKind, EventFormat, HeldKind, SessionKind, Source, Status
from core.queries import read_calendar
from core.records import ListedEvent, ListedResult, ListedSession, ScheduleAnswer, SessionResult
from core.rules.calendar.qualifying import needs_tables
from core.rules.calendar.reconcile import Reconciled, reconcile
from core.rules.calendar.season import Calendar
from core.schema import events, metadata, results, sessions, upstream_requests
from core.transform.cells import milliseconds
from flows.poll_results import poll_results
from flows.sync_schedule import sync_schedule

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ROWS = {1995: 418, 1997: 376, 2000: 374, 2003: 319, 2007: 374, 2012: 479}

OFF_THE_LIST = {"EX": "excluded", "NC": "outside 107 percent, or without a time"}
"""What the independent source says instead of a place; Jolpica lists such a driver after the others, with a place."""


def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but the ledger of requests."""
    tables = [table for table in metadata.sorted_tables if table is not upstream_requests]
    with database.reading() as connection:
        return {table.name: sorted(map(tuple, connection.execute(select(table))), key=str) for table in tables}


def stored(database: Database, season: int) -> Calendar:
    with database.reading() as connection:
        return read_calendar(connection, season)


def asked_for_qualifying(recording: Recording) -> int:
    return sum("/qualifying" in path for path in recording.requests())


def truth(season: int) -> Iterator[dict[str, str]]:
    with (RECORDED / "truth" / f"{season}.csv").open() as file:
        yield from (row for row in csv.DictReader(file) if row["session"] == "qualifying")


@needs_recording
@pytest.mark.parametrize(("season", "database"), in_turn(ROWS), indirect=["database"])
def test_every_row_equals_the_independent_source(season: int, recording: Recording, database: Database) -> None:
    sync_schedule.fn(season=season, now=NOW)
    poll_results.fn(now=NOW)
    with database.reading() as connection:
        rows = connection.execute(
            select(results, events.c.last_date)
            .join(sessions, sessions.c.id == results.c.session_id)
            .join(events, events.c.id == sessions.c.event_id)
            .where(sessions.c.kind == "qualifying")
        ).mappings()
        ours = {(row["last_date"].isoformat(), row["car_number"]): row for row in rows}
    true = list(truth(season))
    assert len(true) == len(ours) == ROWS[season]
    for row in true:
        mine = ours[row["date"], row["number"]]
        assert mine["position"] == mine["listed_position"]
        if row["position"] not in OFF_THE_LIST:
            assert str(mine["position"]) == row["position"]
        times = [milliseconds(row[part]) for part in ("q1", "q2", "q3")]
        if not any(times):  # one session, or one lap: its time
            times[0] = milliseconds(row["time"])
        assert [mine[f"{part}_ms"] for part in ("q1", "q2", "q3")] == times
        assert mine["driver_id"], row
        assert mine["team_id"], row


@needs_recording
def test_a_sync_and_a_poll_store_qualifying_and_later_runs_write_nothing(
    recording: Recording, database: Database
) -> None:
    [summary] = sync_schedule.fn(season=1997, now=NOW)
    assert (summary.events, summary.sessions, summary.notes) == (17, 34, ())
    assert asked_for_qualifying(recording) == 4
    found = stored(database, 1997)
    for event in found.events.values():
        race, qualifying = found.sessions[f"{event.id}/race"], found.sessions[f"{event.id}/qualifying"]
        assert (qualifying.name, qualifying.starts_at, qualifying.source) == ("Qualifying", None, Source.JOLPICA)
        assert qualifying.local_date == race.local_date - DAY
        assert (event.first_date, event.last_date) == (qualifying.local_date, race.local_date)
        assert qualifying.status is Status.COMPLETED
    poll_results.fn(now=NOW)
    assert asked_for_qualifying(recording) == 8
    before = dump(database)
    assert {row.results_state.value for row in stored(database, 1997).sessions.values()} == {"settled"}
    for now in (NOW + HOUR, NOW + 3 * DAY, NOW + 90 * DAY):
        assert not sync_schedule.fn(season=1997, now=now)[0].changes
        assert poll_results.fn(now=now) == []
    assert dump(database) == before
    assert asked_for_qualifying(recording) == 8


@needs_recording
def test_without_the_tables_the_races_are_there_and_the_next_sync_adds_the_sessions(
    recording: Recording, sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    recording.control(faults=[{"match": "1997/qualifying", "status": 404, "times": 1}])
    assert sync_schedule.fn(season=1997, now=NOW)[0].sessions == 17
    assert "1997 qualifying sessions: jolpica: " in caplog.text
    [summary] = sync_schedule.fn(season=1997, now=NOW + HOUR)
    assert summary.sessions == 34
    assert {(change.entity.value, change.kind) for change in summary.changes} == {
        ("event", ChangeKind.DETAILED),
        ("session", ChangeKind.ADDED),
    }, "the event's first date is its qualifying's"
    assert not stored(sqlite, 1997).held


@needs_recording
def test_a_race_that_the_table_lacks_has_no_qualifying_session(recording: Recording, sqlite: Database) -> None:
    tables = json.loads((RECORDED / "history" / "1997" / "qualifying.json").read_text())
    recording.control(overlay={"1997/qualifying": tables[1:]})
    sync_schedule.fn(season=1997, now=NOW)
    assert "1997-australian-grand-prix/qualifying" not in stored(sqlite, 1997).sessions
    assert len(stored(sqlite, 1997).sessions) == 33
    recording.control(overlay={})
    assert len(sync_schedule.fn(season=1997, now=NOW + HOUR)[0].changes) == 2, "the session, and the event's first date"


@needs_recording
def test_a_schedule_that_lists_the_session_corrects_its_date(recording: Recording, sqlite: Database) -> None:
    sync_schedule.fn(season=1997, now=NOW)
    poll_results.fn(now=NOW)
    races = json.loads((RECORDED / "history" / "1997" / "races.json").read_text())
    monaco = next(race for race in races if race["raceName"] == "Monaco Grand Prix")
    monaco["Qualifying"] = {"date": "1997-05-09", "time": "12:00:00Z"}
    recording.control(overlay={"1997/races": races})
    id_ = "1997-monaco-grand-prix/qualifying"
    sync_schedule.fn(season=1997, now=NOW + HOUR)
    assert stored(sqlite, 1997).sessions[id_].local_date == date(1997, 5, 10)
    assert [held.kind for held in stored(sqlite, 1997).held.values()] == [HeldKind.MOVED]
    sync_schedule.fn(season=1997, now=NOW + HOUR + 2 * DAY)
    corrected = stored(sqlite, 1997).sessions[id_]
    assert (corrected.local_date, corrected.starts_at) == (date(1997, 5, 9), datetime(1997, 5, 9, 12, tzinfo=UTC))
    assert stored(sqlite, 1997).events["1997-monaco-grand-prix"].first_date == date(1997, 5, 9)

    recording.control(overlay={})
    before = dump(sqlite)
    sync_schedule.fn(season=1997, now=NOW + 5 * DAY)
    assert dump(sqlite) == before, "a schedule that lists it no more leaves it as it is"


def race(name: str = "Monaco Grand Prix", day: date = date(1997, 5, 11), **differs: Any) -> ListedEvent:
    slot = ListedSession(kind=SessionKind.RACE, name="Race", local_date=day)
    event = ListedEvent(
        season=day.year,
        round=1,
        name=name,
        official_name=None,
        country="Monaco",
        locality="Monte Carlo",
        format=EventFormat.CONVENTIONAL,
        last_date=day,
        sessions=(slot,),
    )
    return event.model_copy(update=differs)


def answer(*listed: ListedEvent, source: Source = Source.JOLPICA) -> ScheduleAnswer:
    return ScheduleAnswer(season=listed[0].season, source=source, complete=True, events=listed)


def table(event: ListedEvent, *, entries: int = 1) -> ListedResult:
    rows = tuple({"car_number": str(number), "source": Source.JOLPICA} for number in range(entries))
    result = SessionResult.model_validate(
        {"season": event.season, "round": 1, "kind": "qualifying", "source": "jolpica", "entries": rows}
    )
    return ListedResult(round=1, event=event, result=result)


def kinds(made: Reconciled) -> list[str]:
    return sorted(made.calendar.sessions)


@pytest.mark.parametrize(("season", "needed"), [(1993, False), (1994, True), (2017, True), (2018, False)])
def test_the_seasons_whose_schedules_lack_qualifying(season: int, needed: bool) -> None:
    listed = race(day=date(season, 5, 11))
    assert needs_tables(Calendar(), answer(listed), NOW) is needed
    made = reconcile(Calendar(), answer(listed), NOW, qualifying=[table(listed)])
    assert len(made.calendar.sessions) == (2 if needed else 1)


def test_no_table_is_requested_for_races_to_come_or_of_another_source() -> None:
    listed = race()
    assert not needs_tables(Calendar(), answer(listed), datetime(1997, 5, 11, 12, tzinfo=UTC))
    assert needs_tables(Calendar(), answer(listed), datetime(1997, 5, 12, 0, tzinfo=UTC))
    assert not needs_tables(Calendar(), answer(listed, source=Source.FASTF1), NOW)


def test_a_table_shows_its_own_races_session_and_one_without_rows_shows_none() -> None:
    monaco = race()
    monza = race("Italian Grand Prix", date(1997, 9, 7), country="Italy", locality="Monza", round=2)
    made = reconcile(Calendar(), answer(monaco, monza), NOW, qualifying=[table(monza), table(monaco, entries=0)])
    assert kinds(made) == [
        "1997-italian-grand-prix/qualifying",
        "1997-italian-grand-prix/race",
        "1997-monaco-grand-prix/race",
    ]
    assert needs_tables(made.calendar, answer(monaco, monza), NOW)
    assert not needs_tables(made.calendar, answer(monza), NOW)


def test_a_table_that_cannot_be_read_shows_the_session_too() -> None:
    unread = table(race()).model_copy(update={"result": None, "fault": "a row that cannot be read"})
    assert len(reconcile(Calendar(), answer(race()), NOW, qualifying=[unread]).calendar.sessions) == 2


def test_a_known_session_stays_without_its_table_and_moves_with_its_race() -> None:
    first = reconcile(Calendar(), answer(race()), NOW, qualifying=[table(race())]).calendar
    again = reconcile(first, answer(race()), NOW + DAY)
    assert (again.changes, again.notes, again.calendar.held) == ((), (), {})
    moved = reconcile(first, answer(race(day=date(1997, 5, 18))), NOW + DAY, force=True).calendar
    dates = {session.kind.value: session.local_date for session in moved.sessions.values()}
    assert dates == {"qualifying": date(1997, 5, 17), "race": date(1997, 5, 18)}
    assert moved.events["1997-monaco-grand-prix"].first_date == date(1997, 5, 17)
    assert not moved.held
