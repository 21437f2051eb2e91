"""The demo: 2024 lived through on the bundled upstream, without network or server (`make demo`).

It runs the flows' own code against `core.replay` on loopback, with `now` jumping from moment to moment, into a
SQLite file that stays behind for a look.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from core.database import Database, connect
from core.fetch.session import lift_limits
from core.records import Change, ChangeKind, EventFormat, Status
from core.replay import Upstream, serve
from core.rules.results.outcome import Outcome
from core.schema import driver_standings, drivers, events, results, sessions
from core.settings import Settings
from core.text import counted
from flows.output import report
from flows.output.text import Column, Row, fitted, screen, styled
from flows.poll_results import poll_results
from flows.refresh_statuses import refresh_statuses
from flows.runtime import command
from flows.sync_schedule import sync_schedule

DATABASE = Path("f1-demo.db")
SEASON = 2024
CHINA, SPA = "2024-chinese-grand-prix", "2024-belgian-grand-prix"
AUSTIN = "2024-united-states-grand-prix"
RAINED_OFF = "2024-sao-paulo-grand-prix/qualifying"
FIRST = 3
"""So many drivers of a result are named."""

Step = Callable[[datetime], Iterator[Text]]
"""What happens at a moment; gives the lines that tell of it."""


class Demo:
    """The season as it goes by, and what is shown of it."""

    def __init__(self, upstream: Upstream, database: Database) -> None:
        self.upstream = upstream
        self.database = database
        self.console = screen()

    def chapter(self, now: datetime, title: str, step: Step) -> None:
        """Jump to a moment, let the flows run, and say what came of it."""
        self.upstream.as_of = now
        lines = list(step(now))
        told = Table.grid(padding=(0, 2, 0, 0))
        told.add_column(no_wrap=True, min_width=12)
        told.add_column()
        told.add_row(styled((f"{now:%d %b %H:%M}", "cyan")), styled((title, "bold")))
        for line in lines:
            told.add_row("", line)
        self.console.print(told)

    def first_sync(self, now: datetime) -> Iterator[Text]:
        """The calendar, new."""
        for summary in sync_schedule.fn(season=SEASON, now=now):
            yield styled(f"{counted(summary.events, 'event')}, {counted(summary.sessions, 'session')} added")

    def sync(self, now: datetime) -> Iterator[Text]:
        """What a sync changed: of the kinds of change one example each; and what it does not believe yet."""
        for summary in sync_schedule.fn(season=SEASON, now=now):
            told = [change for change in summary.changes if change.entity.value == "session"]
            for kind in dict.fromkeys(change.kind for change in told):
                alike = [change for change in told if change.kind is kind]
                if kind is not ChangeKind.STATUS:
                    yield example(alike)
            if not summary.changes:
                held = f": {counted(len(summary.notes), 'answer')} held until believed" if summary.notes else ""
                yield styled(f"nothing changed{held}")

    def statuses(self, session_id: str) -> Step:
        """What moves with the clock alone, told for one session."""

        def step(now: datetime) -> Iterator[Text]:
            yield from (example([one]) for one in refresh_statuses.fn(now=now) if one.entity_id == session_id)

        return step

    def results(self, session_id: str) -> Step:
        """Statuses and all that is due, told for one session."""

        def step(now: datetime) -> Iterator[Text]:
            refresh_statuses.fn(now=now)
            for one in poll_results.fn(now=now):
                if one.session_id == session_id and one.outcome.is_revision:
                    state = ("revised", "yellow") if one.outcome is Outcome.REVISED else (one.outcome.value, "green")
                    diff = one.diff.split(";")[0] if one.outcome is Outcome.REVISED else ""
                    yield styled(state, ": ", self.podium(session_id), f" ({diff})" if diff else "")

        return step

    def podium(self, session_id: str) -> str:
        """The first of a session, as it holds now."""
        query = (
            select(results.c.position, drivers.c.family_name)
            .join(drivers, drivers.c.id == results.c.driver_id)
            .where(results.c.session_id == session_id, results.c.position <= FIRST)
            .order_by(results.c.position)
        )
        with self.database.reading() as connection:
            return ", ".join(f"{row.position} {row.family_name}" for row in connection.execute(query))

    def with_standings(self, session_id: str) -> Step:
        """The same as `results`, and the first of the drivers' championship after it."""

        def step(now: datetime) -> Iterator[Text]:
            yield from self.results(session_id)(now)
            query = (
                select(driver_standings, drivers.c.family_name)
                .join(drivers, drivers.c.id == driver_standings.c.driver_id)
                .where(driver_standings.c.event_id == session_id.partition("/")[0])
                .order_by(driver_standings.c.position)
                .limit(FIRST)
            )
            with self.database.reading() as connection:
                rows = connection.execute(query).all()
            places = (f"{row.position} {row.family_name} {row.points.normalize():f}" for row in rows)
            yield styled(f"standings: {', '.join(places)}")

        return step

    def live(self) -> None:
        """2024, as far as it is told."""
        for now, title, step in (
            (_at(1, 25, 12), "The calendar is published", self.first_sync),
            (_at(3, 7, 14, 45), "Jeddah: practice 2 slips by ten minutes on the day", self.sync),
            (_at(3, 12, 10), "Six sprints' qualifying gets a new name: same sessions, same ids", self.sync),
            (
                _at(4, 19, 9),
                "China, sprint qualifying: only live timing has it",
                self.results(f"{CHINA}/sprint_qualifying"),
            ),
            (_at(4, 21, 12), "China, race", self.with_standings(f"{CHINA}/race")),
            (_at(7, 28, 15, 45), "Spa: Russell wins, says live timing", self.results(f"{SPA}/race")),
            (_at(7, 28, 16, 30), "Spa: Russell wins, says Jolpica", self.with_standings(f"{SPA}/race")),
            (_at(7, 28, 18, 30), "Spa: Russell is disqualified", self.with_standings(f"{SPA}/race")),
            (_at(10, 25, 9), "Austin is over, and upstream rewrites its times by mistake", self.sync),
            (_at(10, 26, 9), "Austin's times are back: nothing had moved", self.sync),
            (_at(11, 2, 20), "São Paulo: it rains, and qualifying should be over by now", self.statuses(RAINED_OFF)),
            (_at(11, 2, 21), "São Paulo: it is put before Sunday's race, and scheduled again", self.sync),
        ):
            self.chapter(now, title, step)

    def show_calendar(self) -> None:
        """The season from Austin on, as the database has it."""
        race = sessions.alias()
        query = select(events, race.c.starts_at.label("race"), race.c.utc_offset_minutes).outerjoin(
            race, (race.c.event_id == events.c.id) & (race.c.kind == "race")
        )
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(events.c.first_date)).all()
        shown = rows[next(number for number, row in enumerate(rows) if row.id == AUSTIN) :]
        styles = {Status.COMPLETED: "dim", Status.LIVE: "bold", Status.CANCELLED: "red strike"}
        columns = (
            Column("", justify="right"),
            Column("event"),
            Column("circuit", 3),
            Column("race, at the venue"),
            Column("UTC", 1),
            Column("", 2),
            Column("status"),
        )
        table = [
            Row(
                (
                    str(row.round or ""),
                    row.name,
                    row.circuit_id or "",
                    f"{_local(row.race, row.utc_offset_minutes):%a %d %b %H:%M}" if row.race else "",
                    f"{row.race:%d %b %H:%M}" if row.race else "",
                    "sprint" if row.format not in (EventFormat.CONVENTIONAL, EventFormat.TESTING) else "",
                    row.status,
                ),
                styles.get(row.status, ""),
            )
            for row in shown
        ]
        self.console.print(fitted(self.console, columns, table))


def example(changes: Sequence[Change]) -> Text:
    """One of some changes of a kind, and how many more there are."""
    first = changes[0]
    more = f"; {len(changes) - 1} more" if len(changes) > 1 else ""
    return report.change_text(first, whom=first.entity_id.partition("-")[2]) + styled(more)


def main(arguments: list[str]) -> int:
    """Live through 2024 and show what the database then says; returns the exit status."""
    command.Parser(
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
        lift_limits(settings)
        demo = Demo(upstream, connect(settings))
        demo.live()
    console.print("\nThe calendar from Austin on, as the database has it now:\n")
    demo.show_calendar()
    console.print(f"\nAll of it is in {DATABASE}. To try (the result as it is, and as it was at five o'clock):\n")
    for line in to_try():
        console.print(styled((line, "green")), soft_wrap=True)


def to_try() -> tuple[str, ...]:
    """Commands to run on the demo's database, after the line that points to it."""
    python = Path(sys.executable)
    shown = python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else "python"
    query = "SELECT name, race_winner, pole FROM event_outcomes WHERE race_winner > ''"
    return (
        f"export DATABASE_URL=sqlite:///{DATABASE}",
        f"{shown} -m flows results {SPA}",
        f"{shown} -m flows results {SPA} --as-of {SEASON}-07-28T17Z",
        f'sqlite3 {DATABASE} "{query}"',
    )


def _at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(SEASON, month, day, hour, minute, tzinfo=UTC)


def _local(moment: datetime, offset_minutes: int) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() + offset_minutes * 60, UTC)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
