"""A session's results as the database holds them, as far as a decision depends on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from statistics import median
from typing import Any

from core.kinds import HeldKind, ResultsState, Source
from core.records import Entry, Held, Session, SessionResult
from core.rules.calendar.times import date_over
from core.rules.confirmation import Key
from core.rules.results import polling
from core.rules.results.polling import Cadence
from core.rules.results.standings import Round

HELD_KINDS = (HeldKind.RESULTS_REJECTED, HeldKind.RESULTS_SUPERSEDED, HeldKind.RESULTS_SHORT, HeldKind.RESULTS_ABSENT)
"""The kinds under which a classification may be held."""

TIMES = ("time_ms", "q3_ms", "q2_ms", "q1_ms", "best_lap_ms")

Beginning = tuple[str, str, int]
"""A driver, the name of a time, and that time: how a classification begins, to compare sessions."""

Identity = tuple[str | None, str | None]
"""A driver's and a team's id, if known."""


@dataclass(frozen=True)
class Evidence:
    """What only a decision about a new classification needs.

    `by_number` has the season's drivers and teams by car number, `numbers` its car numbers; `alike` the classifications
    of other sessions with the same beginning, by session id; `entry_counts` the numbers of entries in comparable
    sessions; `revisions` the rows of all earlier classifications of the session; `names` drivers' family names by id.
    """

    by_number: Mapping[str, Identity] = field(default_factory=dict)
    numbers: Collection[str] = ()
    alike: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    entry_counts: Sequence[int] = ()
    revisions: Sequence[list[dict[str, Any]]] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class KnownResults:
    """A session as the database holds it, with what a decision about its results depends on.

    `last_date` is that of the season's last session, `official_since` when the first official table was accepted.
    """

    session: Session
    last_date: date | None = None
    official_since: datetime | None = None
    held: Mapping[Key, Held] = field(default_factory=dict)
    entries: Sequence[Entry] = ()
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def season_end(self) -> datetime:
        """When the season's last session is over."""
        ended = polling.over_at(self.session)
        return ended if self.last_date is None else max(ended, date_over(self.last_date))

    def next_poll(self, session: Session, now: datetime, cadence: Cadence) -> datetime | None:
        """The next poll of the session in its new state; None once the season is past."""
        return polling.next_poll(
            session.results_state,
            kind=session.kind,
            ended_at=polling.over_at(session),
            official_since=self.official_since or now,
            now=now,
            season_end=self.season_end,
            cadence=cadence,
        )

    def is_unchanged_by(self, result: SessionResult) -> bool:
        """Whether a result has nothing new. Timing has nothing after an official result.

        An official result after a provisional one always is new.
        """
        is_official = result.source is Source.JOLPICA
        if not is_official and self.session.results_state.is_official:
            return True
        if not self.session.has_results or (is_official and self.session.results_state is ResultsState.PROVISIONAL):
            return False
        return list(self.entries) == sorted(result.entries, key=in_order)


def identified(result: SessionResult, by_number: Mapping[str, Identity]) -> SessionResult:
    """A result from timing with the drivers and teams of the season's official results, by car number."""
    entries = []
    for entry in result.entries:
        driver_id, team_id = by_number.get(entry.car_number, (None, None))
        entries.append(entry.model_copy(update={"driver_id": driver_id, "team_id": team_id}))
    return result.model_copy(update={"entries": tuple(entries)})


def in_order(entry: Entry) -> tuple[Any, ...]:
    """The sort key for upstream's order."""
    return (entry.listed_position is None, entry.listed_position or 0, entry.car_number, entry.ordinal)


def beginning(entries: Sequence[Entry]) -> Beginning | None:
    """How a classification begins; None if its first entry has no driver, or no time."""
    first = entries[0] if entries else None
    timed = next((name for name in TIMES if getattr(first, name, None)), None)
    if first is None or timed is None or first.driver_id is None:
        return None
    return first.driver_id, timed, getattr(first, timed)


def entry_counts(session: Session, rounds: Sequence[Round]) -> list[int]:
    """The numbers of entries of comparable sessions: those of its event, and the median of the season's races."""
    own, others = [], []
    for one in rounds:
        for result in one.results:
            if one.event.id != session.event_id:
                others.append(len(result.entries))
            elif result.kind is not session.kind:
                own.append(len(result.entries))
    return [*own, int(median(others))] if others else own
