"""The input and the result of a dataset's examination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from core.kinds import Source
from core.records import Entry, Record, Session
from core.rules.timing.roster import Roster
from core.timing_records import LineUpEntry

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Evidence:
    """The session, its current classification, and the other datasets in the same archive.

    `drivers` has the ids of the session's drivers by car number, if known; `roster` identifies drivers and teams;
    `line_up_before` has the entries of the session before.
    """

    session: Session
    entries: Sequence[Entry] = ()
    drivers: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    roster: Roster = field(default_factory=Roster)
    line_up_before: Sequence[LineUpEntry] = ()

    @property
    def official(self) -> Sequence[Entry]:
        """The classification's entries that are not from live timing."""
        return [entry for entry in self.entries if entry.source is not Source.LIVETIMING]


@dataclass(frozen=True)
class Examined(Generic[R]):
    """The accepted rows, with notes on emptied values, or the reason to refuse all of them."""

    rows: Sequence[R]
    notes: tuple[str, ...] = ()
    refused: str | None = None
