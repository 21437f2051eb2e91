"""The ledger of requests to Jolpica: all processes behind one database share its hourly budget, and its refusals."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from core.database import Database
from core.errors import BudgetExhausted, StillRefused
from core.records import Source
from core.schema import upstream_requests as ledger

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
BUDGET = 180
"""Requests in any hour; Jolpica allows 200, and the difference is our margin."""


RESERVE = 60
"""Of these, as many as only polls and syncs may make: a backfill stops before."""

BACKFILL_BUDGET = BUDGET - RESERVE


class Ledger:
    """Records every request before it is made, and refuses those beyond the budget."""

    def __init__(self, database: Database, now: datetime, budget: int = BUDGET) -> None:
        self._database = database
        self._now = now
        self._began = time.monotonic()
        self._budget = budget

    @property
    def now(self) -> datetime:
        """The run's `now`, and the time that has passed since it began."""
        return self._now + timedelta(seconds=time.monotonic() - self._began)

    def permit(self, host: str, path: str) -> Callable[[int | None, float], None]:
        """Record a request; the returned function records its outcome (HTTP status or None, milliseconds).

        Raises:
            BudgetExhausted: the sliding hour holds as many requests as the budget allows.
            StillRefused: Jolpica said to wait, and that time is not over.
        """
        now = self.now
        with self._database.writing() as connection:
            if until := self._refused_until(connection, Source.JOLPICA):
                raise StillRefused(Source.JOLPICA.value, (until - now).total_seconds())
            if until := self._spent_until(connection, now):
                raise BudgetExhausted(Source.JOLPICA.value, until)
            connection.execute(delete(ledger).where(ledger.c.at < now - WEEK))
            entry = connection.scalar(insert(ledger).values(at=now, host=host, path=path).returning(ledger.c.id))

        def answered(status: int | None, ms: float) -> None:
            with self._database.writing() as connection:
                connection.execute(update(ledger).where(ledger.c.id == entry).values(status=status, ms=round(ms)))

        return answered

    def left(self) -> int:
        """How many more requests the budget allows in this hour."""
        with self._database.reading() as connection:
            return max(self._budget - self._asked(connection, self.now), 0)

    def waits_until(self) -> datetime | None:
        """Until when no request to Jolpica is allowed: by its own word or by the budget; None: one is."""
        now = self.now
        with self._database.reading() as connection:
            return self._refused_until(connection, Source.JOLPICA) or self._spent_until(connection, now)

    def _asked(self, connection: Connection, now: datetime) -> int:
        return connection.scalar(select(func.count()).where(_in_hour(now))) or 0

    def _spent_until(self, connection: Connection, now: datetime) -> datetime | None:
        """When the sliding hour frees a request, where it holds as many as the budget allows."""
        if self._asked(connection, now) < self._budget:
            return None
        freeing = select(ledger.c.at).where(_in_hour(now)).order_by(ledger.c.at.desc()).offset(self._budget - 1)
        oldest = connection.scalar(freeing.limit(1))
        return (oldest or now) + HOUR

    def refuse(self, source: Source, until: datetime) -> None:
        """Record that a source said to wait."""
        entry = {"at": self.now, "host": source.value, "path": "", "status": 429, "retry_at": until}
        with self._database.writing() as connection:
            connection.execute(insert(ledger).values(entry))

    def refused_until(self, source: Source) -> datetime | None:
        """Until when a source said to wait, in whatever process; None where it allows requests."""
        with self._database.reading() as connection:
            return self._refused_until(connection, source)

    def _refused_until(self, connection: Connection, source: Source) -> datetime | None:
        in_force = ledger.c.host == source.value, ledger.c.retry_at > self.now
        until: datetime | None = connection.scalar(select(func.max(ledger.c.retry_at)).where(*in_force))
        return until

    def asked_since(self, moment: datetime, path: str) -> bool:
        """Whether a request whose path contains `path` has succeeded since a moment."""
        answered_well = select(ledger.c.id).where(
            ledger.c.at >= moment, ledger.c.status == 200, ledger.c.path.like(f"%{path}%")
        )
        with self._database.reading() as connection:
            return connection.scalar(answered_well.limit(1)) is not None


def _in_hour(now: datetime) -> ColumnElement[bool]:
    """The requests of the sliding hour; another machine's clock may be ahead of ours."""
    return and_(ledger.c.at > now - HOUR, ledger.c.at < now + HOUR, ledger.c.retry_at.is_(None))
