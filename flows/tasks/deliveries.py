"""The steps for webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from core.deliver import delivering
from core.deliver.delivering import Delivered
from core.deliver.subscribers import Subscriber
from core.retries import DATABASE
from flows.runtime.run import Run
from flows.runtime.step import step


@step(DATABASE, "deliver-changes")
def deliver_changes(run: Run, subscribers: Sequence[Subscriber], max_wait: timedelta) -> list[Delivered]:
    """Send every subscriber the changes that it has not received."""
    return delivering.deliver(run.database, subscribers, run.time, max_wait)
