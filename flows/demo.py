"""The demo: 2024 on the bundled upstream, without network or server (`make demo`).

It runs the flows against `core.replay` on loopback, with `now` jumping from moment to moment, and leaves its SQLite
file behind.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.text import Text
from sqlalchemy import select

from core import fetch
from core.arguments import Parser
from core.database import Database, connect
from core.kinds import ChangeKind, Entity
from core.replay import Upstream, serve
from core.rules.calendar.identity import event_id_of
from core.rules.changes import FeedChange
from core.rules.results.outcome import Outcome
from core.schema import driver_standings, drivers
from core.settings import Settings
from core.text import counted, plain
from core.views import results_with_names, season_calendar
from flows.output.changes import example
from flows.output.stints import stint_chart
from flows.output.tables import print_calendar, print_chapter
from flows.output.text import say, screen, styled
from flows.output.timing import line as timing_line
from flows.poll_results import poll_results
from flows.refresh_statuses import refresh_statuses
from flows.runtime import command
from flows.sync_schedule import sync_schedule
from flows.sync_timing import sync_timing

DATABASE = Path("f1-demo.db")
SEASON = 2024
CHINA_SPRINT_QUALIFYING = "2024-chinese-grand-prix/sprint_qualifying"
CHINA_RACE = "2024-chinese-grand-prix/race"
SPA = "2024-belgian-grand-prix"
SPA_RACE = f"{SPA}/race"
AUSTIN = "2024-united-states-grand-prix"
RAINY = "2024-sao-paulo-grand-prix/race"
RAINED_OFF = "2024-sao-paulo-grand-prix/qualifying"
LEADERS = 3
"""How many drivers of a table are named."""


class Demo:
    """The season in progress, and what is shown of it."""

    def __init__(self, upstream: Upstream, database: Database) -> None:
        self.upstream = upstream
        self.database = database

    def first_sync(self, now: datetime) -> Iterator[Text]:
        """The calendar, new."""
        for summary in sync_schedule.fn(season=SEASON, now=now):
            yield styled(f"{counted(summary.events, 'event')}, {counted(summary.sessions, 'session')} added")

    def sync(self, now: datetime) -> Iterator[Text]:
        """A sync's changes of sessions, one example per kind; or how many answers are held."""
        for summary in sync_schedule.fn(season=SEASON, now=now):
            by_kind: dict[ChangeKind, list[FeedChange]] = {}
            for change in summary.changes:
                if change.entity is Entity.SESSION and change.kind is not ChangeKind.STATUS:
                    by_kind.setdefault(change.kind, []).append(change)
            yield from map(example, by_kind.values())
            if not summary.changes:
                held = f": {counted(len(summary.notes), 'answer')} held until confirmed" if summary.notes else ""
                yield styled(f"nothing changed{held}")

    def statuses(self, session_id: str, now: datetime) -> Iterator[Text]:
        """Changes from the clock alone, shown for one session."""
        yield from (example([one]) for one in refresh_statuses.fn(now=now) if one.entity_id == session_id)

    def results(self, session_id: str, now: datetime) -> Iterator[Text]:
        """A refresh of statuses and a poll, shown for one session."""
        refresh_statuses.fn(now=now)
        for one in poll_results.fn(now=now):
            if one.session_id == session_id and one.outcome.is_revision:
                state = ("revised", "yellow") if one.outcome is Outcome.REVISED else (one.outcome.value, "green")
                diff = one.diff.split(";")[0] if one.outcome is Outcome.REVISED else ""
                yield styled(state, ": ", self.podium(session_id), f" ({diff})" if diff else "")

    def podium(self, session_id: str) -> str:
        """The leaders of a session, as stored now."""
        view = results_with_names.c
        leaders = select(view.position, view.family_name).where(view.session_id == session_id, view.position <= LEADERS)
        with self.database.reading() as connection:
            rows = connection.execute(leaders.order_by(view.position)).all()
        return ", ".join(f"{row.position} {row.family_name}" for row in rows)

    def with_standings(self, session_id: str, now: datetime) -> Iterator[Text]:
        """As `results`, with the leaders of the drivers' championship after it."""
        yield from self.results(session_id, now)
        query = (
            select(driver_standings, drivers.c.family_name)
            .join(drivers, drivers.c.id == driver_standings.c.driver_id)
            .where(driver_standings.c.event_id == event_id_of(session_id))
            .order_by(driver_standings.c.position)
            .limit(LEADERS)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        places = (f"{row.position} {row.family_name} {plain(row.points)}" for row in rows)
        yield styled(f"standings: {', '.join(places)}")

    def on_track(self, session_id: str, now: datetime) -> Iterator[Text]:
        """A poll of a session's results and of its archive, and the archive's contents."""
        refresh_statuses.fn(now=now)
        poll_results.fn(event=session_id, now=now)
        yield from (styled(timing_line(one).partition(": ")[2]) for one in sync_timing.fn(event=session_id, now=now))

    def live(self) -> None:
        """The chapters of 2024: jump to a moment, run the flows, and show the outcome."""
        china_sprint_qualifying = partial(self.results, CHINA_SPRINT_QUALIFYING)
        sao_paulo_qualifying = partial(self.statuses, RAINED_OFF)
        for now, title, step in (
            (_at(1, 25, 12), "The calendar is published", self.first_sync),
            (_at(3, 7, 14, 45), "Jeddah: practice 2 slips by ten minutes on the day", self.sync),
            (_at(3, 12, 10), "Sprint qualifying gets a new name, and keeps its ids", self.sync),
            (_at(4, 19, 9), "China, sprint qualifying: only live timing has it", china_sprint_qualifying),
            (_at(4, 21, 12), "China, race", partial(self.with_standings, CHINA_RACE)),
            (_at(7, 28, 15, 45), "Spa: Russell wins, according to live timing", partial(self.results, SPA_RACE)),
            (_at(7, 28, 16, 30), "Spa: Russell wins, according to Jolpica", partial(self.with_standings, SPA_RACE)),
            (_at(7, 28, 18, 30), "Spa: Russell is disqualified", partial(self.with_standings, SPA_RACE)),
            (_at(10, 25, 9), "Austin is over, and upstream rewrites its times by mistake", self.sync),
            (_at(10, 26, 9), "Austin's times are back: nothing had changed", self.sync),
            (_at(11, 2, 20), "São Paulo: it rains, and qualifying should be over by now", sao_paulo_qualifying),
            (_at(11, 2, 21), "São Paulo: qualifying is moved to Sunday morning, and scheduled again", self.sync),
            (_at(11, 3, 19), "São Paulo, race: what happened on track", partial(self.on_track, RAINY)),
        ):
            self.upstream.as_of = now
            print_chapter(now, title, step(now))

    def show_calendar(self) -> None:
        """The season from Austin on, as stored."""
        view = season_calendar.c
        austin = select(view.first_date).where(view.event_id == AUSTIN).scalar_subquery()
        from_austin = select(season_calendar).where(view.first_date >= austin).order_by(view.first_date)
        with self.database.reading() as connection:
            print_calendar(connection.execute(from_austin).all())


def main(arguments: list[str]) -> int:
    """Live through 2024 and show the database afterwards; returns the exit status."""
    Parser(
        "python -m flows.demo", f"Live through {SEASON} on the bundled upstream, into {DATABASE} (made anew)."
    ).parse_args(arguments)
    return command.exit_status_of(live)


def live() -> None:
    """The demo."""
    logging.disable(logging.ERROR)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{DATABASE}{suffix}").unlink(missing_ok=True)
    upstream = Upstream()
    console = screen()
    console.print(f"{SEASON} goes by in seconds: a bundled upstream, no network, no server.\n")
    with serve(upstream) as url, tempfile.TemporaryDirectory() as cache:
        for name in Settings.model_fields:
            os.environ.pop(name.upper(), None)
        os.environ.update(DATABASE_URL=f"sqlite:///{DATABASE}", F1_UPSTREAM_URL=url, FASTF1_CACHE_DIR=cache)
        settings = Settings.load()
        fetch.session.lift_limits(settings)
        demo = Demo(upstream, connect(settings))
        demo.live()
    console.print("\nSão Paulo's stints (inter, wet), with the laps on which it rained and the red flag:\n")
    say(*stint_chart(demo.database, RAINY))
    console.print("\nThe calendar from Austin on, as it is in the database now:\n")
    demo.show_calendar()
    console.print(f"\nAll of it is in {DATABASE}. Try this (Spa's result as it is now, and as it was at 17:00 UTC):\n")
    for line in to_try():
        console.print(styled((line, "green")), soft_wrap=True)


def to_try() -> tuple[str, ...]:
    """The command that selects the demo's database, and others to run on it."""
    python = Path(sys.executable)
    shown = python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else "python"
    query = "SELECT name, race_winner, pole FROM event_outcomes WHERE race_winner > ''"
    return (
        f"export DATABASE_URL=sqlite:///{DATABASE}",
        f"{shown} -m flows results {SPA}",
        f"{shown} -m flows results {SPA} --as-of {SEASON}-07-28T17Z",
        f"{shown} -m flows report {SEASON} --output report.html",
        f'sqlite3 {DATABASE} "{query}"',
    )


def _at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(SEASON, month, day, hour, minute, tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
