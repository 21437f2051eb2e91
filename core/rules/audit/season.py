"""The rows that an audit reads of one season, and its findings. Pure records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.kinds import ResultsState, SessionKind
from core.records import Change, Competitor, Entry, Event, Held, Record, Session, Standing
from core.rules.confirmation import Key
from core.rules.datasets import DatasetState
from core.rules.results.standings import Adjustment

Found = Iterator[tuple[str, str]]
"""The faulty id, and the fault in words."""


class Finding(Record):
    """A fault found by a check: the event, session or season concerned, and a message for people."""

    check: str
    season: int
    entity_id: str
    message: str


class StoredRevision(Record):
    """A row of `result_revisions`, with its rows as entries."""

    session_id: str
    revision: int
    observed_at: datetime
    state: ResultsState
    rows: tuple[Entry, ...]


class StoredChange(Change):
    """A row of the feed, and when it was written."""

    id: int
    at: datetime


@dataclass(frozen=True)
class AuditedSeason:
    """One season's rows.

    `entries` and `revisions` are by session id, `standings` by event id and championship. `feed` has the season's
    changes, and `feed_since` is the moment of the whole feed's first entry. `ids` are all ids in the tables of each
    name.
    """

    season: int
    now: datetime
    events: Mapping[str, Event]
    sessions: Mapping[str, Session]
    entries: Mapping[str, Sequence[Entry]]
    revisions: Mapping[str, Sequence[StoredRevision]]
    adjustments: Sequence[Adjustment]
    standings: Mapping[tuple[str, Competitor], Sequence[Standing]]
    held: Mapping[Key, Held]
    states: Sequence[DatasetState]
    feed: Sequence[StoredChange]
    feed_since: datetime | None
    ids: Mapping[str, frozenset[str]]

    def official(self, *kinds: SessionKind) -> list[tuple[Session, Sequence[Entry]]]:
        """The sessions of these kinds with an official classification, by date, and their entries."""
        found = [
            session
            for session in self.sessions.values()
            if session.kind in kinds and session.has_results and session.results_state.is_official
        ]
        ordered = sorted(found, key=lambda session: (session.local_date, session.id))
        return [(session, entries) for session in ordered if (entries := self.entries.get(session.id))]
