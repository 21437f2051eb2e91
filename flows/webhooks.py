"""Delivers changes to every subscriber in a run, and logs the outcomes."""

from __future__ import annotations

import logging
from datetime import timedelta

from core.deliver.delivering import Delivered
from core.deliver.subscribers import subscribers_of
from core.errors import F1FlowsError
from flows.output import events, webhooks
from flows.runtime.run import Run
from flows.tasks.deliveries import deliver_changes

logger = logging.getLogger(__name__)

AT_THE_END = timedelta(seconds=10)
"""How long a flow that changed something waits for deliveries: most receivers need at most the first retry."""


def deliver(run: Run, max_wait: timedelta) -> list[Delivered]:
    """Send every subscriber what it has not received, and log the outcomes.

    Args:
        max_wait: how long to wait for retries; a run with a given `now` does not wait.

    Raises:
        UsageError: a webhook's settings are wrong.
        DatabaseError: the database cannot be used.
    """
    subscribers = subscribers_of(run.settings)
    if not subscribers:
        return []
    delivered = deliver_changes(run, subscribers, timedelta() if run.now_given else max_wait)
    for one in delivered:
        logger.log(webhooks.level(one), "%s", webhooks.line(one, run.time.present()))
        if run.flow_run_id is not None and one.delivery.is_paused and not one.was_paused:
            events.webhook_paused(one)
    return delivered


def deliver_at_the_end(run: Run) -> None:
    """Deliver this run's changes; a failure is only logged, because `deliver-changes` tries again."""
    try:
        deliver(run, AT_THE_END)
    except F1FlowsError as error:
        logger.warning("webhooks: %s", error)
