"""Rows of a season with a cancelled event and no time of day, written into the tables and read from the views."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, insert, select

from core.database import Database
from core.schema import drivers, events, sessions, teams


def rows_of(database: Database, view: Table, *names: str, **where: Any) -> list[tuple[Any, ...]]:
    """Columns of a view's rows, in any order."""
    query = select(*(view.c[name] for name in names)).where(*(view.c[name] == value for name, value in where.items()))
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]


def put(database: Database, *tables: tuple[Table, list[dict[str, Any]]]) -> None:
    """Create the tables, and write rows into them."""
    database.ensure_schema()
    with database.writing() as connection:
        for table, rows in tables:
            for row in rows:
                connection.execute(insert(table), row)


FETCHED = datetime(1956, 7, 2, tzinfo=UTC)


def event_row(season: int, name: str, number: int | None, day: date, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{season}-{name.lower()}",
        "season": season,
        "round": number,
        "name": name,
        "country": "France",
        "locality": name,
        "format": "conventional",
        "first_date": day,
        "last_date": day,
        "status": "completed",
        "source": "jolpica",
        "updated_at": FETCHED,
        **more,
    }


def session_row(event: str, kind: str, day: date, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{event}/{kind}",
        "event_id": event,
        "kind": kind,
        "name": kind.title(),
        "local_date": day,
        "status": "completed",
        "results_state": "official",
        "revision": 1,
        "poll_attempts": 1,
        "source": "jolpica",
        "updated_at": FETCHED,
        **more,
    }


def result_row(session: str, car: str, ordinal: int, driver: str, team: str, **more: Any) -> dict[str, Any]:
    shown = {"session_id": session, "car_number": car, "ordinal": ordinal, "driver_id": driver, "team_id": team}
    return {**shown, "source": "jolpica", **more}


def standing_row(event: str, of: str, competitor: str, position: int | None, points: str) -> dict[str, Any]:
    return {
        "event_id": event,
        f"{of}_id": competitor,
        "season": int(event[:4]),
        "round": 1,
        "position": position,
        "points": Decimal(points),
        "wins": 0,
        "source": "results",
    }


RENAULT, SPA, REIMS = date(1956, 5, 30), date(1956, 6, 3), date(1956, 7, 1)
DRIVERS = [
    {"id": driver, "given_name": given, "family_name": driver.title(), "code": None}
    for driver, given in (("fangio", "Juan"), ("collins", "Peter"), ("musso", "Luigi"))
]
TEAMS = [{"id": "ferrari", "name": "Ferrari"}, {"id": "maserati", "name": "Maserati"}]
SEASON = [
    (drivers, DRIVERS),
    (teams, TEAMS),
    (
        events,
        [
            event_row(1956, "Spa", 1, SPA),
            event_row(1956, "Zandvoort", None, RENAULT, status="cancelled"),
            event_row(1956, "Reims", 2, REIMS),
        ],
    ),
    (sessions, [session_row("1956-spa", "race", SPA), session_row("1956-reims", "race", REIMS)]),
]
"""A season with a cancelled event, and no time of day."""
