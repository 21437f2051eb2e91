"""The feed's changes as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from core.records import Change, ChangeKind
from core.rules.words import fields_in_words, values_in_words
from flows.output.text import markdown_table, styled

SHOWN_CHANGES = 40
"""How many changes of one run are listed; the table `changes` has all of them."""

STYLES = {
    ChangeKind.ADDED: "green",
    ChangeKind.CANCELLED: "red",
    ChangeKind.REINSTATED: "green",
    ChangeKind.POSTPONED: "yellow",
    ChangeKind.BROUGHT_FORWARD: "yellow",
    ChangeKind.RESCHEDULED: "yellow",
    ChangeKind.RELOCATED: "yellow",
}


def change_text(change: Change, subject: str | None = None) -> Text:
    """A change as one line: the subject (default: its id), the kind, before → after."""
    values = values_in_words(change)
    kind = change.kind.value, STYLES.get(change.kind, "")
    return styled(change.entity_id if subject is None else subject, " ", kind, f": {values}" if values else "")


def example(changes: Sequence[Change]) -> Text:
    """The first of some changes of one kind, without its season, and how many more there are."""
    more = f"; {len(changes) - 1} more" if len(changes) > 1 else ""
    return change_text(changes[0], changes[0].entity_id.partition("-")[2]) + styled(more)


def print_changes(console: Console, changes: Sequence[Change]) -> None:
    """Print changes, a line each."""
    for change in changes[:SHOWN_CHANGES]:
        console.print(styled("  ") + change_text(change))
    if more := _more(changes):
        console.print(f"  {more}")


def changes_markdown(changes: Sequence[Change]) -> list[str]:
    """Changes as a table, in lines of markdown."""
    shown = changes[:SHOWN_CHANGES]
    rows = [
        (each.entity_id, each.kind.value, fields_in_words(each.before), fields_in_words(each.after)) for each in shown
    ]
    table = markdown_table(("of", "change", "before", "after"), rows)
    return [*table, "", more] if (more := _more(changes)) else table


def _more(changes: Sequence[Change]) -> str:
    hidden = len(changes) - SHOWN_CHANGES
    return f"and {hidden} more: see the table changes" if hidden > 0 else ""
