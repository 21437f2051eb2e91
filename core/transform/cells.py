"""Reads upstream's cells: texts, whole numbers, places and durations.

Upstream's text may be "nan", "None", "" or -1 for nothing, and "1.0" for first place. A cell of any other form raises
one of `core.errors.MISSHAPEN`.
"""

from __future__ import annotations

import math
import re
from typing import Any

NOTHING = {"", "nan", "none", "nat", "null", "-1", "-1.0", "-", "\\N", "\\n"}
WHOLE = re.compile(r"([0-9]{1,10})(?:\.0*)?")
CLOCK = re.compile(r"(?:(?:([0-9]{1,3}):)?([0-9]{1,3}):)?([0-9]{1,6})(?:\.([0-9]{1,3}))?")


def text(value: Any) -> str | None:
    """A cell's text, None if upstream means nothing by it.

    Raises:
        TypeError: it is a list, an object or a truth value.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"a cell holds {type(value).__name__}")
    found = str(value).strip()
    return None if found.lower() in NOTHING else found


def number(value: Any) -> int | None:
    """A whole number, from "1", 1, 1.0 or "1.0"; None if upstream means nothing.

    Raises:
        ValueError: the cell is neither.
    """
    found = text(value)
    if found is None:
        return None
    if not (match := WHOLE.fullmatch(found)):
        raise ValueError("a cell is not a whole number")
    return int(match[1])


def milliseconds(clock: Any) -> int | None:
    """Milliseconds of "1:27.713", "1:31:44.742", "27.713" or "+5.413"; None for anything else, such as "+1 Lap"."""
    found = text(clock)
    match = CLOCK.fullmatch(found.removeprefix("+")) if found else None
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "0").ljust(3, "0"))


def classification(value: Any) -> str | None:
    """Ergast's text for a place: "1" (also from "1.0") or one of its letters."""
    found = text(value)
    return found if found is None or not WHOLE.fullmatch(found) else str(number(found))
