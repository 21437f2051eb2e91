"""Recorded seasons as the rules take them: rounds with their results, the published standings after each, and ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from recording import RECORDED
from sqlalchemy import select

from core.database import Database
from core.kinds import SessionKind
from core.records import Competitor, Standing
from core.rules.results.standings import Round, RoundEvent, RoundResult
from core.schema import driver_standings, team_standings
from core.transform.results import result_of_race
from core.transform.standings import standings_of

RESULTS = {"sprint": SessionKind.SPRINT, "results": SessionKind.RACE}
STANDINGS: dict[Competitor, tuple[str, str]] = {
    "driver": ("driverstandings", "DriverStandings"),
    "team": ("constructorstandings", "ConstructorStandings"),
}
TABLES = {"driver": driver_standings, "team": team_standings}
SEASONS = [*sorted((RECORDED / "history").glob("[0-9]*")), RECORDED / "ergast" / "2020", RECORDED / "ergast" / "2023"]
"""The folders of the seasons whose results and standings are recorded."""

CHASSIS = "the recorded results name the chassis only, where another engine made it another constructor"
FROM_THE_START = "upstream deducts the points from the first round on; they were deducted before the fifth"
BETWEEN = f"{FROM_THE_START}: another place of those in between"

UNLIKE: dict[tuple[int, Competitor, str], tuple[Sequence[int], str]] = {
    (1954, "driver", "jean_behra"): ([5], "the table lacks one of the seven who shared the fastest lap's point"),
    (1964, "team", "brabham"): (range(6, 11), CHASSIS),
    (1967, "team", "lotus"): (range(3, 12), CHASSIS),
    (2012, "driver", "charles_pic"): ([6], "each was fifteenth once; the two twentieth places are not counted there"),
    (2012, "driver", "narain_karthikeyan"): ([6], "the other of the two"),
    (2020, "team", "racing_point"): (range(1, 5), FROM_THE_START),
    (2020, "team", "alphatauri"): ([1], BETWEEN),
    (2020, "team", "alfa"): ([1], BETWEEN),
    (2020, "team", "renault"): ([1, 2, 4], BETWEEN),
    (2020, "team", "ferrari"): ([2, 3], BETWEEN),
}
"""Where a recorded table is not what the rules give: rounds, and why."""


def document(folder: Path, name: str) -> list[dict[str, Any]]:
    """A season's document; empty where it has none."""
    path = folder / f"{name}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return found


def rounds_of(folder: Path) -> list[Round]:
    """All rounds of a season, with their results."""
    results: dict[str, list[RoundResult]] = {}
    for name, kind in RESULTS.items():
        for race in document(folder, name):
            results.setdefault(race["round"], []).append(RoundResult(kind, result_of_race(race, kind).entries))
    return [
        Round(
            RoundEvent(
                id=f"{folder.name}-{race['round']}",
                season=int(folder.name),
                round=int(race["round"]),
                first_date=date.fromisoformat(race["date"]),
                circuit_id=race["Circuit"]["circuitId"],
            ),
            results[race["round"]],
        )
        for race in document(folder, "races")
    ]


def published_after(folder: Path, competitor: Competitor) -> dict[int, list[Standing]]:
    """The published standings by round."""
    name, rows = STANDINGS[competitor]
    return {int(table["round"]): standings_of(table[rows]) for table in document(folder, name)}


def stored_standings(database: Database, season: int, competitor: Competitor = "driver") -> dict[int, list[Standing]]:
    """The standings that a database holds, by round."""
    found: dict[int, list[Standing]] = {}
    table = TABLES[competitor]
    with database.reading() as connection:
        for row in connection.execute(select(table).where(table.c.season == season)).mappings():
            values = {name: row[name] for name in ("position", "points", "wins", "source")}
            found.setdefault(row["round"], []).append(Standing(competitor_id=row[f"{competitor}_id"], **values))
    return found
