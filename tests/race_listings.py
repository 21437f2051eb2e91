"""Recorded listings of laps and pit stops, served by the recording as a test wants them."""

from __future__ import annotations

import json
from typing import Any

from recording import RECORDED, Recording

BRITAIN = "2023-british-grand-prix/race"

Documents = list[dict[str, Any]]


def recorded(table: str, *rounds: str) -> Documents:
    """The recorded documents of some rounds of 2023."""
    found: Documents = json.loads((RECORDED / "ergast" / "2023" / f"{table}.json").read_text())
    return [document for document in found if document["round"] in rounds]


def serve(recording: Recording, *rounds: str, **tables: Documents) -> None:
    """Have upstream publish the results of these rounds only, and some tables in another form than recorded."""
    overlay = {f"2023/{table}": documents for table, documents in tables.items()}
    recording.control(overlay={"2023/results": recorded("results", *rounds), **overlay})
