"""Whole seasons lived through: `now` jumps from boundary to boundary, statuses and results follow.

The recorded 2023 and 2020: each race, sprint and qualifying is published after a delay of its own, between twenty
minutes and twelve hours; what the database then says is compared with an independent source's classification.
"""

from __future__ import annotations

import csv
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from conftest import RECORDED, Recording, needs_recording
from sqlalchemy import select

from core.database import Database
from core.records import SessionKind, Status
from core.schema import events, results, sessions
from core.transform.results import milliseconds
from core.upsert.results import Outcome
from flows.poll_results import poll_results
from flows.refresh_statuses import refresh_statuses
from flows.sync_schedule import sync_schedule

pytestmark = needs_recording

TABLES = {SessionKind.RACE: "results", SessionKind.SPRINT: "sprint", SessionKind.QUALIFYING: "qualifying"}
LETTERS = {"DNF": "R", "DNS": "W", "NC": "N", "DSQ": "D"}
STARTS_OF = {SessionKind.SPRINT: "Sprint", SessionKind.QUALIFYING: "Qualifying"}


@dataclass
class Life:
    """What happened in a season: publications and commits by session, requests with their moments."""

    season: int
    published: dict[tuple[str, SessionKind], datetime] = field(default_factory=dict)
    committed: dict[str, datetime] = field(default_factory=dict)
    requests: list[tuple[datetime, str]] = field(default_factory=list)
    polls: int = 0


def document(season: int, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RECORDED / "ergast" / str(season) / f"{table}.json").read_text())
    return found


def rounds_then(season: int, moment: datetime) -> dict[str, str]:
    """The rounds that upstream numbered events by at a moment; empty where that is not recorded."""
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
        chance = random.Random(season)
        self.publications: list[tuple[datetime, str, SessionKind]] = []
        for kind, races in self.tables.items():
            for race in races:
                slot = self._schedule(race["round"]).get(STARTS_OF.get(kind, ""), self._schedule(race["round"]))
                starts = datetime.fromisoformat(f"{slot['date']}T{slot.get('time', '14:00:00Z')}")
                ends = starts + timedelta(minutes=120 if kind is SessionKind.RACE else 60)
                delay = timedelta(minutes=chance.choice([20, 35, 50, 75, 120, 180, 240, 400, 720]))
                self.publications.append((ends + delay, race["round"], kind))
        self.publications.sort()

    def _has(self, table: str) -> bool:
        return (RECORDED / "ergast" / str(self.season) / f"{table}.json").is_file()

    def _schedule(self, number: str) -> dict[str, Any]:
        return next(race for race in document(self.season, "races") if race["round"] == number)

    def publish(self, now: datetime) -> None:
        """Serve what is published by now, numbered as upstream numbered it then."""
        then = rounds_then(self.season, now)
        out = {(number, kind) for at, number, kind in self.publications if at <= now}
        overlay = {}
        for kind, races in self.tables.items():
            overlay[f"{self.season}/{TABLES[kind]}"] = [
                {**race, "round": then.get(race["raceName"], race["round"])}
                for race in races
                if (race["round"], kind) in out
            ]
        self.recording.control(as_of=now.isoformat(), overlay=overlay, publish_after_h=-1000)


def live(season: int, recording: Recording, database: Database) -> Life:
    """Live a season through, from before its first round to its results' settling."""
    upstream, life = Season(season, recording), Life(season)
    folder = RECORDED / "schedule_history" / f"schedule_{season}"
    revisions = [revision_moment(path) for path in sorted(folder.glob("*.json"))][1:]
    first = revisions[0] if revisions else datetime(season, 1, 10, tzinfo=UTC)
    syncs = set(revisions) | {moment + timedelta(hours=7) for moment in revisions} | {first}
    moments = syncs | {at for at, _, _ in upstream.publications}
    names = {race["round"]: race["raceName"] for race in document(season, "races")}
    now = first
    publishing = {at for at, _, _ in upstream.publications}
    upstream.publish(now)
    while True:
        if now in publishing or now in syncs:
            upstream.publish(now)
        if now in syncs:
            sync_schedule.fn(season=season, now=now)
        refresh_statuses.fn(now=now)
        before = len(recording.requests()) if now.minute == -1 else 0
        for one in poll_results.fn(now=now):
            if one.outcome is Outcome.OFFICIAL:
                life.committed[one.session_id] = now
        assert before == 0
        life.polls += 1
        following = next_boundary(database, now, moments)
        if following is None:
            break
        now = following
    for at, number, kind in upstream.publications:
        life.published[(names[number], kind)] = at
    return life


def next_boundary(database: Database, now: datetime, moments: set[datetime]) -> datetime | None:
    """The next moment at which anything happens: a start, an end, a first or later poll, a publication, a revision."""
    found = [moment for moment in moments if moment > now]
    with database.reading() as connection:
        rows = connection.execute(
            select(sessions.c.starts_at, sessions.c.ends_at, sessions.c.next_poll_at).where(
                sessions.c.status != Status.CANCELLED.value
            )
        ).all()
    for starts, ends, poll in rows:
        first = ends + timedelta(minutes=30) if ends else None
        found += [moment for moment in (starts, ends, first, poll) if moment is not None and moment > now]
    return min(found, default=None)


EXPLAINED: dict[tuple[str, str, str, str], str] = {}
"""Where the database and the independent source differ: (date, session, car, field) → why."""


def differences(season: int, database: Database) -> tuple[int, list[tuple[str, str, str, str, Any, Any]]]:
    """How many rows were compared, and every field in which ours and the independent source's differ."""
    with database.reading() as connection:
        rows = connection.execute(
            select(results, sessions.c.kind, events.c.last_date)
            .join(sessions, sessions.c.id == results.c.session_id)
            .join(events, events.c.id == sessions.c.event_id)
        ).mappings()
        ours = {(row["last_date"], row["kind"], row["car_number"]): row for row in rows}
    compared, found = 0, []
    with (RECORDED / "truth" / f"{season}.csv").open() as file:
        for truth in csv.DictReader(file):
            if truth["session"] not in {kind.value for kind in TABLES}:
                continue
            day = date.fromisoformat(truth["date"])
            # Las Vegas' race is Saturday's at the venue, and Sunday's in the independent source.
            days = (day, day - timedelta(days=1))
            where = (truth["date"], truth["session"], truth["number"])
            row = next((ours[key] for d in days if (key := (d, truth["session"], truth["number"])) in ours), None)
            if row is None:
                found.append((*where, "entry", None, truth["position"]))
                continue
            compared += 1
            place = LETTERS.get(truth["position"], truth["position"])
            mine = row["classification"] or (str(row["position"]) if row["position"] else "")
            pairs = {"place": (mine, place)}
            if truth["session"] != "qualifying":
                pairs["points"] = (row["points"] or Decimal(0), Decimal(truth["points"] or 0))
                if truth["grid"].isdigit():
                    pairs["grid"] = (row["grid"], int(truth["grid"]))
                if truth["laps"]:
                    pairs["laps"] = (row["laps"], int(truth["laps"]))
                if truth["time"]:
                    pairs["time"] = (row["time_ms"], milliseconds(truth["time"]))
            else:
                pairs |= {part: (row[f"{part}_ms"], milliseconds(truth[part])) for part in ("q1", "q2", "q3")}
            found += [(*where, name, mine, theirs) for name, (mine, theirs) in pairs.items() if mine != theirs]
    return compared, found
