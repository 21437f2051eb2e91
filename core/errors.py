"""Every error that is shown as one line, and whether a retry can help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from core.text import lapse, printable, time_of_day


class F1FlowsError(Exception):
    """Base of all errors that are shown as one line, without a traceback.

    `transient`: a retry within this run may succeed. `exit_status`: the command's.
    """

    transient = False
    exit_status = 1

    def __str__(self) -> str:
        """The message in one line, without control characters, since it may quote upstream, a setting or a driver."""
        return printable(super().__str__())


class UsageError(F1FlowsError):
    """The command or a setting is wrong."""

    exit_status = 2


class SourceError(F1FlowsError):
    """A source of upstream data gave no usable answer."""

    def __init__(self, source: str, what: str) -> None:
        super().__init__(f"{source}: {what}")
        self.source = source
        self.what = what


class SourceUnreachable(SourceError):
    """No connection, or a server error: worth a retry."""

    transient = True


class SourceTimedOut(SourceError):
    """The answer did not come in time; a retry would only double the delay."""


class SourceMalformed(SourceError):
    """The answer has the wrong form: truncated, HTML, half a table."""

    transient = True


class ScheduleRejected(SourceMalformed):
    """The answer is readable but cannot be a season's calendar; a retry would give the same."""

    transient = False


class TableUnusable(SourceMalformed):
    """A table claims more rows than possible, or its total changed between two pages; a retry does not help."""

    transient = False


MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""The exceptions raised by reading an answer of an unexpected shape."""


@contextmanager
def reading_answer(source: str, what: str) -> Iterator[None]:
    """Read an upstream answer; any unexpected shape becomes a `SourceMalformed` that says `what` it is.

    Raises:
        SourceMalformed: the answer has another shape, or a value that no column can hold.
    """
    try:
        yield
    except MISSHAPEN as error:
        raise SourceMalformed(source, f"{what}{_first_fault(error)}") from error


def _first_fault(error: Exception) -> str:
    """The first field that a record refused, and why; without the value, which may be anything."""
    if not isinstance(error, ValidationError):
        return ""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"]))
    return f" ({field}: {first['msg']})" if field else f" ({message_of(first)})"


def message_of(wrong: Mapping[str, Any]) -> str:
    """What is wrong with a value, from one of a `ValidationError`'s errors, without pydantic's own words."""
    return str(wrong["msg"]).removeprefix("Value error, ")


class SourceEmpty(SourceError):
    """A well-formed answer that is empty, or a "not found": nothing is published."""


class RateLimited(SourceError):
    """The source asked us to slow down; `retry_after` in seconds, None if it did not say how long."""

    def __init__(self, source: str, retry_after: float | None) -> None:
        wait = f", which asks us to wait {lapse(retry_after)}" if retry_after is not None else ""
        super().__init__(source, f"rate limit reached{wait}")
        self.retry_after = retry_after


class StillRefused(RateLimited):
    """A wait that the source demanded earlier is not over; `retry_after` in seconds."""


class Braked(RateLimited):
    """Our own burst limit is exhausted: back off for `retry_after` seconds."""

    def __init__(self, source: str, retry_after: float) -> None:
        SourceError.__init__(self, source, "our own limit on bursts of requests is reached")
        self.retry_after = retry_after


class BudgetExhausted(SourceError):
    """Our own budget of requests is used up; `until` is when the sliding hour frees one."""

    def __init__(self, source: str, until: datetime) -> None:
        super().__init__(source, f"our hourly budget of requests is spent until {time_of_day(until)}")
        self.until = until


class OutOfTime(SourceError):
    """The deadline passed before the source was requested."""


class UpstreamDown(F1FlowsError):
    """No source had a usable answer."""


class NotDone(F1FlowsError):
    """Something requested by name failed, after everything else was committed; `outcome` is the run's."""

    def __init__(self, message: str, outcome: Any) -> None:
        super().__init__(message)
        self.outcome = outcome


class Inconsistent(F1FlowsError):
    """The audit has findings: the database contradicts itself, or lacks rows."""


class NotReceived(F1FlowsError):
    """A webhook's receiver did not accept a message."""


class PrefectError(F1FlowsError):
    """Prefect's API does not provide what a run needs."""


class DatabaseError(F1FlowsError):
    """The database cannot be used as it is."""


class DatabaseUnavailable(DatabaseError):
    """The database does not answer, or ended the connection."""

    transient = True


class DatabaseBusy(DatabaseError):
    """A lock was not free, or a statement not done, in time; a retry would only double the delay."""


class DataRefused(DatabaseError):
    """The database refused the data."""
