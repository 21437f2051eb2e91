"""A recorded season as upstream published it moment by moment: revisions of its calendar, results after each race."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from recording import RECORDED, Recording

from core.kinds import SessionKind

TABLES = {SessionKind.RACE: "results", SessionKind.SPRINT: "sprint", SessionKind.QUALIFYING: "qualifying"}
LABELS = {SessionKind.RACE: "Race", SessionKind.SPRINT: "Sprint", SessionKind.QUALIFYING: "Qualifying"}


def document(season: int, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RECORDED / "ergast" / str(season) / f"{table}.json").read_text())
    return found


def rounds_then(season: int, moment: datetime) -> dict[str, str]:
    """Upstream's round numbers at a moment; empty where they are not recorded."""
    folder = RECORDED / "schedule_history" / f"schedule_{season}"
    known = [path for path in sorted(folder.glob("*.json")) if revision_moment(path) <= moment]
    text = known[-1].read_text().strip() if known else ""
    if not text:
        return {}
    revision = json.loads(text)
    return {name: str(revision["round_number"][n]) for n, name in revision["event_name"].items()}


def revision_moment(path: Path) -> datetime:
    return datetime.fromisoformat(path.stem.replace("_", ":").replace("Z", "+00:00"))


class Season:
    """The recorded upstream of a season, its results published one by one."""

    def __init__(self, season: int, recording: Recording) -> None:
        self.season = season
        self.recording = recording
        self.tables = {kind: document(season, table) for kind, table in TABLES.items() if self._has(table)}
        self.starts = starts_of(season)
        chance = random.Random(season)
        self.publications: list[tuple[datetime, str, SessionKind]] = []
        for kind, races in self.tables.items():
            for race in races:
                starts = self.starts[race["raceName"], LABELS[kind]]
                ends = starts + timedelta(minutes=120 if kind is SessionKind.RACE else 60)
                late = timedelta(minutes=chance.choice([20, 31, 47, 62, 95, 133, 181, 305, 433, 720]))
                self.publications.append((ends + late, race["raceName"], kind))
        self.publications.sort()

    def _has(self, table: str) -> bool:
        return (RECORDED / "ergast" / str(self.season) / f"{table}.json").is_file()

    def publish(self, now: datetime) -> None:
        """Serve what is published by now, with upstream's round numbers of that time."""
        then = rounds_then(self.season, now)
        out = {(name, kind) for at, name, kind in self.publications if at <= now}
        overlay = {
            f"{self.season}/{TABLES[kind]}": [
                {**race, "round": then.get(race["raceName"], race["round"])}
                for race in races
                if (race["raceName"], kind) in out
            ]
            for kind, races in self.tables.items()
        }
        self.recording.control(as_of=now.isoformat(), overlay=overlay, publish_after_h=-1000)


def starts_of(season: int) -> dict[tuple[str, str], datetime]:
    """When each session of the final calendar started, by event and label; the venue's offset is upstream's."""
    listed = json.loads((RECORDED / "schedule" / f"schedule_{season}.json").read_text())
    found = {}
    for n, name in listed["event_name"].items():
        for slot in range(1, 6):
            if listed[f"session{slot}_date"][n]:
                local = f"{listed[f'session{slot}_date'][n]}{listed['gmt_offset'][n]}"
                found[name, listed[f"session{slot}"][n]] = datetime.fromisoformat(local).astimezone(UTC)
    return found
