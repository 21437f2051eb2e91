"""A run of a flow: settings, database, `now`, and access to upstream."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from core import request_counter
from core.database import Database, connect
from core.deadline import Deadline
from core.elapsing import Elapsing
from core.fetch.access import Access
from core.retries import DATABASE, retrying
from core.rules.results.polling import Cadence
from core.settings import Settings
from core.upsert.ledger import Ledger
from flows.runtime import clock, limit
from flows.runtime.logs import present_flow_run, show_in_ui

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """One run of a flow; `now` is its moment, and `now_given` whether a caller set it.

    `time` continues from `now`. `stays`: the run polls again while results are expected. `flow_run_id` is None if the
    flow runs directly; `ledger` has the requests of all runs, in upstream's time, and `requests` counts those of this
    run by source.
    """

    settings: Settings
    database: Database
    now: datetime
    now_given: bool
    flow_run_id: str | None
    ledger: Ledger
    time: Elapsing
    stays: bool = False
    deadline: Deadline = field(default_factory=Deadline)
    requests: Counter[str] = field(default_factory=request_counter.begin)
    began: float = field(default_factory=monotonic)

    @classmethod
    def begin(cls, now: datetime | None, *, reserve: int = 0) -> Run:
        """A run in the current Prefect flow run, or a direct one if there is none; creates or upgrades the tables.

        Args:
            reserve: how many requests to Jolpica in any hour are left to other runs.

        Raises:
            UsageError: a setting, or `now`, is wrong.
            DatabaseError: the database cannot be used.
        """
        moment = clock.reconciled(now)
        settings = Settings.load()
        flow_run = present_flow_run()
        if flow_run is not None:
            show_in_ui(settings)
        database = connect(settings)
        retrying(DATABASE)(database.ensure_schema)()
        if flow_run is None:
            logger.info("no Prefect API is configured: running directly")
        flow_run_id = str(flow_run.id) if flow_run else None
        ledger = Ledger(database, _upstream_now(settings, moment), reserve=reserve)
        return cls(settings, database, moment, now is not None, flow_run_id, ledger, Elapsing(moment))

    def later(self, now: datetime) -> Run:
        """The same run at a later moment, with a new deadline."""
        ledger = Ledger(self.database, _upstream_now(self.settings, now))
        return replace(self, now=now, ledger=ledger, deadline=Deadline())

    def staying(self) -> Run:
        """The same run, but polling again while results are expected, unless hot polls are turned off."""
        return replace(self, stays=self.settings.hot_poll_seconds > 0)

    @property
    def is_deployed(self) -> bool:
        """Whether this is a deployment's run."""
        flow_run = present_flow_run()
        return flow_run is not None and flow_run.deployment_id is not None

    @property
    def upstream_now(self) -> datetime:
        """Upstream's time: the real clock, or `now` if F1_UPSTREAM_URL is set."""
        return _upstream_now(self.settings, self.now)

    def access(self, deadline: Deadline) -> Access:
        """Access for its requests; all tries of a query share a deadline."""
        return Access(self.settings, deadline, self.permit)

    def permit(self, host: str, path: str, seconds: float) -> Callable[[int | None, float], None]:
        """Enter a request to Jolpica in the ledger; in a flow run, take a slot of Prefect's limit first, in that time.

        Raises:
            BudgetExhausted: the hourly budget is spent.
            StillRefused: Jolpica demanded a wait that is not over.
            Braked: the limit had no free slot in time.
            PrefectError: this is a deployment's run, and the limit that deploying creates does not exist.
        """
        if (flow_run := present_flow_run()) is not None:
            limit.take(seconds, strict=flow_run.deployment_id is not None)
        return self.ledger.permit(host, path)

    @property
    def account(self) -> dict[str, Any]:
        """The fields of its last log line: its duration, and its number of requests to each source."""
        return {"seconds": round(monotonic() - self.began, 3), "requests": dict(self.requests)}

    @property
    def cadence(self) -> Cadence:
        """The cadence from the settings; a run that stays may poll earlier."""
        delay = self.settings.post_session_delay_minutes
        if self.stays:
            delay = min(delay, self.settings.hot_poll_delay_minutes)
        return Cadence(timedelta(minutes=delay), timedelta(minutes=self.settings.poll_interval_minutes))


def _upstream_now(settings: Settings, now: datetime) -> datetime:
    return now if settings.f1_upstream_url else clock.present()
