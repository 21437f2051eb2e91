"""The coming sessions, as a card in markdown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from core.database import Database
from core.records import Status
from core.schema import events, sessions
from core.text import day_and_time, moment
from flows.output.text import NOTHING, Card, cell, markdown_table, venue_time

SHOWN = 6
"""The number of sessions on the card."""


def read_next(database: Database, now: datetime) -> Card | None:
    """The sessions that start after a moment, the next one first; None if none has a time."""
    coming = (
        select(sessions, events.c.name.label("event"), events.c.locality)
        .join(events, events.c.id == sessions.c.event_id)
        .where(sessions.c.starts_at > now, sessions.c.status == Status.SCHEDULED.value)
        .order_by(sessions.c.starts_at, sessions.c.id)
        .limit(SHOWN)
    )
    with database.reading() as connection:
        found = connection.execute(coming).all()
    if not found:
        return None
    first = found[0]
    titles = ("session", "event", "at the venue", "UTC")
    rows = [(row.name, row.event, _at_venue(row), day_and_time(row.starts_at)) for row in found[1:]]
    lines = [
        f"# {cell(first.name)}, {cell(first.event)}",
        "",
        f"{moment(first.starts_at)}; in {cell(first.locality)} {_at_venue(first)}.",
    ]
    if rows:
        lines += ["", "Then:", "", *markdown_table(titles, rows)]
    return Card(f"{moment(first.starts_at)}: {first.name}, {first.event}", lines)


def _at_venue(row: Row[Any]) -> str:
    if row.utc_offset_minutes is None:
        return NOTHING
    return venue_time(row.starts_at, row.utc_offset_minutes)
