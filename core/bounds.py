"""The allowed ranges and lengths of upstream's values: those of the columns behind the records' fields."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationInfo

from core.errors import MISSHAPEN
from core.text import is_control

LONGEST_LINE = 120
"""Characters in a text from upstream; the longest official name so far has 80."""

FIRST_SEASON, LAST_SEASON = 1950, 2200
EVENT_SPAN = timedelta(days=10)
"""How far an event's sessions may be from its last one."""

STORED = {"stored": True}
"""The context for validating a row of the database: earlier versions stored texts unchecked."""


def _without_controls(text: str, info: ValidationInfo) -> str:
    # `isprintable` is fast and true for nearly every text; unlike `is_control` it refuses no-break spaces.
    if info.context != STORED and not text.isprintable() and any(map(is_control, text)):
        raise ValueError("holds a control character")
    return text


Line = Annotated[str, Field(max_length=LONGEST_LINE), AfterValidator(_without_controls)]
"""A text from upstream that a column, a terminal or a page can hold."""

Name = Annotated[Line, Field(min_length=1)]
Message = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_without_controls)]
"""One of race control's messages; the longest so far has 198 characters."""

_NAME: TypeAdapter[str] = TypeAdapter(Name)


def name_or_none(value: Any) -> str | None:
    """The name in an otherwise unreadable document; None if the name is unreadable too."""
    try:
        return _NAME.validate_python(value.strip())
    except MISSHAPEN:
        return None


Season = Annotated[int, Field(ge=FIRST_SEASON, le=LAST_SEASON)]
Round = Annotated[int, Field(ge=1, le=99)]
SmallNumber = Annotated[int, Field(ge=0, le=2**15 - 1)]
"""What a `smallint` column holds."""

Measure = Annotated[float, Field(allow_inf_nan=False)]
"""A measured value; a gate checks whether it is plausible."""

Speed = Annotated[int, Field(ge=0, le=500)]
"""km/h."""

Milliseconds = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""What an `integer` column holds: up to 24 days."""

RaceTime = Annotated[int, Field(ge=0, le=2**40)]
Gap = Annotated[int, Field(ge=-(2**40), le=2**40)]
"""In `bigint` columns, with room for a sum or a difference of two race times."""

PointsNumber = Annotated[Decimal, Field(max_digits=7, decimal_places=3)]
"""What a `numeric(7,3)` column holds; a quality gate rejects negative points."""
