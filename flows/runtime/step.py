"""The steps of flows: Prefect tasks in a flow run, direct calls elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

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


def step(
    policy: RetryPolicy, run_name: str, *, cached: Callable[..., Cached | None] | None = None
) -> Callable[[Callable[Concatenate[Run, P], R]], Callable[Concatenate[Run, P], R]]:
    """Make a function of a run a step with retries: a Prefect task in a flow run, otherwise called directly.

    Args:
        policy: how often and when it is retried.
        run_name: the task run's name, a template over the function's parameters.
        cached: decides from the arguments whether a flow run may use Prefect's cache.
    """

    def decorate(function: Callable[Concatenate[Run, P], R]) -> Callable[Concatenate[Run, P], R]:
        direct = retrying(policy)(function)
        in_flow_run: Task[Concatenate[Run, P], R] = task(
            task_run_name=run_name,
            retries=policy.retries,
            retry_delay_seconds=policy.delays,
            retry_jitter_factor=policy.jitter,
            retry_condition_fn=_is_retried,
            cache_policy=NO_CACHE,
            persist_result=False,
        )(function)

        @wraps(function)
        def stepped(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if run.flow_run_id is None:
                return direct(run, *args, **kwargs)
            kept = cached(run, *args, **kwargs) if cached else None
            if kept is None:
                return in_flow_run(run, *args, **kwargs)
            with_cache = in_flow_run.with_options(
                cache_policy=CacheKeyFnPolicy(cache_key_fn=lambda _context, _parameters: kept.key),
                cache_expiration=kept.expires,
                persist_result=True,
                result_serializer="json",
            )
            return with_cache(run, *args, **kwargs)

        return stepped

    return decorate


def _is_retried(_task: Task[Any, Any], _task_run: Any, state: Any) -> bool:
    """Whether Prefect retries a failed task: only after transient faults."""
    try:
        state.result()
    except Exception as error:
        return is_transient(error)
    return False
