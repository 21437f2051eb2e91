"""Log lines for a person (`console`) or a machine (`json`, one object per line), on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from core.settings import LogFormat, Settings
from core.text import printable

LOGGERS = ("core", "flows", "fastf1")
PREFECT = "prefect"
PRINTED = "printed"
"""A record's attribute: the command prints this text on standard output too, so a console omits the log line."""


class ConsoleFormatter(logging.Formatter):
    """`12:00:00 WARNING what happened`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, plus a traceback if the record has one."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        line = f"{at} {record.levelname:<7} {printable(record.getMessage())}"
        if not record.exc_info:
            return line
        return "\n".join([line, *map(printable, self.formatException(record.exc_info).splitlines())])


class StandardError(logging.Handler):
    """Writes to the current standard error, which a progress bar may have replaced to keep lines above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


Circumstances = Callable[[], Mapping[str, Any]]
"""Gives fields that are added to each line, such as its flow run."""


class UtcJsonFormatter(JsonFormatter):
    """One JSON object per line: `time` in UTC, the line's own fields, and its circumstances."""

    def __init__(self, circumstances: Circumstances, **options: Any) -> None:
        super().__init__(**options)
        self._circumstances = circumstances

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """The line's own fields override the circumstances, because Prefect's lines have their run already."""
        super().add_fields(log_data, record, message_dict)
        for name, value in self._circumstances().items():
            log_data.setdefault(name, value)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """ISO 8601 with milliseconds."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def formatter(log_format: LogFormat, circumstances: Circumstances = dict) -> logging.Formatter:
    """The formatter for a format."""
    if log_format == "json":
        return UtcJsonFormatter(
            circumstances,
            fmt="{asctime}{levelname}{name}{message}",
            style="{",
            reserved_attrs=[*RESERVED_ATTRS, PRINTED],
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        )
    return ConsoleFormatter()


def configure(settings: Settings, circumstances: Circumstances = dict, *, prints: bool = False) -> None:
    """Send our log lines, and FastF1's, to standard error in the settings' format and level.

    Args:
        prints: the command prints its outcome, so a console omits the lines that say the same.
    """
    handler = StandardError()
    handler.setFormatter(formatter(settings.log_format, circumstances))
    handler.set_name("f1-flows")
    if prints and settings.log_format == "console":
        handler.addFilter(lambda record: not getattr(record, PRINTED, False))
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [other for other in logger.handlers if other.get_name() != "f1-flows"]
        logger.addHandler(handler)
        logger.propagate = False
        if name != "fastf1":
            logger.setLevel(settings.log_level)


def adopt_prefect(settings: Settings, circumstances: Circumstances) -> None:
    """Write Prefect's own log lines as JSON too, if that is the format."""
    if settings.log_format != "json":
        return
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == PREFECT]
    for logger in (logging.getLogger(name) for name in (*names, "")):
        for handler in logger.handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setFormatter(formatter(settings.log_format, circumstances))
