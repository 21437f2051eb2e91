"""Both championships after an event, as markdown."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from core.database import Database
from core.queries import read_records
from core.records import Event
from core.schema import events
from core.text import plain
from core.views import standings_with_names
from flows.output.text import Card, cell, markdown_table, shown

NAMED = 2
"""The number of drivers in the headline."""

TITLES = ("", "gain", "name", "points", "wins")


def read_championships(database: Database, event_id: str) -> Card | None:
    """The standings after an event; None if there are none."""
    view = standings_with_names.c
    best_first = (view.position.is_(None), view.position, view.competitor_id)
    with database.reading() as connection:
        (event,) = read_records(connection, events, Event, events.c.id == event_id)
        found = connection.execute(
            select(standings_with_names).where(view.event_id == event_id).order_by(*best_first)
        ).all()
    drivers = [row for row in found if row.competitor == "driver"]
    if not drivers:
        return None
    leaders = ", ".join(f"{row.name} {plain(row.points)}" for row in drivers[:NAMED])
    lines = [f"# After {cell(event.name)} {event.season}"]
    for title, rows in (("Drivers", drivers), ("Teams", [row for row in found if row.competitor == "team"])):
        if rows:
            table = markdown_table(TITLES, map(_cells, rows), right=("", "gain", "points", "wins"))
            lines += ["", f"## {title}", "", *table]
    return Card(f"{leaders} after {event.name}", lines)


def _cells(row: Row[Any]) -> tuple[str, ...]:
    """Place, places gained since the event before, name, points, wins."""
    gained = f"{row.places_gained:+d}" if row.places_gained else ""
    return shown(row.position), gained, row.name, plain(row.points), str(row.wins or "")
