"""When work is retried: one table, for Prefect's tasks and for direct calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from core.errors import F1FlowsError

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class RetryPolicy:
    """`retries` after the first try, waiting `delay_seconds`, doubled each time, plus up to `jitter` of it."""

    retries: int
    delay_seconds: float = 0.5
    jitter: float = 0.5

    @property
    def delays(self) -> list[float]:
        """Seconds to wait before each retry, without the jitter."""
        return [self.delay_seconds * 2**n for n in range(self.retries)]


NETWORK = RetryPolicy(retries=2)
DATABASE = RetryPolicy(retries=3)
DATABASE_READ = RetryPolicy(retries=4, delay_seconds=0.25)
"""Reads hold no lock, so they are retried sooner and once more."""

PURE = RetryPolicy(retries=0)
"""A pure function fails again on the same input."""


def is_transient(error: BaseException) -> bool:
    """Whether a retry within this run may succeed."""
    return isinstance(error, F1FlowsError) and error.transient


def retrying(policy: RetryPolicy) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a function that is retried as a Prefect task of this policy would be."""
    return Retrying(
        retry=retry_if_exception(is_transient),
        stop=stop_after_attempt(policy.retries + 1),
        wait=wait_exponential(multiplier=policy.delay_seconds) + wait_random(0, policy.jitter * policy.delay_seconds),
        reraise=True,
    ).wraps
