"""Hostile schedules: no sync ends in a traceback, nothing impossible is accepted, a clean answer repairs the rest.

Everything goes through the command line and the real FastF1, against the replayed upstream with altered bodies.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import on_postgresql, on_sqlite
from hostile_sources import (
    BEGIN,
    EVERY,
    JOLPICA,
    SOURCES,
    SUMMER,
    WINTER,
    moved_events,
    schedule_file,
    state,
    stored,
    sync,
)
from sqlalchemy import select, text

from core.database import Database
from core.kinds import Source
from core.replay import Fault, Upstream
from core.rules.calendar.moves import IMPLAUSIBLE_MOVE
from core.schema import changes

HOUR = timedelta(hours=1)
BELGIUM, SPAIN = "2024-belgian-grand-prix", "2024-spanish-grand-prix"
RACES = 24

Document = Any
Change = Callable[[Document], Document]

pytestmark = pytest.mark.usefixtures("no_waiting")


def nested(depth: int = 50_000) -> bytes:
    return b'{"MRData": ' * depth + b"1" + b"}" * depth


def column(name: str, value: Any) -> Change:
    """Replace a column's values, except testing's; a callable value is called with the old one."""

    def changed(document: Document) -> Document:
        document[name] = {
            index: (value(was) if callable(value) else value) if document["event_format"][index] != "testing" else was
            for index, was in document[name].items()
        }
        return document

    return changed


def cell(name: str, value: Any) -> Change:
    """Spa's value in a column."""

    def changed(document: Document) -> Document:
        [index] = [i for i, event in document["event_name"].items() if event == "Belgian Grand Prix"]
        document[name][index] = value
        return document

    return changed


def without(name: str) -> Change:
    return lambda document: {key: value for key, value in document.items() if key != name}


def rows(pick: Callable[[list[str]], Sequence[str]]) -> Change:
    """The events of these indexes, in this order."""

    def changed(document: Document) -> Document:
        indexes = pick(list(document["event_name"]))
        return {name: {str(n): values[index] for n, index in enumerate(indexes)} for name, values in document.items()}

    return changed


def later(days: int, *, year: int = 0) -> Change:
    """Move every date by so many days, or by a year to the same day."""

    def moved(moment: str | None) -> str | None:
        if moment is None:
            return None
        when = datetime.fromisoformat(moment) + timedelta(days=days)
        return when.replace(year=when.year + year, day=min(when.day, 28)).isoformat()

    def changed(document: Document) -> Document:
        for name in document:
            if name.endswith("_date"):
                document[name] = {index: moved(value) for index, value in document[name].items()}
        return document

    return changed


NO_CALENDAR: dict[str, tuple[Change, str]] = {
    "rounds missing": (without("round_number"), "24 of 25 events cannot be read, the first: an event that cannot"),
    "rounds 0": (column("round_number", 0), "a race without a round"),
    "rounds 1": (column("round_number", 1), "24 events are round 1"),
    "rounds -1": (column("round_number", -1), "round: Input should be greater than or equal to 1"),
    "rounds 10**9": (column("round_number", 10**9), "round: Input should be less than or equal to 99"),
    "a year later": (later(0, year=1), "is not in 2024"),
    "200 events": (rows(lambda indexes: (indexes * 8)[:200]), "200 events"),
    "an event twice": (rows(lambda indexes: [*indexes, indexes[7]]), "2 events are round 7"),
    "testing twice": (rows(lambda indexes: [indexes[0], *indexes]), "Pre-Season Testing is listed twice"),
    "names missing": (without("event_name"), "an event without a name"),
    "formats missing": (without("event_format"), "an event of a new format ''"),
    "a session's column missing": (without("session5"), "no race has a session 5"),
    "names no text": (column("event_name", ["x"]), "a value that is not text, "),
}


@on_sqlite
def test_an_impossible_calendar_is_held_and_the_next_source_is_fetched(
    database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync(BEGIN, capsys) == 0
    clean, now = state(database), WINTER
    for case, (change, words) in NO_CALENDAR.items():
        replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(change(schedule_file())).encode())
        replay.requests.clear()
        for n in (1, 2):
            assert sync(now := now + 25 * HOUR, capsys) == 0, case
            assert {request.path.split("/")[1] for request in replay.requests} == {"schedule", "ergast"}, case
            [kept] = stored(database).held.values()
            assert (kept.entity_id, kept.kind.value, kept.times_seen) == ("2024", "schedule_rejected", n), case
            assert kept.payload.keys() == {"fastf1"}, case
            assert words in kept.reason, case
            assert state(database) | {"held": []} == clean, f"{case} is not accepted, however often it is repeated"
        replay.faults = []
        assert sync(now, capsys) == 0, case
        assert state(database) == clean, case


def test_a_new_season_is_read_from_the_next_source(
    sqlite: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    document = NO_CALENDAR["rounds missing"][0](schedule_file())
    replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(document).encode())
    assert sync(BEGIN, capsys) == 0
    assert {event.source for event in stored(sqlite).events.values()} == {Source.JOLPICA}
    assert len(stored(sqlite).events) == RACES


CELLS: dict[str, tuple[str, Any]] = {
    "round 40000": ("round_number", 40_000),
    "round -1": ("round_number", -1),
    "round 0": ("round_number", 0),
    "NUL": ("official_event_name", "Belgian\x00 Grand Prix"),
    "surrogate": ("official_event_name", "Belgian \ud800 Grand Prix"),
    "escape": ("location", "\x1b]0;x\x07Spa"),
    "bidi": ("country", "\u202eBelgium"),
    "endless": ("official_event_name", "x" * 5_000),
    "label": ("session5", "\x00"),
    "far": ("session1_date", "2024-01-26T13:30:00"),
    "another year": ("session5_date", "2025-07-28T15:00:00"),
    "two of a kind": ("session4", "Race"),
    "format": ("event_format", "sprint_2030"),
    "object": ("location", {"a": 1}),
}


@on_postgresql
def test_a_malformed_event_is_held_and_the_others_are_applied(
    database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync(BEGIN, capsys) == 0
    clean, before, now = state(database), stored(database), WINTER
    for case, (name, value) in CELLS.items():
        document = cell(name, value)(schedule_file())
        [barcelona] = [i for i, name in document["event_name"].items() if name == "Spanish Grand Prix"]
        document["official_event_name"][barcelona] = "FORMULA 1 GRAN PREMIO"
        replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(document).encode())
        for n in (1, 2):
            assert sync(now := now + 25 * HOUR, capsys) == 0, case
            after = stored(database)
            assert after.events[SPAIN].official_name == "FORMULA 1 GRAN PREMIO", case
            assert after.events[BELGIUM] == before.events[BELGIUM], case
            assert after.sessions == before.sessions, case
            [kept] = after.held.values()
            assert (kept.entity_id, kept.kind.value, kept.times_seen) == (BELGIUM, "schedule_rejected", n), case
            assert kept.reason, case
            assert "Belgian" in kept.payload["document"], case
        replay.faults = []
        assert sync(now, capsys) == 0, case
        assert state(database) == clean, case


def test_a_new_event_that_cannot_be_read_is_left_out(
    database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    document = cell("round_number", 40_000)(schedule_file())
    replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(document).encode())
    assert sync(BEGIN, capsys) == 0
    found = stored(database)
    assert len(found.events) == RACES
    assert BELGIUM not in found.events
    assert [kept.entity_id for kept in found.held.values()] == [BELGIUM]
    replay.faults = []
    assert sync(WINTER, capsys) == 0
    assert BELGIUM in stored(database).events
    assert not stored(database).held


@pytest.mark.parametrize("days", [7, 30, -30])
def test_moving_every_date_is_held_for_a_day_and_moving_back_is_applied_at_once(
    days: int,
    database: Database,
    replay: Upstream,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sync(BEGIN, capsys) == 0
    clean, before = state(database), stored(database)
    document = schedule_file()
    moved = later(days)(copy.deepcopy(document))
    for name in document:  # dates that would leave the year stay
        if name.endswith("_date"):
            for index, moment in moved[name].items():
                if document["event_format"][index] == "testing" or document["event_date"][index] > "2024-11":
                    moved[name][index] = document[name][index]
                assert moment is None or moment.startswith("2024") or document["event_date"][index] > "2024-11"
    replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(moved).encode())
    assert sync(WINTER, capsys) == 0
    assert sync(WINTER + 23 * HOUR, capsys) == 0
    assert stored(database).sessions == before.sessions
    assert stored(database).events == before.events
    assert {answer.reason for answer in stored(database).held.values()} == {IMPLAUSIBLE_MOVE}
    replay.faults = []
    assert sync(WINTER + 23.5 * HOUR, capsys) == 0
    assert state(database) == clean
    replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(moved).encode())
    for n in (30, 54):
        assert sync(WINTER + n * HOUR, capsys) == 0
    assert len(moved_events(before, stored(database))) > RACES / 2, "what is repeated for a day is accepted"
    replay.faults = []
    for n in (60, 84):
        assert sync(WINTER + n * HOUR, capsys) == 0
    assert state(database) == clean, "and so is the move back"


SHAPES: dict[str, bytes] = {
    "null": b"null",
    "list": b"[]",
    "number": b"1e400",
    "text": b'"\\ud800"',
    "object": b"{}",
    "of lists": b'{"round_number": [1], "gmt_offset": [null]}',
    "MRData null": b'{"MRData": null}',
    "MRData list": b'{"MRData": []}',
    "total abc": b'{"MRData": {"total": "abc", "limit": "100", "offset": "0", "RaceTable": {"Races": []}}}',
    "total null": b'{"MRData": {"total": null, "limit": "100", "offset": "0", "RaceTable": {"Races": []}}}',
    "total huge": b'{"MRData": {"total": "10000000", "limit": "100", "offset": "0", "RaceTable": {"Races": []}}}',
    "RaceTable null": b'{"MRData": {"total": "24", "limit": "100", "offset": "0", "RaceTable": null}}',
    "Races null": b'{"MRData": {"total": "24", "limit": "100", "offset": "0", "RaceTable": {"Races": null}}}',
    "Races of null": b'{"MRData": {"total": "2", "limit": "100", "offset": "0", "RaceTable": {"Races": [null, 1]}}}',
    "deep": nested(),
    "deep list": b"[" * 50_000 + b"]" * 50_000,
    "not UTF-8": b'{"MRData": "\xff\xfe"}',
    "NUL": b"\x00",
}


def test_a_fault_of_the_circuits_fails_no_sync(
    database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    now = BEGIN
    for case, body in SHAPES.items():
        replay.faults = [Fault(match=JOLPICA, times=EVERY, status=200, body=body)]
        replay.requests.clear()
        assert sync(now := now + 25 * HOUR, capsys) == 0, case
        assert any("/ergast/" in request.path for request in replay.requests), case
        found = stored(database)
        assert {event.source for event in found.events.values()} == {Source.FASTF1}, case
        assert len(found.events) == RACES + 1, case
        assert not found.circuits, case
    replay.faults = []
    assert sync(now + 25 * HOUR, capsys) == 0
    assert len({event.circuit_id for event in stored(database).events.values()} - {None}) == RACES


@on_sqlite
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_document_of_another_shape_changes_nothing_and_the_next_source_answers(
    source: Source, database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync(BEGIN, capsys) == 0
    clean = state(database)
    for case, body in SHAPES.items():
        replay.faults = SOURCES[source].faults(body)
        assert sync(SUMMER, capsys) == (source is Source.LIVETIMING), (
            f"{case}: a fault of the last source fails the sync"
        )
        assert state(database) | {"held": []} == clean, case
        replay.faults = []
        assert sync(SUMMER, capsys) == 0, case
        assert state(database) == clean, case


def test_data_that_the_database_refuses_are_reported_in_one_line(
    new_database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    """For data that the records accept: a narrower column, or on SQLite a trigger, refuses a country."""
    new_database.ensure_schema()
    narrower = (
        f'ALTER TABLE "{new_database.schema}".circuits ALTER COLUMN country TYPE varchar(5)'
        if new_database.is_postgresql
        else "CREATE TRIGGER narrow BEFORE INSERT ON circuits WHEN length(NEW.country) > 5 "
        "BEGIN SELECT RAISE(ABORT, 'value too long'); END"
    )
    with new_database.writing() as connection:
        connection.execute(text(narrower))
    assert sync(BEGIN, capsys) == 1
    assert not stored(new_database).events
    with new_database.reading() as connection:
        assert connection.scalar(select(changes.c.id).limit(1)) is None
