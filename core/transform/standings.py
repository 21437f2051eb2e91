"""Jolpica's standings rows to standings, and to the drivers and teams they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.documents import Document
from core.errors import reading_answer
from core.kinds import Source
from core.records import Competitor, Driver, Standing, Team
from core.transform.cells import WHOLE, number, text
from core.transform.results import competitors_of


@dataclass(frozen=True)
class PublishedStandings:
    """The tables after a round, each with the drivers and teams it names."""

    tables: dict[Competitor, list[Standing]]
    named: dict[Competitor, tuple[tuple[Driver, ...], tuple[Team, ...]]]


def published_standings(documents: Mapping[Competitor, Sequence[Document]]) -> PublishedStandings:
    """Jolpica's standings rows, by championship, as standings and competitors.

    Raises:
        SourceMalformed: a row lacks a required field.
    """
    return PublishedStandings(
        {competitor: standings_of(rows) for competitor, rows in documents.items()},
        {competitor: competitors_of(rows) for competitor, rows in documents.items()},
    )


def standings_of(rows: Sequence[Mapping[str, Any]]) -> list[Standing]:
    """The standings of a drivers' or a teams' table. An excluded competitor has no place.

    Raises:
        SourceMalformed: a row lacks a required field.
    """
    with reading_answer(Source.JOLPICA.value, "a standings row that cannot be read"):
        return [
            Standing(
                competitor_id=row["Driver"]["driverId"] if "Driver" in row else row["Constructor"]["constructorId"],
                position=number(row.get("position")) if _has_place(row) else None,
                points=text(row["points"]),
                wins=number(row["wins"]) or 0,
                source=Source.JOLPICA.value,
            )
            for row in rows
        ]


def _has_place(row: Mapping[str, Any]) -> bool:
    """Whether a row's place counts: it is not a dash (never classified), nor a word for an exclusion."""
    return WHOLE.fullmatch(text(row.get("positionText", row.get("position"))) or "") is not None
