"""Runs for one event or session that is given by name: their options, run names and failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prefect.runtime import flow_run

from core.arguments import Parser
from core.errors import NotDone
from core.kinds import SessionKind
from flows.runtime import command


def add_options(parser: Parser, verb: str) -> None:
    """Add the options `--event` and `--session`; `verb` is what the flow does with an event."""
    parser.add_argument("--event", metavar="ID", help=f"{verb} this event, or session, now, due or not")
    parser.add_argument(
        "--session", type=command.session_kind, metavar="KIND", help="only its session of this kind, such as race"
    )


def run_name(flow: str) -> Callable[[], str]:
    """Makes the names of runs with the parameters `event` and `session`: poll-results-2024-x-grand-prix-race."""

    def name() -> str:
        event, session = flow_run.parameters.get("event"), flow_run.parameters.get("session")
        kind = [SessionKind(session).value] if session else []
        return "-".join([flow, *([event.replace("/", "-")] if event else []), *kind])

    return name


def require_done(undone: Mapping[str, str], outcome: list[Any]) -> None:
    """Fail a run if a session was not read successfully; every outcome is stored already.

    Args:
        undone: the reason for each such session, by id.
        outcome: the outcomes of all sessions of the run.

    Raises:
        NotDone: there is such a session.
    """
    if undone:
        reason = next(iter(undone.values()))
        raise NotDone(f"{', '.join(undone)}: {reason}", outcome)
