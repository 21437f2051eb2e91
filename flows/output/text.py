"""Text as a screen and markdown take it: what is shown is what was said, whatever that holds.

One place for each: `screen`, `styled` and `fitted` for a terminal, `cell` for markdown; a line of a log is made in
`core.logs`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from core.text import printable

WIDE = 1000
"""Columns where no terminal bounds a table: nothing in it is broken."""

MARKDOWN = re.compile(r"[\\`*\[\]<>|#~!&@]|(?<![^\W_])_|_(?![^\W_])|(?<=:)//|(?<=www)\.", re.IGNORECASE)
"""What markdown or HTML would take for more than text, links that are recognised unasked included."""


@dataclass(frozen=True)
class Column:
    """A column of a table on a screen; `rank` is its turn to be dropped, 0 for never."""

    title: str
    rank: int = 0
    justify: Literal["left", "right"] = "left"


@dataclass(frozen=True)
class Row:
    """A row of a table on a screen: its cells' texts, and a style for all of them."""

    cells: Sequence[str | tuple[str, str]]
    style: str = ""


def screen(*, soft_wrap: bool = False) -> Console:
    """A console on standard output that prints text as it is: no markup, no emoji codes, no guessed highlights."""
    width = None if sys.stdout.isatty() else WIDE
    return Console(width=width, markup=False, emoji=False, highlight=False, soft_wrap=soft_wrap)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Text for a screen, of plain parts and of parts with a style; control characters are shown as escapes."""
    made = Text()
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        made.append(printable(text), style)
    return made


def fitted(console: Console, columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    """A table without borders, as wide as the console at the most: columns are dropped before text is broken.

    Of the columns the one with the highest `rank` goes first; those of rank 0 stay, and fold where they must.
    """
    kept = list(range(len(columns)))
    while True:
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        table.show_header = any(columns[index].title for index in kept)
        for index in kept:
            table.add_column(columns[index].title, justify=columns[index].justify, overflow="fold")
        for row in rows:
            table.add_row(*(styled(row.cells[index]) for index in kept), style=row.style)
        last = max(kept, key=lambda index: columns[index].rank)
        if columns[last].rank == 0 or console.measure(table, options=_unbounded(console)).maximum <= console.width:
            return table
        kept.remove(last)


def _unbounded(console: Console) -> ConsoleOptions:
    return console.options.update(width=WIDE)


def cell(text: str) -> str:
    """Text within a line or a table of markdown, so that it is shown as it is."""
    return MARKDOWN.sub(lambda found: "".join(f"&#{ord(character)};" for character in found[0]), printable(text))
