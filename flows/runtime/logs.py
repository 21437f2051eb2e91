"""Prefect's log lines in our format, and ours in Prefect's UI."""

from __future__ import annotations

import logging
from contextlib import suppress

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.logging.handlers import APILogHandler
from prefect.runtime import flow_run as runtime

from core import logs
from core.errors import UsageError
from core.settings import Settings
from core.text import printable


def present_flow_run() -> FlowRun | None:
    """The Prefect flow run of this code, also inside its tasks."""
    context = FlowRunContext.get()
    return context.flow_run if context else None


def circumstances() -> dict[str, str]:
    """The current flow run for a log line, under Prefect's names."""
    flow_run = present_flow_run()
    return {"flow_run_id": str(flow_run.id), "flow_run_name": flow_run.name} if flow_run else {}


def configure(settings: Settings, *, prints: bool = False) -> None:
    """Send our lines, FastF1's and Prefect's to standard error in the settings' format; see `core.logs`."""
    logs.configure(settings, circumstances, prints=prints)
    logs.adopt_prefect(settings, circumstances)


def _pass_on(record: logging.LogRecord) -> bool:
    """Pass on only a run's lines, without control characters: a NUL would lose it and others sent with it."""
    if FlowRunContext.get() is None:
        return False
    record.msg, record.args = printable(record.getMessage()), ()
    return True


def show_in_ui(settings: Settings) -> None:
    """Show our log lines, and FastF1's, in the UI with their flow run."""
    logs.adopt_prefect(settings, circumstances)
    for name in logs.LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, APILogHandler) for handler in logger.handlers):
            handler = APILogHandler()
            handler.addFilter(_pass_on)
            logger.addHandler(handler)
        if name != "fastf1":
            logger.setLevel(settings.log_level.value)


if runtime.id is not None:
    # A process for one flow run writes its first lines before the flow is called, which reports wrong settings itself.
    with suppress(UsageError):
        logs.adopt_prefect(Settings.load(), circumstances)
