"""Formula 1's own keys: read of a session's archive, stored once each, and known beside Jolpica's ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from conftest import poll_by_name
from reached import Reached
from sqlalchemy import insert, select, update

import core.upsert.timing
from core.database import Database
from core.deadline import Deadline
from core.documents import ArchiveDocument
from core.errors import DataRefused
from core.fetch.access import Access
from core.fetch.archive import fetch_archive
from core.kinds import SessionKind, Source, Status
from core.queries import read_event_polls
from core.records import Session
from core.replay import Fault, Upstream, facts
from core.rules.timing.gates import GATES
from core.rules.timing.keys import keys_of
from core.rules.timing.outcome import SyncedTiming, TimingOutcome
from core.schema import events, external_keys
from core.settings import Settings
from core.timing_records import ArchiveKeys
from core.timing_schema import entries
from core.transform.archive.answers import Answer, Archive, read_archive
from core.transform.archive.keys import archive_keys
from core.upsert.schedule import SeasonSummary
from core.upsert.timing import accept_archive
from core.views import external_ids

Sync = Callable[..., SeasonSummary]
Known = set[tuple[str, str, str]]

EVENT = "2024-bahrain-grand-prix"
QUALIFYING, RACE = f"{EVENT}/qualifying", f"{EVENT}/race"
OVER = datetime(2024, 3, 2, 17, tzinfo=UTC)
LATER = OVER + timedelta(days=8)
DAY = timedelta(days=1)


@pytest.fixture
def season(replay: Upstream, sync: Sync, reached: Reached) -> Upstream:
    """The replayed season after its first race, with its drivers known."""
    replay.as_of = LATER
    reached(LATER, partial(after_the_first_race, sync))
    return replay


def after_the_first_race(sync: Sync) -> None:
    sync(2024, LATER)
    poll_by_name(event=RACE, now=LATER)


def synced(session_id: str, now: datetime = LATER) -> SyncedTiming:
    from flows.sync_timing import sync_timing

    (one,) = sync_timing.fn(event=session_id, now=now)
    return one


def known(database: Database) -> Known:
    """Entity, id and key of every row."""
    with database.reading() as connection:
        found = connection.execute(select(external_keys)).all()
    assert {row.source for row in found} <= {"formula1"}
    return {(row.entity, row.entity_id, row.external_id) for row in found}


def of(entity: str, found: Known) -> dict[str, str]:
    return {id_: key for one, id_, key in found if one == entity}


DRIVERS = {
    driver: facts.drivers()[driver].reference
    for driver in {entry.driver for entry in facts.classifications()["Bahrain Grand Prix", "Race"][0].entries}
}


def test_an_archive_gives_the_keys_of_its_session_event_circuit_and_drivers(
    database: Database, season: Upstream
) -> None:
    season.requests.clear()
    synced(RACE)
    asked = [request.path.rpartition("/")[2] for request in season.requests if request.status == 200]
    assert len(set(asked)) == len(asked), "no feed is requested for its keys"
    found = known(database)
    assert len(DRIVERS) == 20
    assert of("driver", found) == DRIVERS
    assert of("circuit", found) == {"bahrain": "63"}
    assert of("event", found) == {EVENT: "2"}
    assert of("session", found) == {RACE: "24"}
    with database.reading() as connection:
        shown = select(external_ids).where(external_ids.c.id.in_(["max_verstappen", "bahrain", RACE]))
        assert {tuple(row) for row in connection.execute(shown)} == {
            ("driver", "max_verstappen", "jolpica", "max_verstappen"),
            ("driver", "max_verstappen", "formula1", "MAXVER01"),
            ("circuit", "bahrain", "jolpica", "bahrain"),
            ("circuit", "bahrain", "formula1", "63"),
            ("session", RACE, "formula1", "24"),
        }


def test_what_is_fetched_is_json_as_it_was_sent(sqlite: Database, season: Upstream) -> None:
    (due,) = read_event_polls(sqlite, EVENT, SessionKind.RACE)
    fetched = fetch_archive(due.event, due.session, Access(Settings.load(), Deadline(20)))
    assert json.loads(json.dumps(fetched)) == fetched
    assert (fetched["info"][0][1]["Key"], fetched["info"][0][1]["StartDate"]) == (24, "2024-03-02T18:00:00")


def test_known_keys_are_not_written_again(
    database: Database, season: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write_rows = core.upsert.keys.write_rows

    def counted(*args: Any) -> int:
        written.append(write_rows(*args))
        return written[-1]

    monkeypatch.setattr(core.upsert.keys, "write_rows", counted)
    synced(RACE)
    first = known(database)
    assert {one.outcome for one in synced(RACE, LATER + DAY).datasets} <= {
        TimingOutcome.UNCHANGED,
        TimingOutcome.MISSING,
    }
    assert known(database) == first
    synced(QUALIFYING)
    assert known(database) == first | {("session", QUALIFYING, "23")}
    assert written == [len(first), 0, 1]


def test_a_circuit_that_is_not_known_here_or_there_has_no_key(sqlite: Database, season: Upstream) -> None:
    with sqlite.writing() as connection:
        connection.execute(update(events).where(events.c.id == EVENT).values(circuit_id=None))
    synced(RACE)
    assert of("circuit", known(sqlite)) == {}
    assert of("session", known(sqlite)) == {RACE: "24"}
    imola = "2024-emilia-romagna-grand-prix/race"
    season.as_of = later = datetime(2024, 6, 1, tzinfo=UTC)
    synced(imola, later)
    assert (of("circuit", known(sqlite)), imola in of("session", known(sqlite))) == ({}, True)


def test_drivers_that_jolpica_does_not_know_yet_have_no_key(sqlite: Database, replay: Upstream, sync: Sync) -> None:
    replay.as_of = OVER + timedelta(minutes=20)
    sync(2024, OVER)
    synced(RACE, replay.as_of)
    assert of("driver", known(sqlite)) == {}
    replay.as_of = LATER
    poll_by_name(event=RACE, now=LATER)
    synced(RACE)
    assert of("driver", known(sqlite)) == DRIVERS


INFO = {"Key": 24, "Meeting": {"Key": 2, "Circuit": {"Key": 63}}}


def document(*info: Any, drivers: list[Any] | None = None) -> ArchiveDocument:
    """An archive that has these messages about the session, and of the list of drivers."""
    return {
        "laps": None,
        "drivers": None,
        "info": [["00:00:00.000", message] for message in info],
        "driver_list": None if drivers is None else [["00:00:05.000", message] for message in drivers],
        "statuses": [],
        "race_control": None,
        "weather": None,
        "pit_stops": None,
    }


WRONG: list[Any] = [-1, 0, "-1", "", None, "x9", 2.5, True, [24], {"of": 24}, 2**31, "9" * 400, "24\x00", float("nan")]
"""What is no key."""


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_key_that_cannot_be_read_is_not_known_and_the_others_are(wrong: Any) -> None:
    meeting = {"Key": 2, "Circuit": {"Key": 63}}
    assert archive_keys(document({**INFO, "Key": wrong})) == ArchiveKeys(event=2, circuit=63)
    assert archive_keys(document({**INFO, "Meeting": {**meeting, "Key": wrong}})) == ArchiveKeys(session=24, circuit=63)
    assert archive_keys(document({**INFO, "Meeting": {**meeting, "Circuit": {"Key": wrong}}})) == ArchiveKeys(
        session=24, event=2
    )
    assert archive_keys(document({**INFO, "Meeting": {**meeting, "Circuit": wrong}})) == ArchiveKeys(
        session=24, event=2
    )
    assert archive_keys(document({**INFO, "Meeting": wrong})) == ArchiveKeys(session=24)
    assert archive_keys(document(INFO, {**INFO, "Key": wrong})).session == 24, "nor does it replace one"


@pytest.mark.parametrize("wrong", [*WRONG[2:6], *WRONG[7:10], "max01", "MAXVER 01", "M" * 21, "MAX\u202eVER"], ids=repr)
def test_a_reference_that_cannot_be_read_is_not_known_and_the_others_are(wrong: Any) -> None:
    leclerc = {"16": {"RacingNumber": "16", "Reference": "CHALEC01"}}
    assert archive_keys(document(drivers=[{"1": {"Reference": wrong}, **leclerc}])).drivers == {"16": "CHALEC01"}
    assert archive_keys(document(drivers=[leclerc, {"16": {"Reference": wrong}}])).drivers == {"16": "CHALEC01"}


def test_a_list_without_references_and_an_archive_without_either_feed_give_no_keys() -> None:
    assert archive_keys(document(drivers=[{"5": {"Tla": "VET"}, "_kf": True}, {"5": {"Line": 2}}, "?"])).drivers == {}
    assert archive_keys(document("?", {"Meeting": {}})) == ArchiveKeys()
    assert read_archive(document(), SessionKind.RACE).keys == ArchiveKeys()


def test_the_last_message_that_gives_a_key_decides() -> None:
    corrected = document(INFO, {"SessionStatus": "Started"}, {"Key": "25", "Meeting": {"Circuit": {"Key": 64.0}}})
    assert archive_keys(corrected) == ArchiveKeys(session=25, event=2, circuit=64)
    renamed = document(drivers=[{"1": {"Reference": "MAXVER01"}}, {"1": {"Line": 1}}, {"1": {"Reference": "MAXVER02"}}])
    assert archive_keys(renamed).drivers == {"1": "MAXVER02"}


def test_keys_of_unknown_circuits_and_drivers_are_left_out() -> None:
    session = Session(
        id=RACE,
        event_id=EVENT,
        kind=SessionKind.RACE,
        name="Race",
        local_date=OVER.date(),
        starts_at=None,
        ends_at=None,
        utc_offset_minutes=None,
        status=Status.COMPLETED,
        source=Source.FASTF1,
    )
    given = ArchiveKeys(session=24, circuit=63, drivers={"1": "MAXVER01", "50": "OLIBEA01"})
    found = [(key.entity, key.entity_id, key.external_id) for key in keys_of(session, None, given, {"1": "verstappen"})]
    assert found == [("session", RACE, "24"), ("driver", "verstappen", "MAXVER01")]


def test_malformed_keys_do_not_reject_a_dataset(sqlite: Database, season: Upstream) -> None:
    info = {
        "Key": {"of": "the session"},
        "Meeting": "?",
        "StartDate": "2024-03-02T18:00:00",
        "EndDate": "2024-03-02T20:00:00",
        "GmtOffset": "03:00:00",
    }
    season.faults = [Fault("/SessionInfo", times=9, body=f"00:00:00.000{json.dumps(info)}\r\n".encode())]
    assert not synced(RACE).of(TimingOutcome.REFUSED, TimingOutcome.FAILED)
    assert {entity for entity, *_ in known(sqlite)} == {"driver"}


def archive(keys: ArchiveKeys, *, is_complete: bool = True) -> Archive:
    return Archive(is_complete, {gate.dataset.name: Answer(None) for gate in GATES}, keys)


def test_keys_are_stored_before_the_archive_is_complete(sqlite: Database, season: Upstream) -> None:
    accept_archive(sqlite, RACE, archive(ArchiveKeys(session=24), is_complete=False), OVER - timedelta(minutes=50))
    assert known(sqlite) == {("session", RACE, "24")}


@pytest.mark.parametrize("order", [(RACE, QUALIFYING), (QUALIFYING, RACE)], ids=lambda ids: ids[0].partition("/")[2])
def test_keys_that_differ_from_session_to_session_are_all_kept_whichever_is_read_first(
    order: tuple[str, str], database: Database, season: Upstream
) -> None:
    keys = {RACE: ArchiveKeys(event=2, circuit=63), QUALIFYING: ArchiveKeys(event=1229, circuit=63)}
    for session_id in (*order, *order):
        accept_archive(database, session_id, archive(keys[session_id]), LATER, by_name=True)
    assert known(database) == {("event", EVENT, "2"), ("event", EVENT, "1229"), ("circuit", "bahrain", "63")}


def test_keys_and_datasets_are_written_in_one_transaction(
    database: Database, season: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise DataRefused("refused")

    monkeypatch.setattr(core.upsert.timing, "write_changes", refuse)
    with pytest.raises(DataRefused):
        accept_archive(database, RACE, archive(ArchiveKeys(session=24)), LATER, by_name=True)
    assert known(database) == set()
    with database.reading() as connection:
        assert connection.execute(select(entries)).all() == []


def test_the_database_refuses_keys_of_other_entities(database: Database) -> None:
    row = {"entity": "season", "entity_id": "2024", "source": "formula1", "external_id": "2024"}
    with pytest.raises(DataRefused), database.writing() as connection:
        connection.execute(insert(external_keys), row)
