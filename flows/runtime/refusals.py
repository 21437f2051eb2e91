"""Refusals of requests by a source or by our own budget; until one ends, the source's sessions are put off."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import Braked, BudgetExhausted, RateLimited, StillRefused
from core.kinds import Source
from core.text import time_of_day
from flows.runtime.run import Run

logger = logging.getLogger(__name__)

WITHOUT_RETRY_AFTER = timedelta(minutes=15)
"""How long a refusal without Retry-After lasts."""

REFUSALS = (BudgetExhausted, RateLimited)
"""The errors after which a source gets no more requests in this run."""


@dataclass(frozen=True)
class Refusal:
    """The error for which a source gets no requests, and until when."""

    error: BudgetExhausted | RateLimited
    until: datetime


def refusal_in_force(run: Run, source: Source) -> Refusal | None:
    """A refusal from an earlier run that still holds."""
    until = run.ledger.refused_until(source)
    if until is None:
        return None
    return Refusal(StillRefused(source.value, (until - run.ledger.now).total_seconds()), until)


def put_off(run: Run, error: BudgetExhausted | RateLimited) -> Refusal:
    """Enter a refusal, and log until when the source's sessions are put off."""
    refusal = enter_refusal(run, error)
    logger.warning("%s: its sessions are put off until %s", error, time_of_day(refusal.until))
    return refusal


def enter_refusal(run: Run, error: BudgetExhausted | RateLimited) -> Refusal:
    """The refusal for an error; a source's own is entered in the ledger for all processes."""
    if isinstance(error, BudgetExhausted):
        return Refusal(error, error.until)
    wait = WITHOUT_RETRY_AFTER if error.retry_after is None else timedelta(seconds=error.retry_after)
    until = run.upstream_now + wait
    if not isinstance(error, Braked | StillRefused):
        run.ledger.refuse(Source(error.source), until)
    return Refusal(error, until)
