"""How often, and how patiently, each step is tried again: one table, read by Prefect's tasks and the direct runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from core.errors import F1FlowsError

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class RetryPolicy:
    """`retries` after the first try, waiting `delay_seconds`, doubled each time, plus up to `jitter` of it."""

    retries: int
    delay_seconds: float
    jitter: float = 0.5

    @property
    def delays(self) -> list[float]:
        """Seconds to wait before each retry, without the jitter."""
        return [self.delay_seconds * 2**n for n in range(self.retries)]


FETCH = RetryPolicy(retries=2, delay_seconds=0.5)
UPSERT = RetryPolicy(retries=3, delay_seconds=0.5)


def is_transient(error: BaseException) -> bool:
    """Whether another try within this run may succeed."""
    return isinstance(error, F1FlowsError) and error.transient


def retrying(policy: RetryPolicy, step: Callable[P, R]) -> Callable[P, R]:
    """The step, tried again by its policy: what a Prefect task would do, without Prefect."""

    @wraps(step)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        tries = Retrying(
            retry=retry_if_exception(is_transient),
            stop=stop_after_attempt(policy.retries + 1),
            wait=wait_exponential(multiplier=policy.delay_seconds)
            + wait_random(0, policy.jitter * policy.delay_seconds),
            reraise=True,
        )
        return tries(step, *args, **kwargs)

    return tried
