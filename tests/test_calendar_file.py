"""The calendar to subscribe to: what a client makes of one export after another, as RFC 5545 merges them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import icalendar
import pytest
from calendars import moment
from recording import Recording, needs_recording
from season_2023 import FIRST_WITHOUT_IMOLA, IMOLA, SECOND_WITHOUT_IMOLA, plan
from sqlalchemy import insert

from core.database import Database
from core.kinds import SessionKind
from core.replay import Upstream
from core.schema import circuits, events, sessions
from core.upsert.schedule import SeasonSummary
from flows.__main__ import main
from flows.output.calendar_file import calendar_of

FILE = Path("f1.ics")
VERSION = {"SEQUENCE", "DTSTAMP", "LAST-MODIFIED"}
"""What makes a version of an entry, besides what it says."""

Sync = Callable[..., SeasonSummary]
Entries = dict[str, icalendar.Event]


def entries_in(calendar: icalendar.Calendar) -> Entries:
    """A file's entries by UID, each once."""
    found = {str(event["UID"]): event for event in calendar.events}
    assert len(found) == len(calendar.events)
    return found


def exported(season: int, *options: str) -> Entries:
    """The entries of the file that the command writes."""
    assert main(["calendar", str(season), *options, "--output", str(FILE)]) == 0
    return entries_in(icalendar.Calendar.from_ical(FILE.read_bytes()))


def version_of(entry: icalendar.Event) -> tuple[int, datetime]:
    """RFC 5546, 2.1.5: the higher SEQUENCE is the newer version; of equal ones the later DTSTAMP."""
    return int(entry["SEQUENCE"]), entry["DTSTAMP"].dt


def merged(held: Entries, new: Entries) -> Entries:
    """What a subscriber holds who takes only newer versions of what it knows."""
    newer = {uid: one for uid, one in new.items() if uid not in held or version_of(one) > version_of(held[uid])}
    return {**held, **newer}


def said(entry: icalendar.Event) -> dict[str, bytes]:
    """What an entry says, without its version."""
    return {name: value.to_ical() for name, value in entry.items() if name not in VERSION}


def cancelled(entries: Entries) -> set[str]:
    """The UIDs of the entries that are cancelled."""
    return {uid for uid, entry in entries.items() if entry["STATUS"] == "CANCELLED"}


@needs_recording
def test_a_subscriber_of_2023_sees_imola_cancelled_and_no_event_twice(
    database: Database, recording: Recording, sync: Sync
) -> None:
    held: Entries = {}
    for now, _ in plan()[1:]:
        if now == moment(FIRST_WITHOUT_IMOLA):
            held = exported(2023)
        if now <= moment(SECOND_WITHOUT_IMOLA):
            recording.control(as_of=now.isoformat())
            sync(2023, now)
    after = exported(2023)
    of_imola = {uid for uid in held if uid.startswith(IMOLA)}
    assert len(of_imola) == 5
    assert {str(held[uid]["STATUS"]) for uid in of_imola} == {"CONFIRMED"}
    result = merged(held, after)
    assert set(result) == set(held) == set(after)
    assert cancelled(result) - cancelled(held) == of_imola
    assert all(result[uid]["SEQUENCE"] == held[uid]["SEQUENCE"] + 1 for uid in of_imola)
    assert {result[uid]["LAST-MODIFIED"].dt for uid in of_imola} == {moment(SECOND_WITHOUT_IMOLA)}
    assert {uid: said(one) for uid, one in result.items()} == {uid: said(one) for uid, one in after.items()}


@needs_recording
def test_a_subscriber_of_every_revision_of_2023_ends_with_the_last(
    sqlite: Database, recording: Recording, sync: Sync
) -> None:
    held: Entries = {}
    for now, _ in plan()[1:]:
        recording.control(as_of=now.isoformat())
        sync(2023, now)
        new = entries_in(calendar_of(sqlite, 2023, tuple(SessionKind)))
        held = merged(held, new)
        assert {uid: said(one) for uid, one in held.items()} == {uid: said(one) for uid, one in new.items()}, now


def test_a_moved_session_is_a_newer_version_and_an_unmoved_one_the_same(
    database: Database, replay: Upstream, sync: Sync
) -> None:
    kinds = "--kinds", "qualifying,sprint-qualifying"
    replay.as_of = now = datetime(2024, 11, 2, 20, tzinfo=UTC)
    sync(2024, now)
    before = exported(2024, *kinds)
    text = FILE.read_bytes()
    assert exported(2024, *kinds) == before
    assert FILE.read_bytes() == text, "the same database, the same file"
    replay.as_of = now = datetime(2024, 11, 2, 21, tzinfo=UTC)
    sync(2024, now)
    after = exported(2024, *kinds)
    assert {uid.partition("/")[2] for uid in after} == {"qualifying", "sprint_qualifying"}
    moved = "2024-sao-paulo-grand-prix/qualifying"
    assert [uid for uid in after if after[uid] != before[uid]] == [moved]
    assert version_of(before[moved])[0] + 1 == version_of(after[moved])[0]
    entry = after[moved]
    assert entry["DTSTART"].dt == datetime(2024, 11, 3, 10, 30, tzinfo=UTC)
    assert entry["DTSTART"].to_ical() == b"20241103T103000Z"
    assert entry["LAST-MODIFIED"].dt == entry["DTSTAMP"].dt == now
    assert str(entry["DESCRIPTION"]).endswith("Starts on Sun 03 Nov 07:30 at the venue (America/Sao_Paulo)")
    assert entry["LOCATION"] == "Autódromo José Carlos Pace, São Paulo, Brazil"


WRITTEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "id": "1956-reims",
    "season": 1956,
    "round": 1,
    "name": "French Grand Prix; Reims",
    "country": "France",
    "locality": "Reims",
    "circuit_id": "reims",
    "format": "conventional",
    "first_date": date(1956, 7, 1),
    "last_date": date(1956, 7, 1),
    "status": "completed",
    "source": "jolpica",
    "updated_at": WRITTEN,
}
RACE: dict[str, Any] = {
    "id": "1956-reims/race",
    "event_id": "1956-reims",
    "kind": "race",
    "name": "Race",
    "local_date": date(1956, 7, 1),
    "status": "completed",
    "results_state": "settled",
    "revision": 1,
    "poll_attempts": 1,
    "source": "jolpica",
    "updated_at": WRITTEN,
}


def test_a_session_without_a_time_fills_its_day(database: Database) -> None:
    rows: list[tuple[Any, dict[str, Any]]] = [
        (circuits, {"id": "reims", "name": "Reims-Gueux", "locality": "Reims", "country": "France"}),
        (events, EVENT),
        (sessions, RACE),
    ]
    with database.writing() as connection:
        for table, row in rows:
            connection.execute(insert(table), row)
    (entry,) = exported(1956).values()
    assert (entry["DTSTART"].dt, entry["DTEND"].dt) == (date(1956, 7, 1), date(1956, 7, 2))
    assert entry["DTSTART"].params["VALUE"] == "DATE"
    assert (entry["SEQUENCE"], entry["DTSTAMP"].dt) == (0, WRITTEN)
    assert entry["SUMMARY"] == "French Grand Prix; Reims: Race"
    assert "GEO" not in entry


def test_the_command_says_what_it_wrote_or_why_not(
    sqlite: Database, replay: Upstream, sync: Sync, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime(2024, 1, 25, 12, tzinfo=UTC)
    replay.as_of = now
    sync(2024, now)
    assert main(["calendar", "2024", "--kinds", "race", "--output", "f1.ics"]) == 0
    assert capsys.readouterr().out == "f1.ics: 24 sessions of 2024, 0 cancelled\n"
    assert main(["calendar", "1949", "--output", "old.ics"]) == 2
    assert "nothing is known of 1949" in capsys.readouterr().err
    assert main(["calendar", "2024", "--output", "missing/f1.ics"]) == 1
    assert capsys.readouterr().err == "error: missing/f1.ics cannot be written: No such file or directory\n"
    with pytest.raises(SystemExit, match="2"):
        main(["calendar", "2024", "--kinds", "race,parade", "--output", "f1.ics"])
    assert [path.name for path in Path().glob("*.ics*")] == ["f1.ics"]
