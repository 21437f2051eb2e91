"""How a flow runs from the command line: under Prefect where an API is configured, directly where none is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

import httpx
from prefect import Flow
from prefect.settings import get_current_settings

from core.errors import F1FlowsError
from core.records import SessionKind
from core.settings import Settings
from flows import prefect_logs


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"error: {message.removeprefix('argument ')} (see {self.prog} --help)\n")


def parser(module: str, description: str) -> Parser:
    """A flow's parser, with what all flows take."""
    made = Parser(prog=f"python -m {module}", description=description)
    made.add_argument("--now", type=moment, metavar="MOMENT", help="reconcile with this moment, with offset")
    return made


def season(text: str) -> int:
    """A championship year, as digits."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a year")
    return int(text)


def session_kind(text: str) -> SessionKind:
    """A kind of session, also with hyphens."""
    try:
        return SessionKind(text.lower().replace("-", "_"))
    except ValueError:
        kinds = ", ".join(kind.value for kind in SessionKind)
        raise argparse.ArgumentTypeError(f"{text!r} is no session: {kinds}") from None


def moment(text: str) -> datetime:
    """An ISO 8601 moment that says its offset from UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a moment, such as 2024-07-28T15:00:00Z") from None
    if parsed.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no offset from UTC: add Z or +02:00")
    return parsed


def prefect_api() -> str | None:
    """The Prefect API that the environment or the active profile configures."""
    return get_current_settings().api.url


def run(flow: Flow[..., Any], made: Parser, arguments: list[str], show: Callable[[Any], None]) -> int:
    """Run a flow with the arguments as its parameters, show its outcome, and return the exit status."""

    def outcome() -> None:
        parameters = vars(made.parse_args(arguments))
        settings = Settings.load()
        prefect_logs.configure(settings)
        if (api := prefect_api()) is None:
            show(flow.fn(**parameters))
            return
        try:
            show(flow(**parameters))
        except (httpx.HTTPError, RuntimeError) as error:
            raise F1FlowsError(f"Prefect API {api}: {str(error).splitlines()[0] or type(error).__name__}") from error

    return told(outcome)


def told(action: Callable[[], Any]) -> int:
    """Run an action; what goes wrong is one line on standard error and an exit status, never a traceback."""
    try:
        action()
    except F1FlowsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("interrupted: what was not committed is undone", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    return 0
