"""Every error that a user reads as one line, and whether another try can help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from core.text import lapse, printable, time_of_day


class F1FlowsError(Exception):
    """Base of all errors that a user reads as one line, without a traceback.

    `transient`: another try within this run may succeed. `exit_status`: what a command ends with.
    """

    transient = False
    exit_status = 1

    def __str__(self) -> str:
        """The message in one line, without control characters: it may quote upstream, a setting or a driver."""
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
    """No connection, a server error: worth another try."""

    transient = True


class SourceTimedOut(SourceError):
    """The answer did not come in time; a second wait would only double the delay."""


class SourceMalformed(SourceError):
    """The answer is not what it should be: truncated, HTML, half a table."""

    transient = True


class ScheduleRejected(SourceMalformed):
    """The answer can be read, and can be no season's calendar; another try would bring the same."""

    transient = False


class TableTooLong(SourceMalformed):
    """A table that says it has more rows than can be: to ask for its pages would spend the budget."""

    transient = False


class TableChanged(SourceMalformed):
    """A table's total changed between two pages: they are of different tables, and another try has no use."""

    transient = False


MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What reading an answer raises when it does not have the shape that was asked for."""


@contextmanager
def reading_answer(source: str, what: str) -> Iterator[None]:
    """Read an upstream answer: any shape but the expected one is a `SourceMalformed` that says `what` it is.

    Raises:
        SourceMalformed: the answer has another shape, or holds a value that no column takes.
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
    return f" ({field}: {first['msg']})" if field else f" ({first['msg'].removeprefix('Value error, ')})"


class SourceEmpty(SourceError):
    """A well-formed answer that holds nothing, or a plain "no such thing": not published."""


class RateLimited(SourceError):
    """The source asked us to slow down; `retry_after` in seconds where it said how long."""

    def __init__(self, source: str, retry_after: float | None) -> None:
        wait = f", which asks us to wait {lapse(retry_after)}" if retry_after is not None else ""
        super().__init__(source, f"rate limit reached{wait}")
        self.retry_after = retry_after


class StillRefused(RateLimited):
    """The source said to wait, in an earlier request, and that time is not over; `retry_after` in seconds."""


class Braked(RateLimited):
    """Our own burst limit is exhausted: back off for `retry_after` seconds."""

    def __init__(self, source: str, retry_after: float) -> None:
        SourceError.__init__(self, source, "our own limit on bursts of requests is reached")
        self.retry_after = retry_after


class BudgetExhausted(SourceError):
    """Our own budget of requests is spent; `until` is when the sliding hour frees one."""

    def __init__(self, source: str, until: datetime) -> None:
        super().__init__(source, f"our hourly budget of requests is spent until {time_of_day(until)}")
        self.until = until


class OutOfTime(SourceError):
    """The run's deadline passed before this source could be asked."""


class UnmappedColumn(SourceError):
    """Upstream's table has a column this version does not map: it must not be guessed at."""


class UpstreamDown(F1FlowsError):
    """No source had a usable answer."""


class NotDone(F1FlowsError):
    """What was asked for by name failed, after all else was committed; `outcome` is what the run came to."""

    def __init__(self, message: str, outcome: Any) -> None:
        super().__init__(message)
        self.outcome = outcome


class Inconsistent(F1FlowsError):
    """The audit has findings: the database contradicts itself, or lacks what it should hold."""


class NotReceived(F1FlowsError):
    """A webhook's receiver did not take a message."""


class PrefectError(F1FlowsError):
    """Prefect's API does not give what a run needs of it."""


class DatabaseError(F1FlowsError):
    """The database cannot be used as it is."""


class DatabaseUnavailable(DatabaseError):
    """The database does not answer, or ended the connection."""

    transient = True


class DatabaseBusy(DatabaseError):
    """A lock was not free, or a statement not done, in its time; a second wait would only double the delay."""


class DataRefused(DatabaseError):
    """The database refused the data."""


class SchemaNewer(DatabaseError):
    """The database was migrated by a later version of this program."""


class SchemaForeign(DatabaseError):
    """Tables of our names are there, and they are not ours."""
