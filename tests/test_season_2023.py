"""The calendar of 2023 replayed: every revision at the time it was published."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from calendars import moment
from recording import RECORDED, Recording, needs_recording
from season_2023 import FIRST_WITHOUT_IMOLA, IMOLA, SECOND_WITHOUT_IMOLA, plan
from sqlalchemy import select

from core.database import Database
from core.kinds import EventFormat, SessionKind, Source, Status
from core.queries import read_calendar
from core.records import Change, Session
from core.rules.calendar.identity import slug
from core.rules.calendar.season import Calendar
from core.rules.changes import BOOKKEEPING
from core.schema import changes, circuits, events, held, sessions
from core.text import jsonable
from core.upsert.schedule import SeasonSummary
from flows.sync_schedule import sync_schedule

pytestmark = needs_recording
BAKU = "2023-azerbaijan-grand-prix"
LAS_VEGAS_PRACTICE = "2023-las-vegas-grand-prix/practice_2"
SPRINT_WEEKENDS = {
    "2023-azerbaijan-grand-prix",
    "2023-austrian-grand-prix",
    "2023-belgian-grand-prix",
    "2023-qatar-grand-prix",
    "2023-united-states-grand-prix",
    "2023-sao-paulo-grand-prix",
}
SPRINT_KINDS = {
    SessionKind.PRACTICE_1,
    SessionKind.SPRINT_QUALIFYING,
    SessionKind.SPRINT,
    SessionKind.QUALIFYING,
    SessionKind.RACE,
}
CONVENTIONAL_KINDS = {
    SessionKind.PRACTICE_1,
    SessionKind.PRACTICE_2,
    SessionKind.PRACTICE_3,
    SessionKind.QUALIFYING,
    SessionKind.RACE,
}
TRUE_STARTS = {
    "2023-azerbaijan-grand-prix/sprint_qualifying": "2023-04-29T08:30Z",
    "2023-canadian-grand-prix/practice_2": "2023-06-16T20:30Z",
    "2023-austrian-grand-prix/sprint_qualifying": "2023-07-01T10:00Z",
    "2023-belgian-grand-prix/sprint_qualifying": "2023-07-29T10:00Z",
    "2023-belgian-grand-prix/sprint": "2023-07-29T15:05Z",
    "2023-qatar-grand-prix/sprint_qualifying": "2023-10-07T13:20Z",
    "2023-united-states-grand-prix/sprint_qualifying": "2023-10-21T17:30Z",
    "2023-sao-paulo-grand-prix/sprint_qualifying": "2023-11-04T14:00Z",
    "2023-las-vegas-grand-prix/practice_1": "2023-11-17T04:30Z",
    "2023-las-vegas-grand-prix/practice_2": "2023-11-17T10:30Z",
    "2023-las-vegas-grand-prix/practice_3": "2023-11-18T04:30Z",
    "2023-las-vegas-grand-prix/qualifying": "2023-11-18T08:00Z",
}
"""Where Jolpica's recorded document is wrong: shootouts, sessions moved on the day, local dates at Las Vegas."""

JOLPICA_KEYS = {
    "FirstPractice": SessionKind.PRACTICE_1,
    "SecondPractice": SessionKind.PRACTICE_2,
    "ThirdPractice": SessionKind.PRACTICE_3,
    "SprintShootout": SessionKind.SPRINT_QUALIFYING,
    "SprintQualifying": SessionKind.SPRINT_QUALIFYING,
    "Sprint": SessionKind.SPRINT,
    "Qualifying": SessionKind.QUALIFYING,
}

Dump = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Lived:
    """One sync of the season: its moment, the revision served, its summary and the rows after it."""

    now: datetime
    revision: datetime
    summary: SeasonSummary | None
    calendar: Calendar
    before: Dump
    after: Dump

    @property
    def happened(self) -> set[tuple[str, str]]:
        """The changes as (id, kind)."""
        return {(change.entity_id, change.kind.value) for change in self.summary.changes} if self.summary else set()

    def change(self, entity_id: str, kind: str) -> Change:
        """The only change of that kind to that event or session."""
        assert self.summary is not None
        [found] = [c for c in self.summary.changes if (c.entity_id, c.kind.value) == (entity_id, kind)]
        return found


def dump(database: Database) -> Dump:
    """All rows of the calendar's tables, including `updated_at`."""
    with database.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]
            for table in (circuits, events, sessions, changes, held)
        }


def live(database: Database, recording: Recording) -> list[Lived]:
    """Sync through the season."""
    database.ensure_schema()
    lived = []
    before = dump(database)
    for now, revision in plan():
        recording.control(as_of=now.isoformat())
        summaries = sync_schedule.fn(season=2023, now=now)
        with database.reading() as connection:
            calendar = read_calendar(connection, 2023)
        after = dump(database)
        lived.append(Lived(now, revision, summaries[0] if summaries else None, calendar, before, after))
        before = after
    return lived


_lived: dict[bool, list[Lived]] = {}


@pytest.fixture
def season(database: Database, recording: Recording) -> list[Lived]:
    """The replayed season on this kind of database, once per process: tests only read it."""
    kind = database.is_postgresql
    if kind not in _lived:
        _lived[kind] = live(database, recording)
    return _lived[kind]


@pytest.fixture
def at(season: list[Lived]) -> Callable[[str], Lived]:
    """The sync at a moment."""
    return lambda text: next(lived for lived in season if lived.now == moment(text))


def test_empty_first_day_file_leaves_the_season_empty(season: list[Lived]) -> None:
    first = season[0]
    assert first.summary is None
    assert not any(first.after.values())
    assert season[1].summary is not None
    assert (season[1].summary.events, season[1].summary.sessions) == (24, 118)


def test_each_event_keeps_its_id_from_the_first_sync_to_the_last(season: list[Lived]) -> None:
    identities = {
        frozenset((e.id, e.name, e.circuit_id, e.last_date.month) for e in lived.calendar.events.values())
        for lived in season[1:]
    }
    assert len(identities) == 1
    assert all(identity == f"2023-{slug(name)}" for identity, name, *_ in next(iter(identities)))
    added = Counter(c.entity_id for lived in season if lived.summary for c in lived.summary.changes if not c.before)
    assert set(added.values()) == {1}
    assert set(added) == season[-1].calendar.events.keys() | season[-1].calendar.sessions.keys()
    kinds = {frozenset((s.id, s.event_id, s.kind) for s in season[-1].calendar.sessions.values())}
    assert all(s == f"{event}/{kind.value}" for s, event, kind in next(iter(kinds)))


def test_imola_is_cancelled_by_the_second_sync_that_misses_it(at: Callable[[str], Lived]) -> None:
    first, second = at(FIRST_WITHOUT_IMOLA), at(SECOND_WITHOUT_IMOLA)
    assert first.calendar.events[IMOLA].status is Status.SCHEDULED
    assert first.calendar.events[IMOLA].round == 6
    assert {s.status for s in first.calendar.sessions_of(IMOLA).values()} == {Status.SCHEDULED}
    assert first.summary is not None
    assert any("Emilia Romagna Grand Prix is no longer listed" in note for note in first.summary.notes)

    assert second.calendar.events[IMOLA].status is Status.CANCELLED
    assert second.calendar.events[IMOLA].round is None
    imola = second.calendar.sessions_of(IMOLA)
    assert set(imola) == CONVENTIONAL_KINDS
    assert {s.status for s in imola.values()} == {Status.CANCELLED}
    assert second.happened == {(IMOLA, "cancelled"), *((s.id, "cancelled") for s in imola.values())}
    assert second.summary is not None
    assert (second.summary.events, second.summary.sessions, second.summary.cancelled) == (23, 113, 1)
    assert not second.calendar.held


def test_imola_renumbers_seventeen_and_changes_nothing_else_of_them(
    season: list[Lived], at: Callable[[str], Lived]
) -> None:
    first, second = at(FIRST_WITHOUT_IMOLA), at(SECOND_WITHOUT_IMOLA)
    before = season[season.index(first) - 1].calendar
    later = {e.id for e in before.events.values() if e.round is not None and e.round > 6}
    assert len(later) == 17
    assert first.happened == {(identity, "renumbered") for identity in later}
    for identity, event in before.events.items():
        expected = event.model_copy(update={"round": event.round - 1}) if identity in later and event.round else event
        assert first.calendar.events[identity] == expected
        assert identity == IMOLA or second.calendar.events[identity] == expected
    assert first.calendar.sessions == before.sessions
    unmoved = {i: s for i, s in before.sessions.items() if s.event_id != IMOLA}
    assert {i: s for i, s in second.calendar.sessions.items() if s.event_id != IMOLA} == unmoved


def test_baku_cancels_practice_and_adds_the_shootout_in_one_sync(at: Callable[[str], Lived]) -> None:
    blank, filled = at("2023-04-25T18:28:15Z"), at("2023-04-25T20:48:08Z")
    practice, shootout = f"{BAKU}/practice_2", f"{BAKU}/sprint_qualifying"
    assert blank.happened == set()
    assert blank.calendar.sessions[practice].status is Status.SCHEDULED
    assert [answer.entity_id for answer in blank.calendar.held.values()] == [practice]

    assert filled.happened == {(BAKU, "format_changed"), (practice, "cancelled"), (shootout, "added")}
    assert filled.calendar.events[BAKU].format is EventFormat.SPRINT_SHOOTOUT
    assert filled.calendar.sessions[practice].status is Status.CANCELLED
    assert filled.calendar.sessions[shootout].starts_at == moment("2023-04-29T08:30Z")
    assert not filled.calendar.held


def test_las_vegas_practice_is_rescheduled_after_its_planned_start(at: Callable[[str], Lived]) -> None:
    for now, was, becomes in (
        ("2023-11-17T09:39:55Z", "2023-11-17T08:00Z", "2023-11-17T10:00Z"),
        ("2023-11-17T09:55:38Z", "2023-11-17T10:00Z", "2023-11-17T10:30Z"),
    ):
        lived = at(now)
        change = lived.change(LAS_VEGAS_PRACTICE, "rescheduled")
        assert change.before is not None
        assert change.after is not None
        assert moment(change.before["starts_at"]) == moment(was)
        assert moment(change.after["starts_at"]) == moment(becomes)
        assert lived.calendar.sessions[LAS_VEGAS_PRACTICE].starts_at == moment(becomes)
        assert lived.calendar.sessions[LAS_VEGAS_PRACTICE].status is Status.SCHEDULED


def test_the_end_is_the_real_calendar_of_2023(season: list[Lived]) -> None:
    calendar = season[-1].calendar
    races: list[dict[str, Any]] = json.loads((RECORDED / "ergast" / "2023" / "races.json").read_text())
    active = {e.id: e for e in calendar.events.values() if e.status is not Status.CANCELLED}
    driven = {e.round: e for e in active.values() if e.round is not None}
    assert set(driven) == {int(race["round"]) for race in races} == set(range(1, 23))
    assert active.keys() - {e.id for e in driven.values()} == {"2023-pre-season-testing"}
    assert calendar.events.keys() - active.keys() == {IMOLA}
    assert {event.source for event in calendar.events.values()} == {Source.FASTF1}

    different = {}
    for race in races:
        event = driven[int(race["round"])]
        assert (event.name, event.circuit_id) == (race["raceName"], race["Circuit"]["circuitId"])
        slots = {kind: race[key] for key, kind in JOLPICA_KEYS.items() if key in race} | {SessionKind.RACE: race}
        found = {k: s for k, s in calendar.sessions_of(event.id).items() if s.status is not Status.CANCELLED}
        assert set(found) == set(slots)
        for kind, slot in slots.items():
            if found[kind].starts_at != moment(f"{slot['date']}T{slot['time']}"):
                different[found[kind].id] = found[kind].starts_at
    assert different == {identity: moment(start) for identity, start in TRUE_STARTS.items()}
    assert calendar.sessions["2023-las-vegas-grand-prix/race"].starts_at == moment("2023-11-19T06:00Z")


def test_the_end_has_the_right_weekends(season: list[Lived]) -> None:
    calendar = season[-1].calendar
    for event in calendar.events.values():
        known = calendar.sessions_of(event.id)
        active = {kind for kind, session in known.items() if session.status is not Status.CANCELLED}
        if event.id in SPRINT_WEEKENDS:
            assert event.format is EventFormat.SPRINT_SHOOTOUT
            assert active == SPRINT_KINDS
            assert known.keys() - active == {SessionKind.PRACTICE_2}
        elif event.format is EventFormat.TESTING:
            assert active == {SessionKind.PRACTICE_1, SessionKind.PRACTICE_2, SessionKind.PRACTICE_3}
        else:
            assert event.format is EventFormat.CONVENTIONAL
            assert active == (set() if event.id == IMOLA else CONVENTIONAL_KINDS)


def test_an_unchanged_sync_writes_nothing(season: list[Lived]) -> None:
    repeated = [
        later
        for earlier, later in pairwise(season)
        if earlier.revision == later.revision and later.now != moment(SECOND_WITHOUT_IMOLA)
    ]
    assert len(repeated) >= 12
    for lived in repeated:
        assert lived.happened == set()
        assert lived.after == lived.before
    for lived in season:
        assert bool(lived.happened) == (lived.after["changes"] != lived.before["changes"])


def test_the_feed_alone_rebuilds_the_tables(season: list[Lived], database: Database) -> None:
    """Every `before` equals the feed's previous `after`, and the last `after` of each field equals the row."""
    names = [column.name for column in changes.columns]
    rebuilt: dict[str, dict[str, Any]] = {}
    for values in season[-1].after["changes"]:
        row = dict(zip(names, values, strict=True))
        if row["before"] is None:
            assert row["kind"] == "added"
            assert row["entity_id"] not in rebuilt
            rebuilt[row["entity_id"]] = dict(row["after"])
            continue
        state = rebuilt[row["entity_id"]]
        assert row["before"].keys() == row["after"].keys()
        assert row["before"] == {name: state[name] for name in row["before"]}
        assert row["before"] != row["after"]
        state.update(row["after"])
    calendar = season[-1].calendar
    rows: dict[str, Any] = {**calendar.events, **calendar.sessions}
    assert rebuilt.keys() == rows.keys()
    for identity, row in rows.items():
        left_out = BOOKKEEPING if isinstance(row, Session) else set()
        assert rebuilt[identity] == {name: jsonable(value) for name, value in row if name not in left_out}
