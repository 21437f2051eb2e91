"""Both championships after an event, as markdown."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Table, select

from core.database import Database
from core.queries import read_records
from core.records import Competitor, Event
from core.schema import driver_standings, drivers, events, team_standings, teams
from core.text import plain
from flows.output.text import NOTHING, Card, cell, markdown_table

NAMED = 2
"""The number of drivers in the headline."""

TITLES = ("", "gain", "name", "points", "wins")


def read_championships(database: Database, event_id: str) -> Card | None:
    """The standings after an event; None if there are none."""
    with database.reading() as connection:
        (event,) = read_records(connection, events, Event, events.c.id == event_id)
        found = {
            "Drivers": _table(connection, event, "driver", driver_standings, drivers),
            "Teams": _table(connection, event, "team", team_standings, teams),
        }
    if not found["Drivers"]:
        return None
    leaders = ", ".join(f"{name} {points}" for _, _, name, points, _ in found["Drivers"][:NAMED])
    lines = [f"# After {cell(event.name)} {event.season}"]
    for title, rows in found.items():
        if rows:
            lines += ["", f"## {title}", "", *markdown_table(TITLES, rows, right=("", "gain", "points", "wins"))]
    return Card(f"{leaders} after {event.name}", lines)


def _table(
    connection: Connection, event: Event, competitor: Competitor, table: Table, named: Table
) -> list[tuple[str, ...]]:
    """Place, places gained since the event before, name, points, wins."""
    identity = table.c[f"{competitor}_id"]
    earlier = (
        select(table.c.event_id)
        .join(events, events.c.id == table.c.event_id)
        .where(table.c.season == event.season, events.c.last_date < event.last_date)
        .order_by(events.c.last_date.desc())
        .limit(1)
    )
    places = select(identity, table.c.position).where(table.c.event_id == earlier.scalar_subquery())
    before = {row[0]: row.position for row in connection.execute(places)}
    own = (
        select(table, named, identity.label("identity"))
        .join(named, named.c.id == identity)
        .where(table.c.event_id == event.id)
        .order_by(table.c.position.is_(None), table.c.position, identity)
    )
    return [_row(row, before.get(row.identity), competitor) for row in connection.execute(own)]


def _row(row: Row[Any], before: int | None, competitor: Competitor) -> tuple[str, ...]:
    gained = f"{before - row.position:+d}" if before and row.position and before != row.position else ""
    name = f"{row.given_name} {row.family_name}" if competitor == "driver" else row.name
    return str(row.position or NOTHING), gained, name, plain(row.points), str(row.wins or "")
