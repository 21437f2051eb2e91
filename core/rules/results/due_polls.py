"""Sessions due for a poll, grouped into the fewest queries. Pure functions; `polling.py` decides what is due."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.documents import PAGE
from core.records import Event, ResultsState, Session, SessionKind, Source
from core.rules.results.polling import SESSIONS_OF_JOLPICA, has_livetiming, is_polled

ROWS_A_ROUND = 22
"""Roughly the rows of a round's table, only for choosing the cheaper query."""


@dataclass(frozen=True)
class DuePoll:
    """A session whose results are polled, and its event."""

    session: Session
    event: Event

    @property
    def is_polled(self) -> bool:
        """Whether any source can have results of this session."""
        return is_polled(self.session.kind, self.event.format, self.event.season)

    @property
    def may_have_timing(self) -> bool:
        """Whether live timing is read for its results because Jolpica has none."""
        return self.session.results_state is ResultsState.AWAITED and has_livetiming(self.event.season)


@dataclass(frozen=True)
class ResultQuery:
    """One query to one source: a session's table, or (`round` None) a whole season's for that kind."""

    source: Source
    season: int
    kind: SessionKind
    round: int | None
    due_polls: tuple[DuePoll, ...]

    def by_session(self) -> list[ResultQuery]:
        """The same as one query per session."""
        return [replace(self, round=due_poll.event.round, due_polls=(due_poll,)) for due_poll in self.due_polls]


def result_queries(due_polls: Sequence[DuePoll]) -> list[ResultQuery]:
    """The queries for all due polls with the fewest requests, the oldest due poll's first.

    Jolpica's whole table costs a page per hundred rows; it is used if that is cheaper than one request per session.
    Kinds that Jolpica does not have are read from live timing.
    """
    asked: list[ResultQuery] = []
    by_table: dict[tuple[int, SessionKind], list[DuePoll]] = {}
    for due_poll in due_polls:
        if due_poll.session.kind in SESSIONS_OF_JOLPICA and due_poll.event.round is not None:
            by_table.setdefault((due_poll.event.season, due_poll.session.kind), []).append(due_poll)
    whole = {table for table, own in by_table.items() if len(own) > _pages(own)}
    for due_poll in due_polls:
        season, kind = due_poll.event.season, due_poll.session.kind
        own = by_table.get((season, kind), [])
        if due_poll not in own:
            if kind not in SESSIONS_OF_JOLPICA:
                asked.append(ResultQuery(Source.LIVETIMING, season, kind, due_poll.event.round, (due_poll,)))
        elif (season, kind) not in whole:
            asked.append(ResultQuery(Source.JOLPICA, season, kind, due_poll.event.round, (due_poll,)))
        elif due_poll is own[0]:
            asked.append(ResultQuery(Source.JOLPICA, season, kind, None, tuple(own)))
    return asked


def _pages(due_polls: Sequence[DuePoll]) -> int:
    last = max(due_poll.event.round or 0 for due_poll in due_polls)
    rows = last * ROWS_A_ROUND if due_polls[0].session.kind is not SessionKind.SPRINT else 6 * ROWS_A_ROUND
    return math.ceil(rows / PAGE)
