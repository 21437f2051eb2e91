"""The drivers that live timing lists for a session."""

from __future__ import annotations

import re

from core.documents import ArchiveDocument, Document
from core.kinds import SessionKind, Source
from core.timing_records import ListedDriver
from core.transform.cells import text

COLOR = re.compile("[0-9A-Fa-f]{6}")


def entries(document: ArchiveDocument, kind: SessionKind) -> tuple[ListedDriver, ...] | None:
    """Every listed driver, including reserves and other series' drivers; None if there is no list."""
    if document["drivers"] is None:
        return None
    driven = {text(lap["DriverNumber"]) for lap in document["laps"] or ()}
    listed = [row for row in document["drivers"] if text(row.get("DriverNumber")) is not None]
    return tuple(_driver(row, driven) for row in listed) or None


def _driver(row: Document, driven: set[str | None]) -> ListedDriver:
    car, color, name = text(row["DriverNumber"]) or "", text(row.get("TeamColor")), text(row.get("FullName"))
    return ListedDriver(
        car_number=car,
        driver_code=text(row.get("Abbreviation")),
        full_name=None if name == "None None" else name,
        team_color=color.upper() if color and COLOR.fullmatch(color) else None,
        source=Source.LIVETIMING,
        team_name=text(row.get("TeamName")),
        has_driven=car in driven,
    )
