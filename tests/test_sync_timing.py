"""What a sync of live timing's archives stores, when it reads them again, and what becomes of a fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import poll_by_name
from reached import Reached
from sqlalchemy import func, insert, select

from core.database import Database
from core.documents import Listing
from core.errors import NotDone
from core.kinds import Source
from core.replay import Fault, Upstream
from core.replay.track import tracks
from core.rules.timing.gates import GATES
from core.rules.timing.listed import RaceDue
from core.rules.timing.outcome import SyncedTiming, TimingOutcome
from core.schema import changes, columns, dataset_states, held, metadata
from core.timing_queries import read_due_timing
from core.timing_records import Lap, ListedLap, TimedLap
from core.timing_schema import laps
from core.transform.archive.answers import Answer, Archive
from core.upsert.schedule import SeasonSummary
from core.upsert.timing import accept_archive, accept_listed

Sync = Callable[..., SeasonSummary]

RACE = "2024-sao-paulo-grand-prix/race"
OVER = datetime(2024, 11, 3, 17, 30, tzinfo=UTC)
COMPLETE = OVER + timedelta(minutes=45)
DAY = timedelta(days=1)
FACTS = tracks()[21, "Race"]
DATASETS = [gate.dataset.name for gate in GATES]


@pytest.fixture
def season(replay: Upstream, sync: Sync, reached: Reached) -> Upstream:
    """The replayed season, known, at the moment when the race's archive is complete."""
    replay.as_of = COMPLETE
    reached(COMPLETE, lambda: sync(2024, COMPLETE))
    replay.requests.clear()
    return replay


def synced(now: datetime, event: str | None = RACE) -> list[SyncedTiming]:
    from flows.sync_timing import sync_timing

    return sync_timing.fn(event=event, now=now)


def outcomes(one: SyncedTiming) -> dict[str, TimingOutcome]:
    return {dataset.dataset: dataset.outcome for dataset in one.datasets}


def rows(database: Database, table: str, session_id: str = RACE) -> list[dict[str, Any]]:
    wanted = metadata.tables[table]
    with database.reading() as connection:
        found = connection.execute(
            select(wanted).where(wanted.c.session_id == session_id).order_by(*wanted.primary_key.columns)
        )
        return [dict(row) for row in found.mappings()]


def states(database: Database, session_id: str = RACE) -> dict[str, Any]:
    with database.reading() as connection:
        found = connection.execute(select(dataset_states).where(dataset_states.c.entity_id == session_id))
        return {row.dataset: row for row in found}


def counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


def test_one_load_gives_all_six_datasets(database: Database, season: Upstream) -> None:
    (one,) = synced(COMPLETE)
    assert outcomes(one) == dict.fromkeys(DATASETS, TimingOutcome.STORED)
    asked = Counter(request.path.rpartition("/")[2] for request in season.requests)
    assert asked.pop("PitStopSeries.jsonStream") == 2, "not there, on either host"
    assert set(asked.values()) == {1}

    tyres = {
        car: [(stint["compound"], stint["age_at_start_laps"], stint["lap_end"], stint["is_new"]) for stint in own]
        for car, own in by_car(rows(database, "stints")).items()
    }
    assert tyres == {
        car: [(stint.compound, stint.age, stint.last_lap, not stint.age) for stint in own]
        for car, own in FACTS.stints.items()
    }
    stops = {car: [stop["lap"] for stop in own] for car, own in by_car(rows(database, "pit_stops")).items()}
    assert stops == {car: [stint.last_lap for stint in own[:-1]] for car, own in FACTS.stints.items() if len(own) > 1}
    through_red = {stop["lap"] for stop in rows(database, "pit_stops") if stop["lane_ms"] is None}
    assert through_red == {FACTS.stopped_after}
    assert {stop["lane_ms"] for stop in rows(database, "pit_stops")} == {None, 22_000}

    driven = by_car(rows(database, "laps"))
    assert {len(own) for car, own in driven.items() if car not in ("55", "43")} == {69}
    assert [(driven[car][-1]["lap"], driven[car][-1]["time_ms"]) for car in ("55", "43")] == [(39, None), (31, None)]
    assert {lap["compound"] for lap in driven["22"][27:32]} == {"WET"}
    red = {lap["lap"] for lap in driven["1"] if "5" in lap["track_status"]}
    assert red == {FACTS.stopped_after, FACTS.stopped_after + 1}
    assert [message["flag"] for message in rows(database, "race_control")] == ["GREEN", "RED", "GREEN", "CHEQUERED"]
    assert sum(reading["is_raining"] for reading in rows(database, "weather")) == FACTS.rain[1] - FACTS.rain[0]
    assert {entry["car_number"] for entry in rows(database, "entries")} == set(FACTS.stints), "those who have driven"


def by_car(found: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    cars: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        cars.setdefault(row["car_number"], []).append(row)
    return cars


def test_a_session_is_read_once_and_again_a_day_later_and_then_no_more(sqlite: Database, season: Upstream) -> None:
    synced(COMPLETE)
    assert {state.next_poll_at for state in states(sqlite).values()} == {OVER + DAY}
    with sqlite.reading() as connection:
        of_race = select(changes).where(changes.c.entity_id == RACE, changes.c.kind == "timing").order_by(changes.c.id)
        announced = connection.execute(of_race).all()
    assert [(change.after["dataset"], change.after["revision"]) for change in announced] == [
        (dataset, 1) for dataset in DATASETS
    ]
    before = counts(sqlite)
    assert not is_due(sqlite, OVER + DAY - timedelta(minutes=1))
    assert is_due(sqlite, OVER + DAY)
    (again,) = synced(OVER + DAY)
    assert outcomes(again) == dict.fromkeys(DATASETS, TimingOutcome.UNCHANGED)
    assert counts(sqlite) == before
    assert {(state.revision, state.poll_attempts, state.next_poll_at) for state in states(sqlite).values()} == {
        (1, 2, None)
    }
    assert not is_due(sqlite, OVER + 300 * DAY)


def is_due(database: Database, now: datetime) -> bool:
    return RACE in {due_poll.session.id for due_poll in read_due_timing(database, now)}


def test_nothing_due_makes_no_request(sqlite: Database, season: Upstream) -> None:
    early = datetime(2024, 1, 26, tzinfo=UTC)
    assert synced(early, None) == []
    assert season.requests == []


def test_an_archive_without_the_end_of_its_session_is_read_again_within_the_hour(
    sqlite: Database, season: Upstream
) -> None:
    season.as_of = OVER - timedelta(minutes=1)
    (one,) = synced(OVER)
    assert outcomes(one) == dict.fromkeys(DATASETS, TimingOutcome.INCOMPLETE)
    assert {state.next_poll_at for state in states(sqlite).values()} == {OVER + timedelta(hours=1)}
    season.as_of = COMPLETE
    (one,) = synced(OVER + timedelta(hours=1))
    assert outcomes(one) == dict.fromkeys(DATASETS, TimingOutcome.STORED)


def test_a_missing_feed_is_rarely_requested_again(sqlite: Database, season: Upstream) -> None:
    qualifying = "2024-bahrain-grand-prix/qualifying"
    ended = datetime(2024, 3, 1, 17, tzinfo=UTC)
    season.as_of = ended + timedelta(hours=1)
    (one,) = synced(season.as_of, qualifying)
    assert outcomes(one)["weather"] is TimingOutcome.MISSING
    assert states(sqlite, qualifying)["weather"].next_poll_at == season.as_of + DAY
    season.as_of = ended + 30 * DAY
    (one,) = synced(season.as_of, qualifying)
    assert states(sqlite, qualifying)["weather"].next_poll_at == season.as_of + 90 * DAY
    assert rows(sqlite, "weather", qualifying) == []


def test_a_fault_is_noted_and_the_session_is_read_again_soon(
    database: Database, season: Upstream, no_waiting: None
) -> None:
    season.faults = [Fault("/TimingData.jsonStream", times=99, status=503)]
    with pytest.raises(NotDone, match="server error 503"):
        synced(COMPLETE)
    failed = states(database)["laps"]
    assert (failed.poll_faults, failed.next_poll_at) == (1, COMPLETE + timedelta(minutes=5))
    assert failed.last_error == "livetiming: server error 503"
    assert rows(database, "laps") == []
    season.faults = []
    (one,) = synced(COMPLETE + timedelta(minutes=5))
    assert outcomes(one) == dict.fromkeys(DATASETS, TimingOutcome.STORED)
    assert (states(database)["laps"].poll_faults, states(database)["laps"].last_error) == (0, None)


def test_a_rate_limit_of_live_timing_puts_the_session_off(sqlite: Database, season: Upstream) -> None:
    season.faults = [Fault("/livetiming", times=99, status=429, headers={"Retry-After": "600"})]
    with pytest.raises(NotDone, match="rate limit"):
        synced(COMPLETE)
    season.requests.clear()
    with pytest.raises(NotDone, match="rate limit"):
        synced(COMPLETE + timedelta(minutes=1))
    assert season.requests == [], "nor is it asked while it refuses"
    assert states(sqlite) == {}, "the session stays due"


def lap(number: int, *, time_ms: int | None = 90_000, car: str = "1") -> TimedLap:
    return TimedLap(car_number=car, lap=number, time_ms=None if number == 1 else time_ms, source=Source.LIVETIMING)


def archive(of: list[TimedLap] | None, fault: str | None = None) -> Archive:
    others = {name: Answer(None) for name in DATASETS if name != "laps"}
    return Archive(True, {"laps": Answer(of, fault), **others})


def test_a_revision_replaces_the_dataset_whole_and_a_refused_one_is_held_until_it_heals(
    database: Database, season: Upstream
) -> None:
    def accept(of: list[TimedLap] | None, fault: str | None = None) -> TimingOutcome:
        return outcomes(accept_archive(database, RACE, archive(of, fault), COMPLETE, by_name=True))["laps"]

    assert accept([lap(1), lap(2), lap(1, car="4")]) is TimingOutcome.STORED
    assert accept([lap(1, car="4"), lap(1), lap(2)]) is TimingOutcome.UNCHANGED
    assert accept([lap(1), lap(2, time_ms=91_000), lap(1, car="4")]) is TimingOutcome.STORED
    assert (states(database)["laps"].revision, times(database)) == (2, [None, 91_000, None])
    assert accept([lap(2)]) is TimingOutcome.REFUSED
    assert accept([lap(1), lap(1, car="4")]) is TimingOutcome.REFUSED, "fewer than are known"
    assert accept(None, "laps that cannot be read") is TimingOutcome.REFUSED
    assert times(database) == [None, 91_000, None], "the last good rows stand"
    with database.reading() as connection:
        (refused,) = connection.execute(select(held).where(held.c.entity_id == RACE)).all()
    assert (refused.kind, refused.reason) == ("laps_rejected", "laps that cannot be read")
    assert states(database)["laps"].last_error == "refused: laps that cannot be read"
    assert accept([lap(1), lap(2, time_ms=91_000), lap(1, car="4")]) is TimingOutcome.UNCHANGED
    with database.reading() as connection:
        assert connection.execute(select(held).where(held.c.entity_id == RACE)).all() == []
    assert states(database)["laps"].last_error is None


def test_live_timing_overwrites_no_better_lap(database: Database, season: Upstream) -> None:
    better = Lap(car_number="1", lap=1, time_ms=101_000, position=1, source=Source.JOLPICA)
    accept_archive(database, RACE, archive([lap(1)]), COMPLETE, by_name=True)
    with database.writing() as connection:
        connection.execute(laps.delete().where(laps.c.session_id == RACE))
        connection.execute(insert(laps), {"session_id": RACE, **columns(laps, better)})
    accept_archive(database, RACE, archive([lap(1), lap(2)]), COMPLETE, by_name=True)
    assert times(database) == [101_000, 90_000]
    accept_archive(database, RACE, archive([lap(1), lap(2)]), COMPLETE, by_name=True)
    assert times(database) == [101_000, 90_000], "nor by the next answer"


def test_an_archive_that_is_read_after_jolpicas_laps_replaces_them_and_keeps_what_it_lacks(
    database: Database, season: Upstream
) -> None:
    later = season.as_of = OVER + 8 * DAY
    poll_by_name(event=RACE, now=later)
    synced(later)
    driven = rows(database, "laps")
    with database.writing() as connection:
        connection.execute(laps.delete().where(laps.c.session_id == RACE))
        connection.execute(dataset_states.delete().where(dataset_states.c.dataset == "laps"))
    listed = [
        ListedLap(driver_id=lap["driver_id"], lap=lap["lap"], position=lap["position"], time_ms=time_ms)
        for own in by_car(driven).values()
        for lap, following in zip(own, [*own[1:], None], strict=True)
        if (time_ms := clocked(lap, following)) is not None
    ]
    race = RaceDue(RACE, 2024, 21, (Listing.LAPS,), len(listed))
    (one,) = accept_listed(database, race, {Listing.LAPS: listed}, later).datasets
    assert (one.outcome, one.rows) == (TimingOutcome.STORED, len(listed))
    assert (states(database)["laps"].source, states(database)["laps"].revision) == ("jolpica", 1)
    assert {(lap["source"], lap["compound"]) for lap in rows(database, "laps")} == {("jolpica", None)}
    assert is_due(database, later), "live timing has more of them"
    synced(later)
    found = rows(database, "laps")
    of_jolpica = {(row.driver_id, row.lap): row.time_ms for row in listed}
    lacking = [lap for lap in driven if lap["time_ms"] is None and (lap["driver_id"], lap["lap"]) in of_jolpica]
    assert {lap["lap"] for lap in lacking} == {1, FACTS.stopped_after + 1}, "the first, and that after the red flag"
    for lap in lacking:
        lap["time_ms"] = of_jolpica[lap["driver_id"], lap["lap"]]
    assert found == driven
    assert {lap["source"] for lap in found} == {"livetiming"}
    assert states(database)["laps"].revision == 2
    assert accept_listed(database, race, {Listing.LAPS: listed}, later).datasets == ()


def clocked(lap: dict[str, Any], following: dict[str, Any] | None) -> int | None:
    """A lap's time: from its start to that of the next, or as it was timed; None where the car retired on it."""
    if following is None:
        return lap["time_ms"]
    return round((following["started_at"] - lap["started_at"]) / timedelta(milliseconds=1))


def times(database: Database) -> list[int | None]:
    return [row["time_ms"] for row in rows(database, "laps")]


def test_the_stints_of_a_race_are_drawn_with_one_row_per_car(sqlite: Database, season: Upstream) -> None:
    from flows.output.stints import stint_chart

    synced(COMPLETE)
    drawn = [line.plain for line in stint_chart(sqlite, RACE)]
    assert len(drawn) == len(FACTS.stints) + 3
    assert drawn[0].startswith("laps         10        20")
    tsunoda = next(line for line in drawn if line.startswith("TSU"))
    assert tsunoda == "TSU  I" + "━" * 26 + "W" + "━" * 4 + "I" + "━" * 36
    assert drawn[1].startswith("VER"), "by the position on the last lap"
    assert [line[:3] for line in drawn[-4:-2]] == ["SAI", "COL"], "and who retired after those who did not"
    assert drawn[-1] == "red  " + " " * 31 + "▲▲"
    assert max(map(len, drawn)) <= 80
