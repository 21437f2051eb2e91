"""Runs that are asked for one event, or a session of it: their options, their names, and how they fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prefect.runtime import flow_run

from core.arguments import Parser
from core.errors import NotDone
from core.records import SessionKind
from flows.runtime import command


def add_options(parser: Parser, verb: str) -> None:
    """Add the options `--event` and `--session`; `verb`: what the flow does with them."""
    parser.add_argument("--event", metavar="ID", help=f"{verb} this event, or session, now, whatever is due")
    parser.add_argument(
        "--session", type=command.session_kind, metavar="KIND", help="only its session of this kind, such as race"
    )


def run_name(flow: str) -> Callable[[], str]:
    """What names the runs of a flow with the parameters `event` and `session`: poll-results-2024-x-grand-prix-race."""

    def name() -> str:
        event, session = flow_run.parameters.get("event"), flow_run.parameters.get("session")
        kind = [SessionKind(session).value] if session else []
        return "-".join([flow, *([event.replace("/", "-")] if event else []), *kind])

    return name


def require_done(undone: Mapping[str, str], outcome: list[Any]) -> None:
    """End in failure where a session was not read to its end, though every outcome is entered.

    Args:
        undone: such sessions' ids, with the reasons.
        outcome: what the run came to.

    Raises:
        NotDone: there is such a session.
    """
    if undone:
        reason = next(iter(undone.values()))
        raise NotDone(f"{', '.join(undone)}: {reason}", outcome)
