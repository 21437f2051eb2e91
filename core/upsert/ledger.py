"""The ledger of requests to Jolpica: all processes behind one database share its hourly budget, and its refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from core.database import Database
from core.elapsing import Elapsing
from core.errors import BudgetExhausted, StillRefused
from core.records import Source
from core.schema import upstream_requests as ledger

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
BUDGET = 180
"""Requests in any hour; Jolpica allows 200, and the difference is our margin."""


HOT_REQUESTS = 50
"""A run polls again within its slot only while fewer than this were made in the hour: other polls have their own."""

RESERVE = 60
"""As many of these are left to polls and syncs by a backfill, whatever it still has to ask."""


class Ledger:
    """Records every request before it is made, and refuses those beyond the budget.

    A `reserve` of the budget is left to others: it is theirs what they have asked since this ledger's run began.
    `share` is what is left in any hour.
    """

    def __init__(self, database: Database, now: datetime, budget: int = BUDGET, *, reserve: int = 0) -> None:
        self._database = database
        self._time = Elapsing(now)
        self._budget = budget
        self.share = budget - reserve
        self._own: set[int] = set()

    @property
    def now(self) -> datetime:
        """The run's `now`, and the time that has passed since it began."""
        return self._time.present()

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

    def allows_hot_polls(self) -> bool:
        """Whether polls beyond the schedule's are within the budget."""
        return self._budget - self.left() < HOT_REQUESTS

    def waits_until(self) -> datetime | None:
        """Until when no request to Jolpica is allowed, by its own word or by the budget; None: one is."""
        now = self.now
        with self._database.reading() as connection:
            return self._refused_until(connection, Source.JOLPICA) or self._spent_until(connection, now)

    def _asked(self, connection: Connection, now: datetime) -> tuple[tuple[list[datetime], int], ...]:
        """When the requests of the sliding hour were made, latest first: all, and our share; each with its limit."""
        # Another machine's clock may be ahead of ours.
        in_hour = and_(ledger.c.at > now - HOUR, ledger.c.at < now + HOUR, ledger.c.retry_at.is_(None))
        rows = connection.execute(select(ledger.c.id, ledger.c.at).where(in_hour).order_by(ledger.c.at.desc())).all()
        ours = [row.at for row in rows if row.id in self._own or row.at <= self._time.began]
        return ([row.at for row in rows], self._budget), (ours, self.share)

    def _spent_until(self, connection: Connection, now: datetime) -> datetime | None:
        """When the sliding hour frees a request, where it holds as many as the budget, or our share of it, allows."""
        spent = [asked[limit - 1] for asked, limit in self._asked(connection, now) if len(asked) >= limit]
        return max(spent) + HOUR if spent else None

    def refuse(self, source: Source, until: datetime) -> None:
        """Record that a source said to wait."""
        entry = {"at": self.now, "host": source.value, "path": "", "status": 429, "retry_at": until}
        with self._database.writing() as connection:
            connection.execute(insert(ledger).values(entry))

    def refused_until(self, source: Source) -> datetime | None:
        """Until when a source said to wait, in whatever process; None if it allows requests."""
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
