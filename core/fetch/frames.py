"""FastF1's frames as JSON documents."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from core.documents import Document


def rows_of(frame: pd.DataFrame, columns: Collection[str] | None = None) -> list[Document]:
    """A frame's rows by column name, limited to those of `columns` that exist."""
    kept = frame if columns is None else frame[[column for column in frame.columns if column in columns]]
    return [{str(name): _json(cell) for name, cell in row.items()} for row in pd.DataFrame(kept).to_dict("records")]


def _json(cell: Any) -> Any:
    """A cell as JSON: instants as ISO text, durations in milliseconds, None for NaN and NaT."""
    if cell is pd.NaT or cell is pd.NA or (isinstance(cell, float) and pd.isna(cell)):
        return None
    if isinstance(cell, pd.Timedelta):
        return round(cell.total_seconds() * 1000)
    if isinstance(cell, pd.Timestamp):
        return cell.isoformat()
    return cell
