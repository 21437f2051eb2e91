"""What flows print when they are done: summaries for a person."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from core.logs import PRINTED
from core.records import Change, ChangeKind, Source
from core.rules.results.due_polls import ResultQuery
from core.rules.results.outcome import Outcome, Polled
from core.text import counted
from core.upsert.schedule import SeasonSummary
from flows.output.text import screen, styled

STYLES = {
    ChangeKind.ADDED: "green",
    ChangeKind.CANCELLED: "red",
    ChangeKind.REINSTATED: "green",
    ChangeKind.POSTPONED: "yellow",
    ChangeKind.BROUGHT_FORWARD: "yellow",
    ChangeKind.RESCHEDULED: "yellow",
    ChangeKind.RELOCATED: "yellow",
}
SHOWN_CHANGES = 40


def season_line(summary: SeasonSummary) -> str:
    """A sync's summary in one line."""
    cancelled = f", {summary.cancelled} cancelled" if summary.cancelled else ""
    counts = Counter(change.kind.value for change in summary.changes)
    what = ", ".join(f"{number} {kind}" for kind, number in counts.most_common()) or "nothing changed"
    return (
        f"{summary.season}: {counted(summary.events, 'event')}{cancelled}, {counted(summary.sessions, 'session')} "
        f"from {summary.source}: {what}"
    )


def print_seasons(summaries: Sequence[SeasonSummary]) -> None:
    """Each season's summary on standard output, and what changed, unless all of it is new."""
    console = screen(soft_wrap=True)
    for summary in summaries:
        console.print(styled(season_line(summary)))
        told = [change for change in summary.changes if change.kind is not ChangeKind.ADDED]
        print_changes(console, told)


def print_changes(console: Console, told: Sequence[Change]) -> None:
    """Changes, a line each; of very many the first."""
    for change in told[:SHOWN_CHANGES]:
        console.print(styled("  ") + change_text(change))
    if len(told) > SHOWN_CHANGES:
        console.print(f"  and {len(told) - SHOWN_CHANGES} more: see the table changes")


def change_text(change: Change, whom: str | None = None) -> Text:
    """A change as a line on a screen: whom (its id, unless something else is given), what, from, to."""
    told = " → ".join(filter(None, map(readable, (change.before, change.after))))
    kind = change.kind.value, STYLES.get(change.kind, "")
    return styled(change.entity_id if whom is None else whom, " ", kind, f": {told}" if told else "")


def readable(fields: dict[str, Any] | None) -> str:
    """A change's fields as a person says them; of a start and an end only the start, of a revision what it revised."""
    if fields is None:
        return ""
    if "revision" in fields:
        return fields.get("diff") or ""
    if set(fields) == {"ends_at"}:
        return f"until {_moment(fields['ends_at'])}"
    shown = {name: value for name, value in fields.items() if name not in ("ends_at", "utc_offset_minutes")}
    if shown.get("starts_at"):
        shown = {name: value for name, value in shown.items() if not name.endswith("_date")}
    return ", ".join(_text(name, value) for name, value in shown.items())


def _text(name: str, value: Any) -> str:
    if value is None:
        return "unknown" if name != "round" else "no round"
    if name.endswith("_at"):
        return _moment(value)
    return f"round {value}" if name == "round" else str(value)


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%a %d %b %H:%M} UTC"


def change_line(change: Change) -> str:
    """A change in one line."""
    return f"{change.entity_id}: {readable(change.before)} → {readable(change.after)}"


def statuses_line(changes: Sequence[Change]) -> str:
    """What a refresh came to, in one line."""
    if not changes:
        return "no status is due to move"
    return f"{counted(len(changes), 'status', 'statuses')} moved"


def print_statuses(changes: Sequence[Change]) -> None:
    """What moved, and the summary."""
    console = screen(soft_wrap=True)
    print_changes(console, changes)
    console.print(statuses_line(changes))


def lapse(seconds: int | None) -> str:
    """A stretch of time as a person says it."""
    if seconds is None:
        return "–"
    if abs(seconds) < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if abs(seconds) < 2 * 86400 else f"{seconds / 86400:.0f} days"


def poll_level(polled: Polled) -> int:
    """How loud a poll's line is."""
    loud = polled.outcome in (Outcome.REJECTED, Outcome.HELD, Outcome.FAILED)
    return logging.WARNING if loud or polled.warnings else logging.INFO


def poll_line(polled: Polled) -> str:
    """A session's poll in one line."""
    line = f"{polled.session_id}: {polled.outcome.value}"
    if polled.outcome.is_revision:
        line += f", revision {polled.revision}, {counted(polled.entries, 'entry', 'entries')}"
    if polled.reason:
        line += f": {polled.reason}"
    parts = [line, *([polled.diff] if polled.diff else []), *polled.warnings]
    return "; ".join(parts)


def poll_fields(polled: Polled) -> dict[str, Any]:
    """The fields of a poll's log line."""
    printed = {PRINTED: True} if is_printed(polled) else {}
    return {"session": polled.session_id, "outcome": polled.outcome.value, "revision": polled.revision, **printed}


def is_printed(polled: Polled) -> bool:
    """Whether a command prints a poll's line as its outcome; else the line is in the log, and counted."""
    return poll_level(polled) < logging.WARNING and polled.outcome not in (Outcome.UNCHANGED, Outcome.PUT_OFF)


def due_line(asked: Sequence[ResultQuery]) -> str:
    """What a long run is about to do, in one line."""
    jolpica = [query for query in asked if query.source is Source.JOLPICA]
    parts = []
    if jolpica:
        sessions = sum(len(query.due_polls) for query in jolpica)
        parts.append(f"{sessions} in {counted(len(jolpica), 'query', 'queries')} to Jolpica")
    if timed := len(asked) - len(jolpica):
        parts.append(f"{timed} one by one by live timing, which takes seconds for each")
    due = sum(len(query.due_polls) for query in asked)
    return f"{counted(due, 'session')} due: {', '.join(parts)}"


def polls_line(polled: Sequence[Polled], due: int) -> str:
    """A run's polls in one line."""
    if not due:
        return "no results are due"
    counts = Counter(one.outcome.value for one in polled)
    return f"{counted(due, 'session')} due: " + ", ".join(f"{number} {what}" for what, number in counts.most_common())


def print_polls(polled: Sequence[Polled]) -> None:
    """Each outcome that the log does not have, and the summary."""
    console = screen(soft_wrap=True)
    for one in filter(is_printed, polled):
        console.print(styled(poll_line(one)))
    console.print(polls_line(polled, len(polled)))
