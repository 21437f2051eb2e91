"""The lines that `sync_timing` prints and logs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from core.logs import PRINTED
from core.rules.timing.outcome import DatasetOutcome, SyncedTiming, TimingOutcome
from core.text import counted
from flows.output.text import say

NEED_ATTENTION = (TimingOutcome.REFUSED, TimingOutcome.FAILED)


def level(synced: SyncedTiming) -> int:
    """The level of a session's log line."""
    return logging.WARNING if synced.of(*NEED_ATTENTION) else logging.INFO


def line(synced: SyncedTiming) -> str:
    """The outcome for a session's datasets, in one line; those with one outcome and no reason are combined."""
    parts = [_part(one) for one in synced.of(TimingOutcome.STORED)]
    for outcome in TimingOutcome:
        if outcome is TimingOutcome.STORED or not (same := synced.of(outcome)):
            continue
        reasons = sorted({one.reason for one in same} - {""})
        names = ", ".join(_words(one.dataset) for one in same)
        parts.append(f"{names} {outcome.value}{': ' + '; '.join(reasons) if reasons else ''}")
    return f"{synced.session_id}: {'; '.join(parts) or 'nothing is due'}"


def note(session_id: str, one: DatasetOutcome) -> str:
    """The outcome of one dataset of a session, in one line."""
    reason = f": {one.reason}" if one.reason else ""
    return f"{session_id}: {_words(one.dataset)} {one.outcome.value}{reason}"


def _part(stored: DatasetOutcome) -> str:
    return f"{_words(stored.dataset)} {stored.rows}{f' ({stored.reason})' if stored.reason else ''}"


def _words(dataset: str) -> str:
    return dataset.replace("_", " ")


def fields(synced: SyncedTiming) -> dict[str, Any]:
    """The fields of a session's log line."""
    outcomes = {one.dataset: one.outcome.value for one in synced.datasets}
    printed = {PRINTED: True} if level(synced) < logging.WARNING else {}
    return {"session": synced.session_id, "datasets": outcomes, **printed}


def summary(synced: Sequence[SyncedTiming], due: int) -> str:
    """A run's summary in one line."""
    if not due:
        return "no archive is due"
    counts = Counter(one.outcome.value for session in synced for one in session.datasets)
    what = ", ".join(f"{number} {outcome}" for outcome, number in counts.most_common())
    left = f", {due - len(synced)} left to the next run" if len(synced) < due else ""
    return f"{counted(len(synced), 'archive')} read{left}{': datasets ' + what if what else ''}"


def print_synced(synced: Sequence[SyncedTiming]) -> None:
    """Print the sessions that are not logged as warnings, and the summary."""
    lines = [line(one) for one in synced if level(one) < logging.WARNING]
    say(*lines, summary(synced, len(synced)))
