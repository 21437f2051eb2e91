"""The ledger of requests to Jolpica, for the hourly budget and refusals of all processes behind one database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from core.database import Database
from core.elapsing import Elapsing
from core.errors import BudgetExhausted, StillRefused
from core.kinds import Source
from core.retries import DATABASE, DATABASE_READ, retrying
from core.schema import upstream_requests as ledger

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
BUDGET = 180
"""Requests in any hour; Jolpica allows 200."""


HOT_REQUESTS = 50
"""A run makes hot polls only while the hour has fewer requests than this, to leave some for other polls."""

RESERVE = 60
"""How much of the budget a backfill leaves to polls and syncs."""


class Ledger:
    """Records every request before it is made, and refuses those beyond the budget.

    `reserve` is left to other runs; only requests that they make after this ledger began are counted against it.
    `share` is the rest: this ledger's requests in any hour.
    """

    def __init__(self, database: Database, now: datetime, budget: int = BUDGET, *, reserve: int = 0) -> None:
        self._database = database
        self._time = Elapsing(now)
        self._budget = budget
        self.share = budget - reserve
        self._own: set[int] = set()

    @property
    def now(self) -> datetime:
        """The run's `now`, plus the time since it began."""
        return self._time.present()

    def permit(self, host: str, path: str) -> Callable[[int | None, float], None]:
        """Record a request; the returned function records its outcome (HTTP status or None, milliseconds).

        Raises:
            BudgetExhausted: the budget of the sliding hour is used up.
            StillRefused: Jolpica demanded a wait that is not over.
        """
        now = self.now
        with self._database.writing() as connection:
            if until := self._refused_until(connection, Source.JOLPICA):
                raise StillRefused(Source.JOLPICA.value, (until - now).total_seconds())
            if until := self._spent_until(connection, now):
                raise BudgetExhausted(Source.JOLPICA.value, until)
            connection.execute(delete(ledger).where(ledger.c.at < now - WEEK))
            entered = {"at": now, "host": host, "path": path}
            entry: int = connection.scalars(insert(ledger).values(entered).returning(ledger.c.id)).one()
        self._own.add(entry)

        def answered(status: int | None, ms: float) -> None:
            with self._database.writing() as connection:
                connection.execute(update(ledger).where(ledger.c.id == entry).values(status=status, ms=round(ms)))

        return answered

    def left(self) -> int:
        """How many more requests are allowed in this hour."""
        with self._database.reading() as connection:
            return max(0, min(limit - len(asked) for asked, limit in self._asked(connection, self.now)))

    @retrying(DATABASE_READ)
    def allows_hot_polls(self) -> bool:
        """Whether hot polls are within the budget."""
        return self._budget - self.left() < HOT_REQUESTS

    @retrying(DATABASE_READ)
    def waits_until(self) -> datetime | None:
        """Until when no request to Jolpica is allowed, by its refusal or by the budget; None if one is allowed."""
        now = self.now
        with self._database.reading() as connection:
            return self._refused_until(connection, Source.JOLPICA) or self._spent_until(connection, now)

    def _asked(self, connection: Connection, now: datetime) -> tuple[tuple[list[datetime], int], ...]:
        """The times of the sliding hour's requests, latest first: all, and our share's, each with its limit."""
        # Another machine's clock may be ahead of ours.
        in_hour = and_(ledger.c.at > now - HOUR, ledger.c.at < now + HOUR, ledger.c.retry_at.is_(None))
        rows = connection.execute(select(ledger.c.id, ledger.c.at).where(in_hour).order_by(ledger.c.at.desc())).all()
        ours = [row.at for row in rows if row.id in self._own or row.at <= self._time.began]
        return ([row.at for row in rows], self._budget), (ours, self.share)

    def _spent_until(self, connection: Connection, now: datetime) -> datetime | None:
        """When the sliding hour allows another request; None if the budget and our share of it allow one now."""
        spent = [asked[limit - 1] for asked, limit in self._asked(connection, now) if len(asked) >= limit]
        return max(spent) + HOUR if spent else None

    @retrying(DATABASE)
    def refuse(self, source: Source, until: datetime) -> None:
        """Record that a source demanded a wait."""
        entry = {"at": self.now, "host": source.value, "path": "", "status": 429, "retry_at": until}
        with self._database.writing() as connection:
            connection.execute(insert(ledger).values(entry))

    @retrying(DATABASE_READ)
    def refused_until(self, source: Source) -> datetime | None:
        """Until when a source demanded a wait, from any process; None if it allows requests."""
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
