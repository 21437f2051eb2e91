"""A document of an upstream as text, for a person to look at."""

from __future__ import annotations

import json
from typing import Any

from core.errors import MISSHAPEN

LONGEST_DOCUMENT = 50_000
"""Characters that are kept of a document that cannot be read."""


def as_text(document: Any) -> str:
    """A document as text that any column holds: JSON in ASCII, cut where it is very long."""
    try:
        return json.dumps(document, default=str)[:LONGEST_DOCUMENT]
    except MISSHAPEN:
        return "(nested too deeply)"
