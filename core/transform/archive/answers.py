"""Reads each dataset from live timing's archive of a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.documents import ArchiveDocument
from core.errors import SourceMalformed, reading_answer
from core.kinds import SessionKind, Source
from core.records import Record
from core.timing_records import ArchiveKeys
from core.transform.archive.clock import messages
from core.transform.archive.entries import entries
from core.transform.archive.keys import archive_keys
from core.transform.archive.laps import laps
from core.transform.archive.pit_stops import pit_stops
from core.transform.archive.race_control import race_control
from core.transform.archive.stints import stints
from core.transform.archive.weather import weather

READERS: Mapping[str, Callable[[ArchiveDocument, SessionKind], Sequence[Record] | None]] = {
    "laps": laps,
    "stints": stints,
    "pit_stops": pit_stops,
    "weather": weather,
    "race_control": race_control,
    "entries": entries,
}
"""The reader of each dataset."""

ENDED = {"Finalised", "Ends"}
"""A session's statuses after which its feeds are complete."""


@dataclass(frozen=True)
class Answer:
    """The rows of a dataset; None if its feeds are missing, or unreadable with the reason in `fault`."""

    rows: Sequence[Any] | None
    fault: str | None = None


@dataclass(frozen=True)
class Archive:
    """A session's archive: whether it has the session's end, the answer for each dataset, and Formula 1's own keys."""

    is_complete: bool
    answers: Mapping[str, Answer]
    keys: ArchiveKeys = field(default_factory=ArchiveKeys)


def read_archive(document: ArchiveDocument, kind: SessionKind) -> Archive:
    """Read each dataset of an archive; an unreadable one does not affect the others."""
    return Archive(
        is_complete=any(message.get("Status") in ENDED for _, message in messages(document["statuses"])),
        answers={name: _answer(name, document, kind) for name in READERS},
        keys=archive_keys(document),
    )


def _answer(name: str, document: ArchiveDocument, kind: SessionKind) -> Answer:
    try:
        with reading_answer(Source.LIVETIMING.value, f"{name.replace('_', ' ')} that cannot be read"):
            return Answer(READERS[name](document, kind))
    except SourceMalformed as fault:
        return Answer(None, fault.what)
