"""The sources of 2024's calendar as replayed, each with an answer that a test changes; and what a sync then stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, true

from core.database import Database
from core.kinds import Source
from core.queries import read_calendar
from core.replay import Fault, Upstream
from core.rules.calendar.season import Calendar
from core.schema import circuits, events, held, sessions
from flows import sync_schedule

EVERY = 10**6
FASTF1, JOLPICA, LIVETIMING = "^/schedule/", "^/ergast/", "Index.json"
BEGIN = datetime(2024, 2, 1, 12, tzinfo=UTC)
WINTER, SUMMER = datetime(2024, 2, 3, 12, tzinfo=UTC), datetime(2024, 7, 27, 15, tzinfo=UTC)
"""Before the season, and within a weekend of it."""

Document = Any


def schedule_file() -> Document:
    """FastF1's schedule of 2024: columns by name, each keyed by the event's index."""
    return served("/schedule/schedule_2024.json")


def races_file() -> Document:
    """Jolpica's races of 2024."""
    return served("/ergast/f1/2024.json?limit=100")


def index_file() -> Document:
    """Live timing's index of 2024."""
    return served("/livetiming/static/2024/Index.json")


def served(path: str) -> Document:
    return json.loads(Upstream().answer(path).body.decode("utf-8-sig"))


@dataclass(frozen=True)
class Answering:
    """A source whose answer is changed, and the sources before it, which are down."""

    match: str
    clean: Callable[[], Document]
    down: tuple[str, ...] = ()

    def faults(self, body: bytes) -> list[Fault]:
        failing = [Fault(match=match, times=EVERY, status=500) for match in self.down]
        return [*failing, Fault(match=self.match, times=EVERY, status=200, body=body)]


SOURCES = {
    Source.FASTF1: Answering(FASTF1, schedule_file),
    Source.JOLPICA: Answering(JOLPICA, races_file, (FASTF1,)),
    Source.LIVETIMING: Answering(LIVETIMING, index_file, (FASTF1, JOLPICA)),
}


def sync(now: datetime, capsys: pytest.CaptureFixture[str], *more: str) -> int:
    """Sync 2024 by the command line; a failure must be one line."""
    capsys.readouterr()
    status = sync_schedule.main(["2024", "--now", now.isoformat(), *more])
    printed = capsys.readouterr().err
    assert status in (0, 1), printed
    assert "Traceback" not in printed
    assert printed.count("error: ") == status, printed
    return status


def stored(database: Database) -> Calendar:
    with database.reading() as connection:
        return read_calendar(connection, 2024)


def state(database: Database) -> dict[str, list[Any]]:
    """The calendar's rows without the times of writing.

    Leaves out circuits without an event, and cancelled sessions, which stay in the history.
    """
    with database.reading() as connection:
        found = {}
        for table in (events, sessions, held):
            wanted = [column for column in table.columns if column.name not in ("id", "updated_at", "at")]
            key = [table.c.id] if table is not held else []
            taking_place = table.c.status != "cancelled" if table is sessions else true()
            rows = connection.execute(select(*key, *wanted).where(taking_place))
            found[table.name] = sorted(map(repr, rows))
        used = select(events.c.circuit_id).scalar_subquery()
        found["circuits"] = sorted(map(repr, connection.execute(select(circuits).where(circuits.c.id.in_(used)))))
        return found


def moved_events(before: Calendar, after: Calendar) -> set[str]:
    """The events whose date, or a session, has moved."""
    moved = {
        session.event_id
        for session in after.sessions.values()
        if (known := before.sessions.get(session.id)) is not None
        and (known.starts_at, known.local_date) != (session.starts_at, session.local_date)
    }
    return moved | {
        event.id
        for event in after.events.values()
        if event.id in before.events and before.events[event.id].last_date != event.last_date
    }
