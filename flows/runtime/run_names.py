"""The names of flow runs, from their parameters."""

from __future__ import annotations

from collections.abc import Callable

from prefect.runtime import flow_run

from core.records import SessionKind


def named_for_event(flow: str) -> Callable[[], str]:
    """Makes the names of runs with the parameters `event` and `session`: poll-results-2024-x-grand-prix-race."""

    def name() -> str:
        event, session = flow_run.parameters.get("event"), flow_run.parameters.get("session")
        kind = [SessionKind(session).value] if session else []
        return "-".join([flow, *([event.replace("/", "-")] if event else []), *kind])

    return name
