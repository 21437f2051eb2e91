"""Text for a terminal (`say`, `print_table`, `styled`), for markdown (`cell`, `markdown_table`), and for both.

Text from elsewhere is shown literally: it cannot format its surroundings or control the terminal. `core.logs` formats
log lines, `core.text` values.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.text import day_and_time, printable

V = TypeVar("V")

WIDE = 1000
"""The width if the output is not a terminal, wide enough for every table."""

NOTHING = "–"
"""An unknown value in a table."""

MARKDOWN = re.compile(r"[\\`*\[\]<>|#~!&@]|(?<![^\W_])_|_(?![^\W_])|(?<=:)//|(?<=www)\.", re.IGNORECASE)
"""Characters that markdown or HTML would interpret, including those of automatic links."""


@dataclass(frozen=True)
class Column:
    """A column of a table on a screen; a narrow screen drops the highest `rank` first, never 0."""

    title: str
    rank: int = 0
    justify: Literal["left", "right"] = "left"


@dataclass(frozen=True)
class Row:
    """A row of a table on a screen: its cells' texts, and a style for all of them."""

    cells: Sequence[str | tuple[str, str]]
    style: str = ""


@dataclass(frozen=True)
class Card:
    """Lines of markdown, and a headline that sums them up."""

    headline: str
    lines: Sequence[str]


def shown(value: V | None, write: Callable[[V], str] = str) -> str:
    """A value as text; a dash if it is unknown."""
    return NOTHING if value is None else write(value)


def venue_time(at: datetime, offset_minutes: int) -> str:
    """A moment in UTC as the venue's local time: Sun 28 Jul 15:00."""
    return day_and_time(at + timedelta(minutes=offset_minutes))


def screen(*, soft_wrap: bool = False) -> Console:
    """A console on standard output that prints text literally: no markup, no emoji codes, no highlighting."""
    width = None if sys.stdout.isatty() else WIDE
    return Console(width=width, markup=False, emoji=False, highlight=False, soft_wrap=soft_wrap)


def say(*lines: str | Text) -> None:
    """Print lines on standard output, without breaking long ones."""
    console = screen(soft_wrap=True)
    for line in lines:
        console.print(styled(line) if isinstance(line, str) else line)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Text for a screen, from plain and styled parts; control characters are shown as escapes."""
    made = Text()
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        made.append(printable(text), style)
    return made


def fitted(console: Console, columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    """A table without borders, at most as wide as the console.

    The column with the highest `rank` is dropped first; those of rank 0 stay, and their text is folded if necessary.
    """
    kept = list(range(len(columns)))
    unbounded = console.options.update(width=WIDE)
    while True:
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        table.show_header = any(columns[index].title for index in kept)
        for index in kept:
            table.add_column(columns[index].title, justify=columns[index].justify, overflow="fold")
        for row in rows:
            table.add_row(*(styled(row.cells[index]) for index in kept), style=row.style)
        last = max(kept, key=lambda index: columns[index].rank)
        if columns[last].rank == 0 or console.measure(table, options=unbounded).maximum <= console.width:
            return table
        kept.remove(last)


def print_table(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print a table on standard output, fitted to the screen."""
    console = screen()
    with console.capture() as captured:
        console.print(fitted(console, columns, rows))
    # Rich fills the last column with spaces, which a file would keep.
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def cell(text: str) -> str:
    """Text for a line or a table of markdown, shown literally."""
    return MARKDOWN.sub(lambda found: "".join(f"&#{ord(character)};" for character in found[0]), printable(text))


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str] = ()) -> list[str]:
    """A table as lines of markdown; the columns titled `right` are right-aligned."""
    rules = ["---:" if title in right else "---" for title in titles]
    return [f"| {' | '.join(row)} |" for row in (titles, rules, *(list(map(cell, row)) for row in rows))]
