"""Upstream's documents, which fetch returns and transform reads: JSON values only."""

from __future__ import annotations

import json
from typing import Any, TypedDict

from core.errors import MISSHAPEN
from core.records import SessionKind

Document = dict[str, Any]
"""A JSON object. Of FastF1's frames: a row, with instants as ISO text, durations in milliseconds and None for NaN."""

PAGE = 100
"""The most rows that Jolpica serves in one answer."""

RESULT_ROWS = {
    SessionKind.RACE: "Results",
    SessionKind.SPRINT: "SprintResults",
    SessionKind.QUALIFYING: "QualifyingResults",
}
"""The key of the result rows in Jolpica's race documents."""

DEEPEST = 50
"""Levels that an answer may nest, many times what any has: those who walk through deeper ones exhaust their stack."""

LONGEST_TEXT = 50_000
"""Characters that are kept of a document that cannot be read."""


class TimingDocument(TypedDict):
    """FastF1's results and laps of a session, as it makes them from live timing; under FastF1's column names."""

    results: list[Document]
    laps: list[Document]


class ArchiveDocument(TypedDict):
    """What live timing's archive has of a session; None where a feed is not there.

    `laps` and `drivers` are rows of FastF1's frames, under its column names, with durations in milliseconds on the
    session's clock. The others are feeds as they are: pairs of the session's clock as text, and a message.
    """

    laps: list[Document] | None
    drivers: list[Document] | None
    statuses: list[list[Any]]
    race_control: list[list[Any]] | None
    weather: list[list[Any]] | None
    pit_stops: list[list[Any]] | None


def is_too_deep(answer: Any) -> bool:
    """Whether a JSON value nests deeper than `DEEPEST`."""
    level = [answer]
    for _ in range(DEEPEST):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)


def as_text(document: Any) -> str:
    """A document as text that any column holds: JSON in ASCII, cut where it is very long."""
    try:
        return json.dumps(document, default=str)[:LONGEST_TEXT]
    except MISSHAPEN:
        return "(nested too deeply)"
