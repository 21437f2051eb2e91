"""Live timing: recorded sessions equal the official classification, and provisional results give way to it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from livetiming import poll, stored
from recording import RECORDED, Recording, needs_recording
from sqlalchemy import select

from core.database import Database
from core.kinds import ResultsState, SessionKind, Source
from core.rules.calendar.identity import season_of
from core.rules.calendar.identity import session_id as session_id_of
from core.rules.results.outcome import Outcome
from core.schema import result_revisions
from core.transform.cells import milliseconds
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]

SPRINT, SHOOTOUT, PRACTICE = SessionKind.SPRINT, SessionKind.SPRINT_QUALIFYING, SessionKind.PRACTICE_1
RECORDINGS = [
    ("2023-azerbaijan-grand-prix", SHOOTOUT, "2023-04-30"),
    ("2023-azerbaijan-grand-prix", SPRINT, "2023-04-30"),
    ("2024-chinese-grand-prix", SHOOTOUT, "2024-04-21"),
    ("2024-british-grand-prix", PRACTICE, "2024-07-07"),
]
LETTERS = {"DNF": None, "DNS": None, "NC": None, "DSQ": None}
DIFFERENCES: dict[tuple[str, str], dict[str, str]] = {
    ("2023-azerbaijan-grand-prix/sprint", "2"): {
        "entry": "Sargeant crashed in the shootout and did not start: he is in no lap of live timing",
    },
    ("2024-chinese-grand-prix/sprint_qualifying", "16"): {
        "laps": "Leclerc's 15th lap, begun after his last timed one, ends in 'Stopped': FastF1 has no such lap",
    },
    ("2024-chinese-grand-prix/sprint_qualifying", "77"): {
        "laps": "Bottas's 16th lap, begun after his last timed one, ends in 'Stopped': FastF1 has no such lap",
    },
}
"""All that differs from the official classification, by session and car: the field and why."""

QATAR_2025 = ["81", "63", "4", "1", "22", "12", "14", "55"]
"""The sprint's points: Piastri, Russell, Norris, Verstappen, Tsunoda, Antonelli, Alonso, Sainz."""


def later(event: str) -> datetime:
    """A moment after the event, when all of its live timing is published."""
    return datetime(season_of(event), 12, 15, tzinfo=UTC)


def official(season: int, date: str, kind: SessionKind) -> dict[str, dict[str, str]]:
    """The independent source's rows of a session, by car number."""
    with (RECORDED / "truth" / f"{season}.csv").open() as file:
        return {
            row["number"]: row for row in csv.DictReader(file) if (row["date"], row["session"]) == (date, kind.value)
        }


def shown(row: dict[str, str]) -> dict[str, Any]:
    """Those fields of an official row that live timing has too."""
    place = row["position"]
    return {
        "position": LETTERS[place] if place in LETTERS else int(place),
        "laps": int(row["laps"]) if row["laps"] else None,
        **{f"{part}_ms": milliseconds(row[part]) for part in ("q1", "q2", "q3")},
    }


@needs_recording
@pytest.mark.parametrize(("event", "kind", "date"), RECORDINGS, ids=[f"{e}/{k.value}" for e, k, _ in RECORDINGS])
def test_a_recorded_session_equals_the_official_classification(
    event: str, kind: SessionKind, date: str, sqlite: Database, recording: Recording, sync: Sync
) -> None:
    season, now, session_id = season_of(event), later(event), session_id_of(event, kind)
    sync(season, now)
    recording.control(withhold=["/sprint"])
    polled = poll(event, kind, now)
    assert (polled.outcome, polled.revision) == (Outcome.PUBLISHED, 1)
    session, entries = stored(sqlite, session_id)
    assert session.results_state is ResultsState.PROVISIONAL
    assert {entry.source for entry in entries} == {Source.LIVETIMING}
    with sqlite.reading() as connection:
        (revision,) = connection.execute(select(result_revisions)).all()
    assert (revision.source, revision.state, revision.session_id) == ("livetiming", "provisional", session_id)

    expected = official(season, date, kind)
    found = {entry.car_number: entry.model_dump() for entry in entries}
    differing: dict[tuple[str, str], set[str]] = {
        (session_id, car): {"entry"} for car in expected.keys() ^ found.keys()
    }
    for car in expected.keys() & found.keys():
        if fields := {name for name, value in shown(expected[car]).items() if found[car][name] != value}:
            differing[session_id, car] = fields
    known = {key: set(reasons) for key, reasons in DIFFERENCES.items() if key[0] == session_id}
    assert differing == known
    assert list(found) == [car for car in expected if (session_id, car) not in DIFFERENCES or car in found]
    assert [entry.listed_position for entry in entries] == list(range(1, len(entries) + 1))
    if kind is PRACTICE:
        assert {car: entry["best_lap_ms"] for car, entry in found.items()} == {
            car: milliseconds(row["time"] or row["q1"]) for car, row in expected.items()
        }


@needs_recording
def test_the_sprint_of_qatar_2025(sqlite: Database, recording: Recording, sync: Sync) -> None:
    """There is no recorded table of 2025 to compare with, neither independent nor Jolpica's."""
    event, now = "2025-qatar-grand-prix", datetime(2025, 12, 1, tzinfo=UTC)
    sync(2025, now)
    assert poll(event, SPRINT, now).outcome is Outcome.PUBLISHED
    session, entries = stored(sqlite, f"{event}/sprint")
    assert session.results_state is ResultsState.PROVISIONAL
    assert len(entries) == 20
    assert [entry.car_number for entry in entries][:8] == QATAR_2025
    assert [entry.position for entry in entries] == list(range(1, 21))
    assert {entry.laps for entry in entries} == {19}
    assert {entry.source for entry in entries} == {Source.LIVETIMING}


@needs_recording
def test_provisional_gives_way_to_official(sqlite: Database, recording: Recording, sync: Sync) -> None:
    """The sprint of Azerbaijan 2023, first by live timing; Jolpica's table has Sargeant, who did not start."""
    event, now = "2023-azerbaijan-grand-prix", later("2023")
    sync(2023, now)
    recording.control(withhold=["/sprint"])
    poll(event, SPRINT, now)
    recording.control(withhold=[])
    polled = poll(event, SPRINT, now + timedelta(minutes=5))
    assert (polled.outcome, polled.revision, polled.entries) == (Outcome.OFFICIAL, 2, 20)
    session, entries = stored(sqlite, f"{event}/sprint")
    assert session.results_state is ResultsState.OFFICIAL
    assert {entry.source for entry in entries} == {Source.JOLPICA}
    recording.control(withhold=["/sprint"])
    assert poll(event, SPRINT, now + timedelta(minutes=10)).revision == 2, "and official never to provisional"
    assert stored(sqlite, f"{event}/sprint")[1] == entries
