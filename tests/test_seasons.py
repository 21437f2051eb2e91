"""Every season of FastF1's schedules: the database holds what the files list, with correct UTC times."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from calendars import moment
from recording import RECORDED, Recording, needs_recording

from core.database import Database
from core.deadline import Deadline
from core.fetch import schedule
from core.fetch.access import Access
from core.kinds import SessionKind, Source
from core.queries import read_calendar
from core.rules.calendar.identity import season_of, slug
from core.rules.calendar.season import Calendar
from core.settings import Settings
from core.transform.schedule import session_kind
from core.upsert.schedule import SeasonSummary

pytestmark = needs_recording

Sync = Callable[..., SeasonSummary]

SLOTS = range(1, 6)
SIZES = {
    2018: (21, 105),
    2019: (21, 105),
    2020: (19, 89),
    2021: (23, 113),
    2022: (24, 116),
    2023: (23, 113),
    2024: (25, 123),
    2025: (25, 123),
}
TRUE_RACES = {
    "2020-eifel-grand-prix": "2020-10-11T12:10Z",
    "2020-portuguese-grand-prix": "2020-10-25T13:10Z",
    "2024-sao-paulo-grand-prix": "2024-11-03T15:30Z",
    "2024-las-vegas-grand-prix": "2024-11-24T06:00Z",
}
"""The correct times of races that Jolpica's recorded document has at a wrong time."""

CLOCKS_CHANGED = {
    "2018-mexican-grand-prix",
    "2019-mexican-grand-prix",
    "2019-united-states-grand-prix",
    "2020-portuguese-grand-prix",
    "2022-mexico-city-grand-prix",
    "2023-australian-grand-prix",
}
"""Weekends in which the venue's clocks changed: upstream's one offset is right only on race day."""


def document(season: int) -> list[dict[str, Any]]:
    """The recorded schedule file, one dictionary for each event."""
    columns = json.loads((RECORDED / "schedule" / f"schedule_{season}.json").read_text())
    return [{name: column[index] for name, column in columns.items()} for index in columns["event_name"]]


def calendar(database: Database, season: int) -> Calendar:
    with database.reading() as connection:
        return read_calendar(connection, season)


@pytest.fixture
def synced(sqlite: Database, recording: Recording, sync: Sync) -> Callable[[int], Calendar]:
    """A season synced from the recording."""

    def of(season: int) -> Calendar:
        sync(season, datetime(season, 12, 31, tzinfo=UTC))
        return calendar(sqlite, season)

    return of


@pytest.mark.parametrize("season", SIZES)
def test_every_event_and_session_is_there(season: int, sqlite: Database, recording: Recording, sync: Sync) -> None:
    summary = sync(season, datetime(season, 12, 31, tzinfo=UTC))
    listed = document(season)
    labels = [event[f"session{n}"] for event in listed for n in SLOTS if event[f"session{n}"]]
    assert (len(listed), len(labels)) == SIZES[season]
    assert (summary.source, summary.cancelled, summary.notes) == ("fastf1", 0, ())
    assert (summary.events, summary.sessions) == SIZES[season]
    found = calendar(sqlite, season)
    assert (len(found.events), len(found.sessions)) == SIZES[season]
    assert not found.held, "an unknown kind would be held"
    for event in listed:
        names = {event[f"session{n}"] for n in SLOTS if event[f"session{n}"]}
        sessions = found.sessions_of(f"{season}-{slug(event['event_name'])}")
        assert {session.name for session in sessions.values()} == names
        assert all(session_kind(season, session.name) is kind for kind, session in sessions.items())


@pytest.mark.parametrize("season", SIZES)
def test_utc_is_the_wall_time_in_the_circuits_zone(season: int, synced: Callable[[int], Calendar]) -> None:
    found = synced(season)
    for event in document(season):
        row = found.events[f"{season}-{slug(event['event_name'])}"]
        assert row.circuit_id is not None
        time_zone = found.circuits[row.circuit_id].time_zone
        assert time_zone is not None
        sessions = {session.name: session for session in found.sessions_of(row.id).values()}
        for n in SLOTS:
            if not event[f"session{n}"]:
                continue
            session, wall = sessions[event[f"session{n}"]], datetime.fromisoformat(event[f"session{n}_date"])
            assert session.starts_at == wall.replace(tzinfo=ZoneInfo(time_zone))
            assert session.local_date == wall.date()
            assert session.utc_offset_minutes is not None
            local = session.starts_at.replace(tzinfo=None) if session.starts_at else None
            assert local is not None
            assert (wall - local).total_seconds() == session.utc_offset_minutes * 60
        assert (row.first_date, row.last_date) == (
            min(session.local_date for session in sessions.values()),
            max(session.local_date for session in sessions.values()),
        )


@pytest.mark.parametrize("season", SIZES)
def test_races_start_when_jolpica_says(season: int, synced: Callable[[int], Calendar]) -> None:
    found = synced(season)
    by_round = {event.round: event for event in found.events.values()}
    different = {}
    races = json.loads((RECORDED / "ergast" / str(season) / "races.json").read_text())
    assert len(races) == sum(event.round is not None for event in found.events.values())
    for race in races:
        event = by_round[int(race["round"])]
        assert event.circuit_id == race["Circuit"]["circuitId"]
        starts_at = found.sessions[f"{event.id}/race"].starts_at
        if starts_at != moment(f"{race['date']}T{race['time']}"):
            different[event.id] = starts_at
    assert different == {event: moment(at) for event, at in TRUE_RACES.items() if event.startswith(str(season))}


@pytest.mark.parametrize("season", SIZES)
def test_fastf1s_own_utc_is_wrong_where_clocks_change(season: int, synced: Callable[[int], Calendar]) -> None:
    """Our times differ from FastF1's column only where it is wrong: for sessions before the race."""
    found = synced(season)
    different: dict[str, set[float]] = {}
    for row in schedule.fetch_schedule(season, Source.FASTF1, Access(Settings.load(), Deadline())):
        for session in found.sessions_of(f"{season}-{slug(row['EventName'])}").values():
            [n] = [n for n in SLOTS if row[f"Session{n}"] == session.name]
            assert session.starts_at is not None
            off = abs(
                datetime.fromisoformat(row[f"Session{n}DateUtc"]).replace(tzinfo=UTC) - session.starts_at
            ).total_seconds()
            if off:
                different.setdefault(session.id, set()).add(off)
    weekends = {event for event in CLOCKS_CHANGED if event.startswith(str(season))}
    before_the_race = {s.id for event in weekends for s in found.sessions_of(event).values()}
    assert different == {s: {3600} for s in before_the_race if not s.endswith("/race")}


@pytest.mark.parametrize(
    ("session", "starts_at", "local_date"),
    [
        ("2023-las-vegas-grand-prix/race", "2023-11-19T06:00Z", "2023-11-18"),
        ("2022-mexico-city-grand-prix/practice_1", "2022-10-28T18:00Z", "2022-10-28"),
        ("2022-mexico-city-grand-prix/race", "2022-10-30T20:00Z", "2022-10-30"),
        ("2023-australian-grand-prix/practice_1", "2023-03-31T01:30Z", "2023-03-31"),
        ("2023-australian-grand-prix/race", "2023-04-02T05:00Z", "2023-04-02"),
    ],
)
def test_times_where_clocks_change_or_dates_differ(
    session: str, starts_at: str, local_date: str, synced: Callable[[int], Calendar]
) -> None:
    found = synced(season_of(session)).sessions[session]
    assert found.starts_at == moment(starts_at)
    assert found.local_date.isoformat() == local_date


def test_imola_2020_has_two_days(synced: Callable[[int], Calendar]) -> None:
    found = synced(2020)
    imola = found.events["2020-emilia-romagna-grand-prix"]
    assert set(found.sessions_of(imola.id)) == {SessionKind.PRACTICE_1, SessionKind.QUALIFYING, SessionKind.RACE}
    assert (imola.last_date - imola.first_date).days == 1


def test_the_2021_sprint_is_a_sprint_under_its_old_name() -> None:
    assert session_kind(2021, "Sprint Qualifying") is SessionKind.SPRINT
    assert session_kind(2024, "Sprint Qualifying") is SessionKind.SPRINT_QUALIFYING
