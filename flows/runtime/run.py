"""What a run stands on: settings, database, `now`; and how it takes its steps, as Prefect tasks or directly."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from prefect import Task

from core import request_counter
from core.database import Database, connect
from core.deadline import Deadline
from core.errors import Braked, BudgetExhausted, RateLimited, SourceError, StillRefused
from core.records import Source
from core.retries import UPSERT, RetryPolicy, retrying
from core.rules.results.polling import Cadence
from core.settings import Settings
from core.upsert.ledger import Ledger
from flows.runtime import clock, limit
from flows.runtime.logs import present_flow_run, show_in_ui

logger = logging.getLogger(__name__)

WITHOUT_RETRY_AFTER = timedelta(minutes=15)
"""How long a rate limit without Retry-After is respected."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Refusal:
    """Why a source gets no request now, and until when."""

    error: SourceError
    until: datetime


@dataclass(frozen=True)
class Run:
    """One run of a flow. `now` is what it reconciles with; `now_given` that a caller set it, not the clock.

    `flow_run_id` is None where the flow runs directly; `requests` counts those sent so far, by source.
    """

    settings: Settings
    database: Database
    now: datetime
    now_given: bool
    flow_run_id: str | None
    deadline: Deadline = field(default_factory=Deadline)
    requests: Counter[str] = field(default_factory=request_counter.begin)
    began: float = field(default_factory=monotonic)

    @classmethod
    def begin(cls, now: datetime | None) -> Run:
        """A run in the present Prefect flow run, or a direct one where there is none; the schema is made ready.

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
        retrying(UPSERT, database.ensure_schema)()
        if flow_run is None:
            logger.info("no Prefect API is configured: running directly")
        flow_run_id = str(flow_run.id) if flow_run else None
        return cls(settings, database, moment, now is not None, flow_run_id)

    @property
    def upstream_now(self) -> datetime:
        """Upstream's time: the real clock, or `now` when F1_UPSTREAM_URL is set."""
        return self.now if self.settings.f1_upstream_url else clock.present()

    @cached_property
    def ledger(self) -> Ledger:
        """The requests' ledger: Jolpica's hour is upstream's."""
        return Ledger(self.database, self.upstream_now)

    def permit(self, host: str, path: str) -> Callable[[int | None, float], None]:
        """Enter a request to Jolpica in the ledger; in a flow run Prefect's global limit, if there, brakes before.

        Raises:
            BudgetExhausted: the hourly budget is spent.
            StillRefused: Jolpica said to wait, and that time is not over.
            Braked: the global limit had no slot in time.
            PrefectError: a deployment's run, and the limit that is made with deployments is not there.
        """
        if (flow_run := present_flow_run()) is not None:
            limit.take(strict=flow_run.deployment_id is not None)
        return self.ledger.permit(host, path)

    def refused(self, error: SourceError) -> Refusal:
        """A refusal that was just met; that of a source is entered in the ledger, for all processes."""
        if isinstance(error, BudgetExhausted):
            return Refusal(error, error.until)
        seconds = error.retry_after if isinstance(error, RateLimited) else None
        until = self.upstream_now + (WITHOUT_RETRY_AFTER if seconds is None else timedelta(seconds=seconds))
        if not isinstance(error, Braked | StillRefused):
            retrying(UPSERT, self.ledger.refuse)(Source(error.source), until)
        return Refusal(error, until)

    def refusal(self, source: Source) -> Refusal | None:
        """The refusal by a source that is in force, if any."""
        until = retrying(UPSERT, self.ledger.refused_until)(source)
        if until is None:
            return None
        return Refusal(StillRefused(source.value, (until - self.ledger.now).total_seconds()), until)

    @property
    def account(self) -> dict[str, Any]:
        """The fields of its last log line: how long it took, and the requests it sent, by source."""
        return {"seconds": round(monotonic() - self.began, 3), "requests": dict(self.requests)}

    @property
    def cadence(self) -> Cadence:
        """What the settings say of when results are asked for."""
        return Cadence(
            timedelta(minutes=self.settings.post_session_delay_minutes),
            timedelta(minutes=self.settings.poll_interval_minutes),
        )

    def step(self, task: Task[P, R], policy: RetryPolicy, **options: Any) -> Callable[P, R]:
        """A step as this run takes it: the Prefect task, with options, or its function with the same retries."""
        if self.flow_run_id is None:
            return retrying(policy, task.fn)
        return task.with_options(**options) if options else task
