"""A change of the feed in words. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.records import Change, ChangeKind
from core.text import counted, moment

PHRASES = {
    ChangeKind.ADDED: "added",
    ChangeKind.RENAMED: "renamed",
    ChangeKind.RESCHEDULED: "moved to another time",
    ChangeKind.POSTPONED: "postponed",
    ChangeKind.BROUGHT_FORWARD: "brought forward",
    ChangeKind.RELOCATED: "relocated",
    ChangeKind.RENUMBERED: "renumbered",
    ChangeKind.FORMAT_CHANGED: "format changed",
    ChangeKind.DETAILED: "details known",
    ChangeKind.STATUS: "status",
    ChangeKind.CANCELLED: "cancelled",
    ChangeKind.REINSTATED: "reinstated",
    ChangeKind.RESULTS_PUBLISHED: "provisional results",
    ChangeKind.RESULTS_OFFICIAL: "official results",
    ChangeKind.RESULTS_REVISED: "results revised",
    ChangeKind.RESULTS_RESTORED: "earlier results restored",
    ChangeKind.STANDINGS: "standings updated",
    ChangeKind.TIMING: "what happened on track",
    ChangeKind.LINEUP: "line-up",
}


def in_words(change: Change, subject: str, leaders: Sequence[str] = ()) -> str:
    """What happened, in one line: `Belgian Grand Prix 2024, Race: official results: 1 Hamilton, 2 Piastri`.

    Args:
        subject: what the change is about, by name.
        leaders: the first places of the classification that the change is about.
    """
    if change.kind in (ChangeKind.ADDED, ChangeKind.CANCELLED):
        values = ""
    elif change.kind is ChangeKind.STANDINGS:
        values = "; ".join((change.after or {}).get("differences", ()))
    else:
        values = values_in_words(change) or ", ".join(leaders)
    return f"{subject}: {PHRASES[change.kind]}{f': {values}' if values else ''}"


def values_in_words(change: Change) -> str:
    """A change's fields, before → after."""
    return " → ".join(filter(None, map(fields_in_words, (change.before, change.after))))


def fields_in_words(fields: dict[str, Any] | None) -> str:
    """A change's fields in words: only the start of a time, the difference of a revision, the drivers of a line-up."""
    if fields is None:
        return ""
    if "dataset" in fields:
        return f"{fields['dataset'].replace('_', ' ')}, {counted(fields['rows'], 'row')}"
    if "revision" in fields:
        return fields.get("diff") or ""
    if "entries" in fields:
        return ", ".join(one["full_name"] or one["driver_code"] or one["car_number"] for one in fields["entries"])
    if set(fields) == {"ends_at"}:
        return f"until {_moment(fields['ends_at'])}"
    shown = {name: value for name, value in fields.items() if name not in ("ends_at", "utc_offset_minutes")}
    if shown.get("starts_at"):
        shown = {name: value for name, value in shown.items() if not name.endswith("_date")}
    return ", ".join(_value(name, value) for name, value in shown.items())


def _value(name: str, value: Any) -> str:
    if value is None:
        return "unknown" if name != "round" else "no round"
    if name.endswith("_at"):
        return _moment(value)
    return f"round {value}" if name == "round" else str(value)


def _moment(text: str) -> str:
    return moment(datetime.fromisoformat(text))
