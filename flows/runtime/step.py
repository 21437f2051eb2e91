"""The steps of flows: Prefect tasks in a flow run, direct calls elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import update_wrapper
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy

from core.retries import RetryPolicy, is_transient, retrying
from flows.runtime.run import Run

P = ParamSpec("P")
R = TypeVar("R")


class Cached(NamedTuple):
    """The key and duration for which Prefect caches a step's result, which must be JSON."""

    key: str
    expires: timedelta


class Step(Generic[P, R]):
    """A function of a run with retries: a Prefect task in a flow run, otherwise called directly."""

    def __init__(
        self,
        function: Callable[Concatenate[Run, P], R],
        policy: RetryPolicy,
        run_name: str,
        cached: Callable[..., Cached | None] | None,
    ) -> None:
        self._direct = retrying(policy, function)
        self._cached = cached
        self._task: Task[Concatenate[Run, P], R] = task(
            task_run_name=run_name,
            retries=policy.retries,
            retry_delay_seconds=policy.delays,
            retry_jitter_factor=policy.jitter,
            retry_condition_fn=_is_retried,
            cache_policy=NO_CACHE,
            persist_result=False,
        )(function)
        update_wrapper(self, function)

    def __call__(self, run: Run, *args: P.args, **kwargs: P.kwargs) -> R:
        if run.flow_run_id is None:
            return self._direct(run, *args, **kwargs)
        cached = self._cached(run, *args, **kwargs) if self._cached else None
        if cached is None:
            return self._task(run, *args, **kwargs)
        kept = self._task.with_options(
            cache_policy=CacheKeyFnPolicy(cache_key_fn=lambda _context, _parameters: cached.key),
            cache_expiration=cached.expires,
            persist_result=True,
            result_serializer="json",
        )
        return kept(run, *args, **kwargs)


def step(
    policy: RetryPolicy, run_name: str, *, cached: Callable[..., Cached | None] | None = None
) -> Callable[[Callable[Concatenate[Run, P], R]], Step[P, R]]:
    """Make a function of a run a step.

    Args:
        policy: how often and when it is retried.
        run_name: the task run's name, a template over the function's parameters.
        cached: decides from the arguments whether a flow run may use Prefect's cache.
    """

    def decorate(function: Callable[Concatenate[Run, P], R]) -> Step[P, R]:
        return Step(function, policy, run_name, cached)

    return decorate


def _is_retried(_task: Task[Any, Any], _task_run: Any, state: Any) -> bool:
    """Whether Prefect retries a failed task: only after transient faults."""
    try:
        state.result()
    except Exception as error:
        return is_transient(error)
    return False
