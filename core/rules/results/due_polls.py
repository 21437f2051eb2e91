"""What is owed a poll, and the cheapest questions that pay it. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.records import Event, Session, SessionKind, Source
from core.rules.results.polling import SESSIONS_OF_JOLPICA

PAGE = 100
ROWS_A_ROUND = 22
"""About what a round's table has; only used to judge what is cheaper."""


@dataclass(frozen=True)
class Debt:
    """A session whose results are due, and its event."""

    session: Session
    event: Event


@dataclass(frozen=True)
class Question:
    """One question to one source: a session's table, or with `round` None a whole season's of that kind."""

    source: Source
    season: int
    kind: SessionKind
    round: int | None
    debts: tuple[Debt, ...]

    def by_session(self) -> list[Question]:
        """The same as a query for each session."""
        return [replace(self, round=debt.event.round, debts=(debt,)) for debt in self.debts]


def questions(debts: Sequence[Debt]) -> list[Question]:
    """The questions that pay all debts with the fewest requests, the oldest debt's first.

    Jolpica's whole table costs a page for every hundred rows; it is asked for where that is less than a request a
    session. What Jolpica does not have is live timing's.
    """
    asked: list[Question] = []
    by_table: dict[tuple[int, SessionKind], list[Debt]] = {}
    for debt in debts:
        if debt.session.kind in SESSIONS_OF_JOLPICA and debt.event.round is not None:
            by_table.setdefault((debt.event.season, debt.session.kind), []).append(debt)
    whole = {table for table, own in by_table.items() if len(own) > _pages(own)}
    for debt in debts:
        season, kind = debt.event.season, debt.session.kind
        own = by_table.get((season, kind), [])
        if debt not in own:
            if kind not in SESSIONS_OF_JOLPICA:
                asked.append(Question(Source.LIVETIMING, season, kind, debt.event.round, (debt,)))
        elif (season, kind) not in whole:
            asked.append(Question(Source.JOLPICA, season, kind, debt.event.round, (debt,)))
        elif debt is own[0]:
            asked.append(Question(Source.JOLPICA, season, kind, None, tuple(own)))
    return asked


def _pages(debts: Sequence[Debt]) -> int:
    last = max(debt.event.round or 0 for debt in debts)
    rows = last * ROWS_A_ROUND if debts[0].session.kind is not SessionKind.SPRINT else 6 * ROWS_A_ROUND
    return math.ceil(rows / PAGE)
