"""The demo: 2024 lived through on the bundled upstream, without network or server (`make demo`).

It runs the flows' own code against `core.replay` on loopback, with `now` jumping from moment to moment, into a
SQLite file that stays behind for a look.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from core.database import Database, connect
from core.fetch.upstream import lift_limits
from core.records import Change, ChangeKind, EventFormat, Status
from core.replay import Upstream, serve
from core.schema import changes, driver_standings, drivers, events, sessions
from core.settings import Settings
from flows import report
from flows.classification import print_classification
from flows.poll_results import poll_results
from flows.refresh_statuses import refresh_statuses
from flows.sync_schedule import sync_schedule

DATABASE = Path("f1-demo.db")
SEASON = 2024
CHINA, SPA = "2024-chinese-grand-prix", "2024-belgian-grand-prix"
TOLD = [kind.value for kind in ChangeKind if kind not in (ChangeKind.ADDED, ChangeKind.STATUS, ChangeKind.STANDINGS)]


class Demo:
    """The season as it goes by, and what is shown of it."""

    def __init__(self, upstream: Upstream, database: Database) -> None:
        self.upstream = upstream
        self.database = database
        self.console = Console(highlight=False)

    def chapter(self, now: datetime, title: str, *steps: Callable[[datetime], None]) -> None:
        """Jump to a moment, say what happens then, and let the flows run."""
        self.upstream.as_of = now
        self.console.print(f"\n[bold cyan]{now:%a %d %b %Y, %H:%M} UTC[/]  [bold]{title}[/]")
        for step in steps:
            step(now)

    def calendar(self, now: datetime) -> None:
        """Sync the schedule, and say what came of it."""
        for summary in sync_schedule.fn(season=SEASON, now=now):
            self.console.print(f"  {report.season_line(summary)}")
            for note in summary.notes[:1]:
                self.console.print(f"  [yellow]held[/] {note}")
            if len(summary.notes) > 1:
                self.console.print(f"  [yellow]held[/] and {len(summary.notes) - 1} more like it")

    def catch_up(self, now: datetime) -> None:
        """Statuses and results up to a moment, as one line."""
        refresh_statuses.fn(now=now)
        polled = poll_results.fn(now=now)
        official = sum(one.outcome.value == "official" for one in polled)
        self.console.print(f"  {official} results became official")

    def statuses(self, now: datetime) -> None:
        """What moves with the clock alone, the latest of it told."""
        moved = refresh_statuses.fn(now=now)
        for change in moved[-3:]:
            self.console.print(f"  {report.change_line(change)}")

    def results(self, event_id: str) -> Callable[[datetime], None]:
        """Statuses and what is due, told for one event."""

        def step(now: datetime) -> None:
            refresh_statuses.fn(now=now)
            for one in poll_results.fn(now=now):
                if one.session_id.startswith(event_id) and one.outcome.is_revision:
                    self.console.print(f"  {report.poll_line(one)}")

        return step

    def classification(self, session_id: str) -> Callable[[datetime], None]:
        """A session's classification, as it holds now."""

        def step(_now: datetime) -> None:
            print_classification(self.database, session_id, None)

        return step

    def standings(self, event_id: str) -> Callable[[datetime], None]:
        """The drivers' championship after an event, its first six in a line."""

        def step(_now: datetime) -> None:
            query = (
                select(driver_standings, drivers.c.family_name)
                .join(drivers, drivers.c.id == driver_standings.c.driver_id)
                .where(driver_standings.c.event_id == event_id)
                .order_by(driver_standings.c.position)
                .limit(8)
            )
            with self.database.reading() as connection:
                rows = connection.execute(query).all()
            line = ", ".join(f"{row.position} {row.family_name} {row.points.normalize():f}" for row in rows)
            self.console.print(f"  standings: {line}")

        return step

    def live(self) -> None:
        """2024, as far as it is told."""
        self.chapter(_at(1, 25, 12), "The calendar is published: the first sync", self.calendar)
        self.chapter(_at(3, 7, 14, 45), "Jeddah: practice 2 slips by ten minutes on the day", self.calendar)
        self.chapter(
            _at(3, 12, 10), "The sprints' own qualifying gets a new name: same sessions, same ids", self.calendar
        )
        self.chapter(
            _at(4, 19, 9),
            "China, Friday: sprint qualifying, as live timing has it",
            self.catch_up,
            self.classification(f"{CHINA}/sprint_qualifying"),
        )
        self.chapter(
            _at(4, 21, 12),
            "China, Sunday: sprint, qualifying and race are official",
            self.results(CHINA),
            self.standings(CHINA),
        )
        self.chapter(_at(7, 28, 11), "Before the race at Spa", self.catch_up)
        self.chapter(_at(7, 28, 15, 45), "Spa: Russell wins, says live timing", self.results(SPA))
        self.chapter(_at(7, 28, 16, 30), "Spa: Russell wins, officially", self.results(SPA), self.standings(SPA))
        self.chapter(
            _at(7, 28, 18, 30),
            "Spa: Russell is disqualified",
            self.results(SPA),
            self.standings(SPA),
            self.classification(f"{SPA}/race"),
        )
        self.chapter(_at(10, 25, 9), "Austin is over, and upstream rewrites its times by mistake", self.calendar)
        self.chapter(_at(10, 26, 9), "Next day they are back: nothing had moved, nothing was written", self.calendar)
        self.chapter(_at(11, 2, 20), "São Paulo: it rains, and qualifying should be over by now", self.statuses)
        self.chapter(
            _at(11, 2, 21), "It is put before the race on Sunday morning, and is scheduled again", self.calendar
        )

    def show_calendar(self) -> None:
        """The season as the database has it."""
        table = _table(f"The {SEASON} calendar, as the database has it now")
        for column in ("", "event", "circuit", "weekend", "race, at the venue", "UTC", "status"):
            table.add_column(column, no_wrap=True)
        race = sessions.alias()
        rows = select(events, race.c.starts_at.label("race"), race.c.utc_offset_minutes).outerjoin(
            race, (race.c.event_id == events.c.id) & (race.c.kind == "race")
        )
        with self.database.reading() as connection:
            for row in connection.execute(rows.order_by(events.c.first_date)):
                sprint = (
                    " [magenta]sprint[/]" if row.format not in (EventFormat.CONVENTIONAL, EventFormat.TESTING) else ""
                )
                style = {Status.COMPLETED: "dim", Status.LIVE: "bold", Status.CANCELLED: "red strike"}
                local = f"{_local(row.race, row.utc_offset_minutes):%d %b %H:%M}" if row.race else ""
                table.add_row(
                    str(row.round or ""),
                    f"{row.name}{sprint}",
                    row.circuit_id,
                    f"{row.first_date:%d %b}",
                    local,
                    f"{row.race:%d %b %H:%M}" if row.race else "",
                    row.status,
                    style=style.get(row.status, ""),
                )
        self.console.print(table)

    def show_feed(self) -> None:
        """What changed in the calendar, and the results that were not their first."""
        told = changes.c.kind.in_(TOLD) & changes.c.kind.not_in(("results_published", "results_official"))
        table = _table("What changed, as the feed tells it")
        table.show_header = False
        table.add_column(no_wrap=True)
        table.add_column()
        with self.database.reading() as connection:
            for row in connection.execute(select(changes).where(told).order_by(changes.c.id)):
                change = Change(**{name: getattr(row, name) for name in Change.model_fields})
                table.add_row(f"{row.at:%d %b}", report.change_markup(change))
        self.console.print(table)


def main() -> int:
    """Live through 2024 and show what the database then says."""
    logging.disable(logging.ERROR)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{DATABASE}{suffix}").unlink(missing_ok=True)
    upstream = Upstream()
    with serve(upstream) as url, tempfile.TemporaryDirectory() as cache:
        for name in Settings.model_fields:
            os.environ.pop(name.upper(), None)
        os.environ.update(DATABASE_URL=f"sqlite:///{DATABASE}", F1_UPSTREAM_URL=url, FASTF1_CACHE_DIR=cache)
        settings = Settings.load()
        lift_limits(settings)
        demo = Demo(upstream, connect(settings))
        demo.live()
    demo.show_calendar()
    demo.show_feed()
    demo.console.print(f"\nAll of it is in [bold]{DATABASE}[/], under ids that never moved. Your own: see README.")
    return 0


def _at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(SEASON, month, day, hour, minute, tzinfo=UTC)


def _local(moment: datetime, offset_minutes: int) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() + offset_minutes * 60, UTC)


def _table(title: str) -> Table:
    return Table(
        title=f"\n{title}", title_justify="left", box=None, title_style="bold", header_style="bold", pad_edge=False
    )


if __name__ == "__main__":
    sys.exit(main())
