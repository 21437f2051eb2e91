"""What an examination of a dataset is based on, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from core.records import Entry, Record, Session, Source
from core.rules.timing.roster import Roster
from core.timing_records import LineUpEntry

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Evidence:
    """The session, its classification as it is known now, and what the same archive says of the other datasets.

    `drivers` are the ids of the session's drivers by car number, as far as they are known, `roster` what else is known
    of drivers and teams, and `line_up_before` the entries of the session before.
    """

    session: Session
    entries: Sequence[Entry] = ()
    drivers: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    roster: Roster = field(default_factory=Roster)
    line_up_before: Sequence[LineUpEntry] = ()

    @property
    def official(self) -> Sequence[Entry]:
        """The entries of a classification that does not come from live timing itself."""
        return [entry for entry in self.entries if entry.source is not Source.LIVETIMING]


@dataclass(frozen=True)
class Examined(Generic[R]):
    """Rows as they are believed, with what was emptied in them in words, or the reason to refuse all of them."""

    rows: Sequence[R]
    notes: tuple[str, ...] = ()
    refused: str | None = None
