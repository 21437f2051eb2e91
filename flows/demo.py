"""The demo: 2024's calendar lived through on the bundled upstream, without network or server (`make demo`).

It runs the flow's own code against `core.replay` on loopback, with `now` jumping from moment to moment, into a
SQLite file that stays behind for a look.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from core.database import Database, connect
from core.records import ChangeKind, EventFormat, Status
from core.replay import Upstream, serve
from core.schema import changes, events, sessions
from core.settings import Settings
from flows import report
from flows.sync_schedule import sync_schedule

DATABASE = Path("f1-demo.db")
SEASON = 2024

MOMENTS = (
    (datetime(2024, 1, 25, 12, tzinfo=UTC), "The calendar is published: the first sync"),
    (datetime(2024, 3, 7, 14, 45, tzinfo=UTC), "Jeddah: practice 2 slips by ten minutes on the day"),
    (datetime(2024, 3, 12, 10, tzinfo=UTC), "The sprints' own qualifying gets a new name: same sessions, same ids"),
    (datetime(2024, 10, 25, 9, tzinfo=UTC), "Austin is over, and upstream rewrites its times by mistake"),
    (datetime(2024, 10, 26, 9, tzinfo=UTC), "Next day they are back: nothing had moved, nothing was written"),
    (datetime(2024, 11, 2, 21, tzinfo=UTC), "São Paulo: qualifying is rained off, and put before the race on Sunday"),
)


def main() -> int:
    """Live through 2024 and show what the database then says."""
    console = Console(highlight=False)
    logging.disable(logging.ERROR)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{DATABASE}{suffix}").unlink(missing_ok=True)
    upstream = Upstream()
    with serve(upstream) as url, tempfile.TemporaryDirectory() as cache:
        for name in Settings.model_fields:
            os.environ.pop(name.upper(), None)
        os.environ.update(DATABASE_URL=f"sqlite:///{DATABASE}", F1_UPSTREAM_URL=url, FASTF1_CACHE_DIR=cache)
        for now, title in MOMENTS:
            upstream.as_of = now
            _live(console, now, title)
    database = connect(Settings.load())
    _show_calendar(console, database)
    _show_feed(console, database)
    console.print(f"\nAll of it is in [bold]{DATABASE}[/], under ids that never moved. Your own: see README.")
    return 0


def _live(console: Console, now: datetime, title: str) -> None:
    console.print(f"\n[bold cyan]{now:%a %d %b %Y, %H:%M} UTC[/]  [bold]{title}[/]")
    for summary in sync_schedule.fn(season=SEASON, now=now):
        for line in report.season_lines(summary):
            console.print(f"  {line}")
        for note in summary.notes[:2]:
            console.print(f"  [yellow]held[/] {note}")
        if len(summary.notes) > 2:
            console.print(f"  [yellow]held[/] and {len(summary.notes) - 2} more like it")


def _show_calendar(console: Console, database: Database) -> None:
    table = Table(
        title=f"\nThe {SEASON} calendar, as the database has it now",
        title_justify="left",
        box=None,
        title_style="bold",
        header_style="bold",
        pad_edge=False,
    )
    for column in ("", "event", "circuit", "weekend", "race, at the venue", "UTC"):
        table.add_column(column, no_wrap=True)
    race = sessions.alias()
    rows = select(events, race.c.starts_at.label("race"), race.c.utc_offset_minutes).outerjoin(
        race, (race.c.event_id == events.c.id) & (race.c.kind == "race")
    )
    with database.reading() as connection:
        for row in connection.execute(rows.order_by(events.c.first_date)):
            sprint = " [magenta]sprint[/]" if row.format not in (EventFormat.CONVENTIONAL, EventFormat.TESTING) else ""
            style = "red strike" if row.status == Status.CANCELLED else ""
            local = f"{_local(row.race, row.utc_offset_minutes):%d %b %H:%M}" if row.race else ""
            table.add_row(
                str(row.round or ""),
                f"{row.name}{sprint}",
                row.circuit_id,
                f"{row.first_date:%d %b}",
                local,
                f"{row.race:%d %b %H:%M}" if row.race else "",
                style=style,
            )
    console.print(table)


def _local(moment: datetime, offset_minutes: int) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() + offset_minutes * 60, UTC)


def _show_feed(console: Console, database: Database) -> None:
    with database.reading() as connection:
        feed = connection.execute(
            select(changes).where(changes.c.kind != ChangeKind.ADDED.value).order_by(changes.c.id)
        ).all()
    table = Table(
        title="\nWhat changed, as the feed tells it",
        title_justify="left",
        box=None,
        title_style="bold",
        header_style="bold",
        pad_edge=False,
    )
    for column in ("seen", "whom", "what", "before", "after"):
        table.add_column(column)
    for change in feed:
        table.add_row(
            f"{change.at:%d %b}",
            change.entity_id,
            f"[yellow]{change.kind}[/]",
            report.readable(change.before),
            report.readable(change.after),
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
