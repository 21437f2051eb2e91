"""The feed's changes as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from core.kinds import ChangeKind
from core.rules.changes import FeedChange
from flows.output.text import markdown_table, styled

SHOWN_CHANGES = 40
"""The most changes of one run that are listed; the table `changes` has all."""

STYLES = {
    ChangeKind.ADDED: "green",
    ChangeKind.CANCELLED: "red",
    ChangeKind.REINSTATED: "green",
    ChangeKind.POSTPONED: "yellow",
    ChangeKind.BROUGHT_FORWARD: "yellow",
    ChangeKind.RESCHEDULED: "yellow",
    ChangeKind.RELOCATED: "yellow",
}


def change_text(change: FeedChange, subject: str | None = None) -> Text:
    """A change as one line: the subject (default: its id), and what happened."""
    what, colon, values = change.words.partition(":")
    name = change.entity_id if subject is None else subject
    return styled(name, " ", (what, STYLES.get(change.kind, "")), colon + values)


def example(changes: Sequence[FeedChange]) -> Text:
    """The first change of one kind, without its season, and how many more there are."""
    more = f"; {len(changes) - 1} more" if len(changes) > 1 else ""
    return change_text(changes[0], changes[0].entity_id.partition("-")[2]) + styled(more)


def print_changes(console: Console, changes: Sequence[FeedChange]) -> None:
    """Print changes, one line each."""
    for change in changes[:SHOWN_CHANGES]:
        console.print(styled("  ") + change_text(change))
    if more := _more(changes):
        console.print(f"  {more}")


def changes_markdown(changes: Sequence[FeedChange]) -> list[str]:
    """Changes as a table, in lines of markdown."""
    table = markdown_table(("of", "change"), [(each.entity_id, each.words) for each in changes[:SHOWN_CHANGES]])
    return [*table, "", more] if (more := _more(changes)) else table


def _more(changes: Sequence[FeedChange]) -> str:
    hidden = len(changes) - SHOWN_CHANGES
    return f"and {hidden} more: see the table changes" if hidden > 0 else ""
