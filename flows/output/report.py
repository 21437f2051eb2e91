"""The lines that flows print and log."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from core.kinds import ChangeKind, Source
from core.logs import PRINTED
from core.rules.changes import FeedChange
from core.rules.results.due_polls import ResultQuery
from core.rules.results.outcome import Outcome, Polled
from core.text import counted
from core.upsert.schedule import SeasonSummary
from flows.output.changes import print_changes
from flows.output.text import say, screen, styled


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
    """Print each season's summary, and its changes except additions."""
    console = screen(soft_wrap=True)
    for summary in summaries:
        console.print(styled(season_line(summary)))
        print_changes(console, [change for change in summary.changes if change.kind is not ChangeKind.ADDED])


def statuses_line(changes: Sequence[FeedChange]) -> str:
    """A refresh's summary in one line."""
    if not changes:
        return "no status is due to change"
    return f"{counted(len(changes), 'status', 'statuses')} changed"


def print_statuses(changes: Sequence[FeedChange]) -> None:
    """Print the changes of a refresh, and its summary."""
    console = screen(soft_wrap=True)
    print_changes(console, changes)
    console.print(statuses_line(changes))


def poll_level(polled: Polled) -> int:
    """The level of a poll's log line."""
    needs_attention = polled.outcome in (Outcome.REJECTED, Outcome.HELD, Outcome.FAILED) or polled.warnings
    return logging.WARNING if needs_attention else logging.INFO


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
    """Whether a command prints a poll's line; other polls are logged, and counted in the summary."""
    return poll_level(polled) < logging.WARNING and polled.outcome not in (Outcome.UNCHANGED, Outcome.PUT_OFF)


def due_line(queries: Sequence[ResultQuery]) -> str:
    """The requests that a long run will make, in one line."""
    jolpica = [query for query in queries if query.source is Source.JOLPICA]
    parts = []
    if jolpica:
        sessions = sum(len(query.due_polls) for query in jolpica)
        parts.append(f"{sessions} in {counted(len(jolpica), 'query', 'queries')} to Jolpica")
    if timed := len(queries) - len(jolpica):
        parts.append(f"{timed} from live timing, which takes seconds each")
    due = sum(len(query.due_polls) for query in queries)
    return f"{counted(due, 'session')} due: {', '.join(parts)}"


def polls_line(polled: Sequence[Polled], due: int) -> str:
    """A run's summary in one line."""
    if not due:
        return "no results are due"
    counts = Counter(one.outcome.value for one in polled)
    return f"{counted(due, 'session')} due: " + ", ".join(f"{number} {what}" for what, number in counts.most_common())


def print_polls(polled: Sequence[Polled]) -> None:
    """Print the polls that are not logged, and the summary."""
    say(*map(poll_line, filter(is_printed, polled)), polls_line(polled, len(polled)))
