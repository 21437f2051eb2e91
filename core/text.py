"""Formats values for people and for JSON, and makes text from elsewhere safe for a screen or a log line."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

CONTROL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of control and format characters (bidi overrides), surrogates and line separators."""


def is_control(character: str) -> bool:
    """Whether a character controls the terminal or the line instead of being shown."""
    return unicodedata.category(character) in CONTROL_CATEGORIES


def printable(text: str) -> str:
    """The text in one line, with control characters as escapes such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(escape(character) if is_control(character) else character for character in text)


def escape(character: str) -> str:
    """A character as in a Python literal."""
    return character.encode("unicode_escape").decode("ascii")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: 1 session, 2 sessions."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def duration(milliseconds: int) -> str:
    """A lap's or a race's time as on the timing screen: 1:27:38.241, 1:36.236, 59.071."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}.{rest:03}"
    return f"{minutes}:{seconds:02}.{rest:03}" if minutes else f"{seconds}.{rest:03}"


def lapse(seconds: float) -> str:
    """A duration in its largest sensible unit: 45 s, 35 min, 6 h, 3 days."""
    for unit, length, below in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if abs(seconds) < below:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"


def hours(wait: timedelta) -> str:
    """A holding time in words: 24 hours."""
    return f"{wait.total_seconds() / 3600:.0f} hours"


def gap(milliseconds: int) -> str:
    """A gap between two cars, negative too: 3.005 s."""
    return f"{milliseconds / 1000:.3f} s"


def day_and_time(at: datetime) -> str:
    """A moment without its year and zone: Sun 28 Jul 13:00."""
    return f"{at:%a %d %b %H:%M}"


def day(at: date) -> str:
    """A day without its year: Sun 28 Jul."""
    return f"{at:%a %d %b}"


def days(first: date, last: date) -> str:
    """A range of days without the year: 26 – 28 Jul, 30 Aug – 1 Sep, 8 Dec."""
    if first == last:
        return f"{last.day} {last:%b}"
    begin = f"{first.day}" if first.month == last.month else f"{first.day} {first:%b}"
    return f"{begin} – {last.day} {last:%b}"


def moment(at: datetime, *, year: bool = False) -> str:
    """A moment in UTC: Sun 28 Jul 13:00 UTC, with its year if the season does not imply it."""
    return f"{at:%a %d %b %Y %H:%M} UTC" if year else f"{day_and_time(at)} UTC"


def time_of_day(at: datetime) -> str:
    """A moment in UTC within the next day: 13:00 UTC."""
    return f"{at:%H:%M} UTC"


def plain(value: Decimal | int | None) -> str:
    """A number without trailing zeros; a dash for None."""
    return "-" if value is None else f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def jsonable(value: Any) -> Any:
    """A field's value for JSON: instants and dates as ISO text, enums as their value."""
    if isinstance(value, Decimal):
        return str(value.normalize()) if value % 1 else str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    return value
