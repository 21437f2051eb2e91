"""Stints from FastF1's laps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

from core.documents import ArchiveDocument, Document
from core.kinds import SessionKind, Source
from core.timing_records import Stint
from core.transform.cells import number, text

NO_COMPOUND = {"UNKNOWN", "TEST_UNKNOWN"}


def stints(document: ArchiveDocument, kind: SessionKind) -> tuple[Stint, ...] | None:
    """Every car's stints, in order; None if the feeds of laps are missing."""
    if document["laps"] is None:
        return None
    return tuple(stint for rows in laps_by_car(document["laps"]).values() for stint in stints_of_car(rows)) or None


def laps_by_car(rows: Sequence[Document]) -> dict[str, list[Document]]:
    """FastF1's laps by car number, each car's in order."""
    by_car: defaultdict[str, list[Document]] = defaultdict(list)
    for row in rows:
        by_car[text(row["DriverNumber"]) or ""].append(row)
    return {car: sorted(own, key=lambda row: number(row["LapNumber"]) or 0) for car, own in by_car.items()}


def stints_of_car(rows: Sequence[Document]) -> list[Stint]:
    """A car's stints from its laps in order; laps before the first message about tyres belong to the first stint.

    FastF1 counts a set's laps from the first lap for which it has the tyres.
    """
    found: list[Stint] = []
    known = [row for row in rows if row["Stint"] is not None]
    for stint, of_stint in groupby(known, key=lambda row: number(row["Stint"]) or 0):
        own = list(of_stint)
        compound = text(own[0]["Compound"])
        age = number(own[0]["TyreLife"])
        first = rows[0] if not found else own[0]
        found.append(
            Stint(
                car_number=text(own[0]["DriverNumber"]) or "",
                stint=stint,
                lap_start=number(first["LapNumber"]) or 0,
                lap_end=number(own[-1]["LapNumber"]) or 0,
                compound=None if compound in NO_COMPOUND else compound,
                is_new=None if age is None else own[0]["FreshTyre"] is True,
                age_at_start_laps=None if age is None else age - 1,
                source=Source.LIVETIMING,
            )
        )
    return found
