"""The coming sessions, as a card in markdown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from core.database import Database
from core.kinds import Status
from core.text import day_and_time, moment
from core.views import next_sessions
from flows.output.text import Card, cell, markdown_table, shown

SHOWN = 6
"""The number of sessions on the card."""


def read_next(database: Database, now: datetime) -> Card | None:
    """The sessions that start after a moment, the next one first; None if none has a time."""
    view = next_sessions.c
    coming = select(next_sessions).where(view.starts_at > now, view.status == Status.SCHEDULED.value)
    with database.reading() as connection:
        found = connection.execute(coming.order_by(view.starts_at, view.session_id).limit(SHOWN)).all()
    if not found:
        return None
    first = found[0]
    titles = ("session", "event", "at the venue", "UTC")
    rows = [
        (row.name, row.event, shown(row.local_starts_at, day_and_time), day_and_time(row.starts_at))
        for row in found[1:]
    ]
    lines = [
        f"# {cell(first.name)}, {cell(first.event)}",
        "",
        f"{moment(first.starts_at)}; in {cell(first.locality)} {shown(first.local_starts_at, day_and_time)}.",
    ]
    if rows:
        lines += ["", "Then:", "", *markdown_table(titles, rows)]
    return Card(f"{moment(first.starts_at)}: {first.name}, {first.event}", lines)
