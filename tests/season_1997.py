"""Three races of 1997, small enough to be written by hand: Monaco has qualifying and a corrected race, Spain a race."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.database import Database
from core.kinds import EventFormat, SessionKind, Source
from core.records import Driver, Entry, ListedEvent, ListedResult, ListedSession, ScheduleAnswer, SessionResult, Team
from core.rules.results.polling import Cadence
from core.upsert.results import accept_result
from core.upsert.schedule import upsert_schedule

RACE, QUALIFYING = SessionKind.RACE, SessionKind.QUALIFYING
CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
NOW = datetime(1997, 5, 26, 12, tzinfo=UTC)
"""A day after the second of three races."""

MONACO, SPAIN, CANADA = "1997-monaco-grand-prix", "1997-spanish-grand-prix", "1997-canadian-grand-prix"
DRIVERS = ("villeneuve", "schumacher", "coulthard", "panis", "alesi", "fisichella", "barrichello", "hill")
PAID = (10, 6, 4, 3, 2, 1, 0, 0)

Rows = tuple[Entry, ...]


def race_day(name: str, day: date, number: int, place: str) -> ListedEvent:
    return ListedEvent(
        season=1997,
        round=number,
        name=name,
        official_name=None,
        country=place,
        locality=place,
        format=EventFormat.CONVENTIONAL,
        last_date=day,
        sessions=(ListedSession(kind=RACE, name="Race", local_date=day),),
    )


CALENDAR = (
    race_day("Monaco Grand Prix", date(1997, 5, 11), 1, "Monaco"),
    race_day("Spanish Grand Prix", date(1997, 5, 25), 2, "Spain"),
    race_day("Canadian Grand Prix", date(1997, 6, 15), 3, "Canada"),
)


def entry(place: int, driver: str, **differs: Any) -> Entry:
    """A classified entry, a second behind the one before it."""
    row = Entry(
        car_number=str(DRIVERS.index(driver) + 1),
        driver_id=driver,
        team_id=f"team_{DRIVERS.index(driver) // 2}",
        listed_position=place,
        position=place,
        classification=str(place),
        points=Decimal(PAID[place - 1]),
        laps=62,
        time_ms=6_000_000 + 1000 * place,
        gap_ms=1000 * (place - 1) if place > 1 else None,
        source=Source.JOLPICA,
    )
    return row.model_copy(update=differs)


def raced(*drivers: str) -> Rows:
    return tuple(entry(place, driver) for place, driver in enumerate(drivers, start=1))


def qualified(*drivers: str) -> Rows:
    lacking = dict.fromkeys(("classification", "points", "laps", "time_ms", "gap_ms"))
    return tuple(one.model_copy(update={**lacking, "q1_ms": 80_000 + int(one.car_number)}) for one in raced(*drivers))


def result(kind: SessionKind, entries: Rows) -> SessionResult:
    teams = {one.team_id for one in entries if one.team_id}
    return SessionResult(
        season=1997,
        round=1,
        kind=kind,
        source=Source.JOLPICA,
        entries=entries,
        drivers=tuple(Driver(id=one, given_name="A", family_name=one) for one in DRIVERS),
        teams=tuple(Team(id=one, name=one) for one in sorted(teams)),
    )


def publish(database: Database, session_id: str, entries: Rows, now: datetime, *, force: bool = False) -> None:
    kind = SessionKind(session_id.partition("/")[2])
    accepted = accept_result(database, session_id, result(kind, entries), now, CADENCE, force=force)
    assert accepted.outcome.is_revision, accepted


def three_races(database: Database) -> None:
    answer = ScheduleAnswer(season=1997, source=Source.JOLPICA, complete=True, events=CALENDAR)
    shown = ListedResult(round=1, event=CALENDAR[0], result=result(QUALIFYING, qualified(*DRIVERS)))
    upsert_schedule(database, answer, (), datetime(1997, 5, 12, 12, tzinfo=UTC), qualifying=[shown])
    publish(database, f"{MONACO}/qualifying", qualified(*DRIVERS), datetime(1997, 5, 12, 12, tzinfo=UTC))
    publish(database, f"{MONACO}/race", raced(*DRIVERS), datetime(1997, 5, 12, 13, tzinfo=UTC))
    corrected = raced(*DRIVERS[:6], DRIVERS[7], DRIVERS[6])
    publish(database, f"{MONACO}/race", corrected, datetime(1997, 5, 13, 13, tzinfo=UTC))
    publish(database, f"{SPAIN}/race", raced(*reversed(DRIVERS)), datetime(1997, 5, 26, 11, tzinfo=UTC))
