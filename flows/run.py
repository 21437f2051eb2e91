"""What a run stands on: settings, database, `now`; and how it takes its steps, as Prefect tasks or directly."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.concurrency.sync import rate_limit
from prefect.context import FlowRunContext
from prefect.logging.handlers import APILogHandler

from core import logs
from core.database import Database, connect
from core.deadline import Deadline
from core.errors import RateLimited
from core.records import Source
from core.retries import UPSERT, RetryPolicy, retrying
from core.settings import Settings
from core.upsert.ledger import Ledger
from core.upsert.results import Cadence
from flows import clock

logger = logging.getLogger(__name__)

GLOBAL_LIMIT = "f1-upstream"
"""Prefect's global concurrency limit, which `deploy.setup` creates."""

BRAKE_SECONDS = 15.0
"""How long a request waits for a slot of it."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Run:
    """One run of a flow. `now` is what it reconciles with; `now_given` that a caller set it, not the clock."""

    settings: Settings
    database: Database
    now: datetime
    now_given: bool
    flow_run_id: str | None
    deadline: Deadline = field(default_factory=Deadline)

    @classmethod
    def begin(cls, now: datetime | None) -> Run:
        """A run in the present Prefect flow run, or a direct one where there is none; the schema is made ready.

        Raises:
            UsageError: a setting is wrong.
            DatabaseError: the database cannot be used.
        """
        settings = Settings.load()
        context = FlowRunContext.get()
        flow_run_id = str(context.flow_run.id) if context and context.flow_run else None
        if flow_run_id is not None:
            _log_to_prefect(settings)
        database = connect(settings)
        retrying(UPSERT, database.ensure_schema)()
        if flow_run_id is None:
            logger.info("no Prefect API is configured: running directly")
        return cls(settings, database, (now or clock.present()).astimezone(UTC), now is not None, flow_run_id)

    @property
    def ledger(self) -> Ledger:
        """The requests' ledger, at this run's `now`."""
        return Ledger(self.database, self.now)

    def permit(self, host: str, path: str) -> Callable[[int | None, float], None]:
        """Enter a request to Jolpica in the ledger; in a flow run Prefect's global limit, if there, brakes before.

        Raises:
            BudgetExhausted: the hourly budget is spent.
            RateLimited: the global limit had no slot in time.
        """
        if self.flow_run_id is not None:
            try:
                rate_limit(GLOBAL_LIMIT, timeout_seconds=BRAKE_SECONDS)
            except TimeoutError as error:
                raise RateLimited(Source.JOLPICA.value, 60.0) from error
        return self.ledger.permit(host, path)

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


def _log_to_prefect(settings: Settings) -> None:
    """Let our log lines, and FastF1's, appear with the flow run in Prefect's UI; and Prefect's own in our format."""
    logs.adopt_prefect(settings)
    for name in logs.LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, APILogHandler) for handler in logger.handlers):
            handler = APILogHandler()
            handler.addFilter(lambda _record: FlowRunContext.get() is not None)
            logger.addHandler(handler)
        if name != "fastf1":
            logger.setLevel(settings.log_level.value)
