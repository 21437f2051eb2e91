"""Runs a flow from the command line: under Prefect if an API is configured, otherwise directly."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import TextIOWrapper
from typing import Any

from prefect import Flow

from core.arguments import Parser, moment
from core.errors import F1FlowsError, NotDone, UsageError
from core.kinds import SessionKind
from core.rules.calendar.names import kind_named
from core.settings import Settings
from flows.runtime import logs, prefect_api


def parser(module: str, description: str) -> Parser:
    """A flow's parser, with the options common to all flows."""
    made = Parser(f"python -m {module}", description)
    made.add_argument("--now", type=moment, metavar="MOMENT", help="run as if it were this moment, with offset")
    return made


def season(text: str) -> int:
    """A championship year, as digits."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a year")
    return int(text)


def session_kind(text: str) -> SessionKind:
    """A kind of session; hyphens are allowed."""
    try:
        return kind_named(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def session_kinds(text: str) -> tuple[SessionKind, ...]:
    """Kinds of session, separated by commas."""
    return tuple(session_kind(each.strip()) for each in text.split(","))


def run(flow: Flow[..., Any], parameters: Mapping[str, Any], show: Callable[[Any], None]) -> int:
    """Run a flow, show its outcome, and return the exit status."""

    def outcome() -> None:
        logs.configure(Settings.load(), prints=True)
        try:
            show(_outcome(flow, parameters))
        except NotDone as error:
            show(error.outcome)
            raise

    return exit_status_of(outcome)


def _outcome(flow: Flow[..., Any], parameters: Mapping[str, Any]) -> Any:
    """A flow's result, from a Prefect flow run if an API is configured, otherwise from a direct call.

    Raises:
        PrefectError: the API does not answer.
        F1FlowsError: the flow failed.
    """
    if prefect_api.url() is None:
        return flow.fn(**parameters)
    with prefect_api.asking():
        return flow(**parameters)


def exit_status_of(action: Callable[[], Any]) -> int:
    """Run an action and return its exit status; a failure is one line on standard error, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal in Latin-1 has no arrow
    try:
        action()
        sys.stdout.flush()
    except F1FlowsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("interrupted: uncommitted work is rolled back", file=sys.stderr)
        return 130
    except BrokenPipeError:
        with suppress(OSError):  # the interpreter would flush the buffer again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
