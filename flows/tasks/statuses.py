"""The steps for statuses."""

from __future__ import annotations

from core.retries import DATABASE
from core.rules.changes import FeedChange
from core.upsert import statuses
from flows.runtime.run import Run
from flows.runtime.step import step


@step(DATABASE, "upsert-statuses")
def upsert_statuses(run: Run) -> tuple[FeedChange, ...]:
    """Advance every status to what it is now."""
    return statuses.refresh_statuses(run.database, run.now, flow_run_id=run.flow_run_id)
