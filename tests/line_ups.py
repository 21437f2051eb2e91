"""Drivers, teams and sessions of 2024's beginning, with entries as an archive lists them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from core.kinds import EventFormat, ResultsState, SessionKind, Source, Status
from core.records import Driver, Event, Session, Team
from core.timing_records import ListedDriver
from core.transform.archive.answers import Answer, Archive

NOW = datetime(2024, 7, 5, 12, tzinfo=UTC)
DRIVERS = (
    Driver(id="max_verstappen", given_name="Max", family_name="Verstappen", code="VER"),
    Driver(id="perez", given_name="Sergio", family_name="Pérez", code="PER"),
    Driver(id="lawson", given_name="Liam", family_name="Lawson", code="LAW"),
    Driver(id="bottas", given_name="Valtteri", family_name="Bottas", code="BOT"),
)
TEAMS = (Team(id="red_bull", name="Red Bull"), Team(id="rb", name="RB F1 Team"), Team(id="sauber", name="Sauber"))


def listed(car: str, code: str, name: str, team: str | None, *, has_driven: bool = False) -> ListedDriver:
    return ListedDriver(
        car_number=car,
        driver_code=code,
        full_name=name,
        team_name=team,
        has_driven=has_driven,
        team_color="3671C6",
        source=Source.LIVETIMING,
    )


VERSTAPPEN = listed("1", "VER", "Max Verstappen", "Red Bull Racing")


def session_of(kind: SessionKind, starts_at: datetime, event: str = "2024-british-grand-prix") -> Session:
    return Session(
        id=f"{event}/{kind.value}",
        event_id=event,
        kind=kind,
        name=kind.value,
        local_date=starts_at.date(),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        utc_offset_minutes=60,
        status=Status.SCHEDULED,
        results_state=ResultsState.AWAITED,
        source=Source.FASTF1,
    )


FIRST = session_of(SessionKind.PRACTICE_1, NOW - timedelta(minutes=5))


def event_of(session: Session, status: Status) -> Event:
    return Event(
        id=session.event_id,
        season=2024,
        round=1,
        name=session.event_id,
        official_name=None,
        country="",
        locality="",
        circuit_id=None,
        format=EventFormat.CONVENTIONAL,
        first_date=session.local_date,
        last_date=max(session.local_date, date(2024, 1, 1)),
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        status=status,
        source=Source.FASTF1,
    )


def archive(of: list[ListedDriver], *, is_complete: bool = True) -> Archive:
    missing = dict.fromkeys(["laps", "stints", "pit_stops", "weather", "race_control"], Answer(None))
    return Archive(is_complete, {**missing, "entries": Answer(of)})
