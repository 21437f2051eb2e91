"""Tables on a screen: the settings, and the demo's season."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text
from sqlalchemy import Row as DatabaseRow

from core.kinds import EventFormat, Status
from core.settings import Settings
from core.text import day_and_time
from flows.output.text import Column, Row, print_table, screen, styled

STYLES = {Status.COMPLETED: "dim", Status.LIVE: "bold", Status.CANCELLED: "red strike"}


def print_settings(settings: Settings, prefect_api: str | None) -> None:
    """Print every setting's value and origin, secrets hidden."""
    origins = settings.origins()
    columns = (Column("setting"), Column("value"), Column("from", 1), Column("meaning", 2))
    rows = [
        Row((name.upper(), value, origins[name], Settings.model_fields[name].description or ""))
        for name, value in settings.shown().items()
    ]
    rows.append(Row(("PREFECT_API_URL", prefect_api or "", "Prefect", "Prefect's API; unset: flows run directly")))
    print_table(columns, rows)


def print_chapter(now: datetime, title: str, lines: Iterable[Text]) -> None:
    """Print what happened at a moment of the demo: the moment, a title, and a line per outcome."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_row(styled((day_and_time(now), "cyan")), styled((title, "bold")))
    for line in lines:
        table.add_row("", line)
    screen().print(table)


def print_calendar(events: Sequence[DatabaseRow[Any]]) -> None:
    """Print rows of `season_calendar`, with the race's start at the venue and in UTC."""
    columns = (
        Column("", justify="right"),
        Column("event"),
        Column("circuit", 3),
        Column("race, at the venue"),
        Column("UTC", 1),
        Column("", 2),
        Column("status"),
    )
    rows = [
        Row(
            (
                str(event.round or ""),
                event.event,
                event.circuit_id or "",
                day_and_time(event.race_local_starts_at) if event.race_local_starts_at else "",
                day_and_time(event.race_starts_at) if event.race_starts_at else "",
                "sprint" if EventFormat(event.format).has_sprint else "",
                event.status,
            ),
            STYLES.get(event.status, ""),
        )
        for event in events
    ]
    print_table(columns, rows)
