"""Laps and pit stops from Jolpica: as they are published, page by page, and never in place of better ones."""

from __future__ import annotations

import json
import logging
import multiprocessing
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backfills import left_of
from race_listings import BRITAIN, Documents, recorded, serve
from recording import Recording, needs_recording
from sqlalchemy import select
from waiting import HANGS, wait_for

from core.database import Database
from core.documents import Listing, Page, PageQuery
from core.errors import NotDone
from core.rules.timing.listed import BackfilledRace, RaceDue
from core.schema import changes, sessions
from core.timing_queries import read_due_timing, read_races_due
from core.timing_schema import laps, pit_stops
from core.transform.cells import milliseconds
from core.upsert.history import finish_season
from core.upsert.pages import keep_page, read_pages
from flows.backfill import backfill_history, main

pytestmark = needs_recording

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
RACES = {
    "1": "2023-bahrain-grand-prix/race",
    "10": BRITAIN,
    "18": "2023-united-states-grand-prix/race",
    "22": "2023-abu-dhabi-grand-prix/race",
}
"""The races whose laps are recorded whole, by round."""


def backfill(now: datetime = NOW, **asked: Any) -> list[BackfilledRace]:
    """Backfill 2023 with its laps; returns what became of the races."""
    done = backfill_history.fn(**{"first": 2023, "last": 2023, "now": now, "laps": True, **asked})
    return [one for one in done if isinstance(one, BackfilledRace)]


def rows(database: Database, table: Any, session_id: str = BRITAIN) -> list[dict[str, Any]]:
    wanted = select(table).where(table.c.session_id == session_id).order_by(*table.primary_key.columns)
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(wanted).mappings()]


def lap_requests(recording: Recording) -> list[tuple[str, int]]:
    """The pages of races' tables that were requested: table and first row."""
    found = [re.search(r"/2023/\d+/(\w+)\.json.*offset=(\d+)", path) for path in recording.requests()]
    return [(match[1], int(match[2])) for match in found if match]


def test_every_race_has_the_laps_and_the_time_of_its_result_and_the_stops_that_are_listed(
    database: Database, recording: Recording
) -> None:
    serve(recording, *RACES)
    done = backfill()
    assert [(one.session_id, one.laps, one.pit_stops, one.notes) for one in done] == [
        (RACES["22"], 1157, 37, ()),
        (RACES["18"], 1014, 36, ()),
        (RACES["10"], 970, 24, ()),
        (RACES["1"], 1055, 50, ()),
    ], "newest first"
    listed = {document["round"]: document["PitStops"] for document in recorded("pitstops", *RACES)}
    for race in recorded("results", *RACES):
        by_driver = defaultdict(list)
        for lap in rows(database, laps, RACES[race["round"]]):
            by_driver[lap["driver_id"], lap["car_number"]].append(lap)
        penalties = 0
        for row in race["Results"]:
            own = by_driver.pop((row["Driver"]["driverId"], row["number"]), [])
            assert [lap["lap"] for lap in own] == list(range(1, int(row["laps"]) + 1))
            if "Time" in row:
                penalty = int(row["Time"]["millis"]) - sum(lap["time_ms"] for lap in own)
                assert penalty in (0, 5_000, 15_000), "time penalties only, to the millisecond"
                penalties += penalty > 0
        assert by_driver == {}, "no lap of any other driver"
        assert penalties == 1
        stops = rows(database, pit_stops, RACES[race["round"]])
        driver = {row["number"]: row["Driver"]["driverId"] for row in race["Results"]}
        assert sorted((driver[one["car_number"]], one["stop"], one["lap"], one["lane_ms"]) for one in stops) == sorted(
            (one["driverId"], int(one["stop"]), int(one["lap"]), milliseconds(one["duration"]))
            for one in listed[race["round"]]
        )
        in_laps = [lap for lap in rows(database, laps, RACES[race["round"]]) if lap["is_pit_in"]]
        assert {(lap["car_number"], lap["lap"]) for lap in in_laps} == {
            (one["car_number"], one["lap"]) for one in stops
        }
    last = [lap for lap in rows(database, laps) if lap["lap"] == 52]
    assert [lap["car_number"] for lap in sorted(last, key=lambda lap: lap["position"])][:3] == ["1", "4", "44"]
    assert {lap["source"] for lap in last} == {"jolpica"}


def test_the_venues_time_of_day_is_an_instant_where_the_laps_agree_with_it(
    sqlite: Database, recording: Recording
) -> None:
    serve(recording, *RACES)
    backfill()
    first = {round_: min(one["entered_at"] for one in rows(sqlite, pit_stops, id_)) for round_, id_ in RACES.items()}
    assert first == {
        "1": datetime(2023, 3, 5, 15, 18, 56, tzinfo=UTC),
        "10": datetime(2023, 7, 9, 14, 14, 17, tzinfo=UTC),
        "18": datetime(2023, 10, 22, 19, 19, 22, tzinfo=UTC),
        "22": datetime(2023, 11, 26, 13, 11, 16, tzinfo=UTC),
    }


@pytest.mark.parametrize(("hours", "of", "without"), [(1, None, 24), (-1, None, 24), (1, "max_verstappen", 1)])
def test_times_of_day_that_the_laps_contradict_are_no_instants(
    hours: int, of: str | None, without: int, sqlite: Database, recording: Recording
) -> None:
    (race,) = recorded("pitstops", "10")
    for stop in race["PitStops"]:
        hour, rest = stop["time"].split(":", 1)
        if of in (None, stop["driverId"]):
            stop["time"] = f"{int(hour) + hours}:{rest}"
    serve(recording, "10", pitstops=[race])
    [done] = backfill()
    assert (done.pit_stops, done.notes) == (24, ())
    stops = rows(sqlite, pit_stops)
    assert sum(stop["entered_at"] is None for stop in stops) == without
    assert all(stop["lane_ms"] for stop in stops)


def test_a_run_announces_how_long_it_takes_and_a_second_one_requests_nothing(
    database: Database, recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    serve(recording, "10", "11", laps=recorded("laps", "10"))
    with caplog.at_level(logging.INFO):
        done = backfill()
    said = "laps and pit stops of 2 races: about 25 pages, 1 hour at 120 an hour"
    messages = [record.message for record in caplog.records]
    assert messages.index(said) < messages.index(f"{BRITAIN}: 970 laps and 24 pit stops added")
    assert [(one.laps, one.pit_stops) for one in done] == [(0, 0), (970, 24)]
    hungary = RACES["10"].replace("british", "hungarian")
    assert done[0].notes == (
        f"{hungary}: laps not published",
        f"{hungary}: pit stops not published",
    )
    asked, before = recording.requests(), left_of(database)
    assert backfill(NOW + timedelta(hours=2)) == []
    assert recording.requests() == asked
    assert left_of(database) == before
    states = {(row["entity_id"], row["dataset"]): row for row in before["dataset_states"] if row["source"] == "jolpica"}
    assert [states[id_, "laps"]["revision"] for id_ in (BRITAIN, hungary)] == [1, 0]
    announced = [row["after"] for row in before["changes"] if row["kind"] == "timing"]
    assert sorted((one["dataset"], one["rows"]) for one in announced) == [("laps", 970), ("pit_stops", 24)]


def test_without_the_option_no_lap_is_requested(sqlite: Database, recording: Recording) -> None:
    serve(recording, "10")
    assert backfill(laps=False) == []
    assert lap_requests(recording) == []


def test_a_run_continues_after_the_last_stored_page(database: Database, recording: Recording, no_waiting: None) -> None:
    serve(recording, "10")
    recording.control(faults=[{"match": "/2023/10/laps.*offset=500", "times": 99, "status": 503}])
    with pytest.raises(NotDone, match=f"1 race failed: {BRITAIN}: jolpica: server error 503"):
        backfill()
    assert len(left_of(database)["backfill_pages"]) == 5
    assert rows(database, laps) == []
    (due,) = read_races_due(database, 2023, 2023, NOW)
    assert (due.pages, due.listings) == (6, (Listing.LAPS, Listing.PIT_STOPS))
    recording.reset()
    [done] = backfill()
    assert (done.laps, done.pit_stops) == (970, 24)
    assert lap_requests(recording) == [*(("laps", first) for first in range(500, 1000, 100)), ("pitstops", 0)]
    assert left_of(database)["backfill_pages"] == []


def test_a_run_killed_while_it_fetches_laps_requests_no_page_twice(database: Database, recording: Recording) -> None:
    serve(recording, "10")
    backfill(laps=False)
    recording.control(latency_ms=50)
    database.engine.dispose()
    process = multiprocessing.get_context("fork").Process(target=backfill)
    process.start()
    try:
        wait_for(lambda: len(left_of(database)["backfill_pages"]) >= 3, "three pages")
    finally:
        process.kill()
        process.join(HANGS)
    kept = len(left_of(database)["backfill_pages"])
    assert 3 <= kept < 11
    recording.answer_all()
    recording.reset()
    [done] = backfill()
    assert (done.laps, done.pit_stops) == (970, 24)
    whole = [*(("laps", first) for first in range(0, 1000, 100)), ("pitstops", 0)]
    assert lap_requests(recording) == whole[kept:]


def without_a_lap(race: dict[str, Any]) -> None:
    race["Laps"][20]["Timings"] = [one for one in race["Laps"][20]["Timings"] if one["driverId"] != "norris"]


def of_a_stranger(race: dict[str, Any]) -> None:
    race["Laps"][0]["Timings"][0]["driverId"] = "somebody"


def of_nobody_known(race: dict[str, Any]) -> None:
    race["Laps"] = [{"number": "1", "Timings": [{"driverId": "somebody", "time": "1:40.000"}]}]


def with_another_time(race: dict[str, Any]) -> None:
    race["Laps"][20]["Timings"][4]["time"] = "1:59.001"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without_a_lap, "car 4: lap 21 is missing"),
        (of_a_stranger, "somebody: no entry of the classification"),
        (of_nobody_known, "somebody: no entry of the classification"),
        (with_another_time, "s behind at the flag"),
    ],
)
def test_laps_that_do_not_match_the_result_are_held_and_the_stops_are_stored(
    spoil: Any, reason: str, database: Database, recording: Recording
) -> None:
    (race,) = recorded("laps", "10")
    spoil(race)
    serve(recording, "10", laps=[race])
    [done] = backfill()
    assert (done.laps, done.pit_stops, len(done.notes)) == (0, 24, 1)
    assert reason in done.notes[0]
    assert rows(database, laps) == []
    (refused,) = [row for row in left_of(database)["held"] if row["kind"] == "laps_rejected"]
    assert (refused["entity_id"], reason in refused["reason"]) == (BRITAIN, True)
    assert backfill() == [], "nor is it asked for again"


def twice(stops: Documents) -> None:
    stops.append(stops[0])


def after_the_last_lap(stops: Documents) -> None:
    stops[0]["lap"] = "54"


@pytest.mark.parametrize(
    ("spoil", "reason"), [(twice, "stop 1 is listed twice"), (after_the_last_lap, "a stop on lap 54, but 52 laps")]
)
def test_impossible_stops_are_held_and_the_laps_are_stored(
    spoil: Any, reason: str, sqlite: Database, recording: Recording
) -> None:
    (race,) = recorded("pitstops", "10")
    spoil(race["PitStops"])
    serve(recording, "10", pitstops=[race])
    [done] = backfill()
    assert (done.laps, done.pit_stops) == (970, 0)
    assert reason in done.notes[0]


def test_a_stop_through_a_red_flag_has_no_duration(sqlite: Database, recording: Recording) -> None:
    (race,) = recorded("pitstops", "10")
    race["PitStops"][0]["duration"] = "51:12.345"
    serve(recording, "10", pitstops=[race])
    backfill()
    assert [stop["stop"] for stop in rows(sqlite, pit_stops) if stop["lane_ms"] is None] == [1]


@pytest.mark.parametrize("what", ["another race's", "no number"])
def test_a_table_that_cannot_be_read_is_void(
    what: str, sqlite: Database, recording: Recording, no_waiting: None
) -> None:
    (race,) = recorded("laps", "10")
    serve(recording, "10")
    if what == "no number":
        race["Laps"][0]["number"] = "first"
        recording.control(overlay={"2023/results": recorded("results", "10"), "2023/laps": [race]})
    else:
        page = {
            "total": "1",
            "RaceTable": {"Races": [{**race, "round": "11", "Laps": [{"number": "1", "Timings": [{}]}]}]},
        }
        recording.control(faults=[{"match": "/10/laps", "times": 99, "body": json.dumps({"MRData": page})}])
    with pytest.raises(NotDone, match=f"1 race failed: {BRITAIN}: jolpica: "):
        backfill()
    assert left_of(sqlite)["backfill_pages"] == []
    serve(recording, "10")
    recording.control(faults=[])
    assert [one.laps for one in backfill()] == [970]


def test_live_timing_is_still_due_for_a_race_that_has_jolpicas_laps(sqlite: Database, recording: Recording) -> None:
    serve(recording, "10")
    backfill()
    assert BRITAIN in {due_poll.session.id for due_poll in read_due_timing(sqlite, NOW)}


def test_races_are_due_by_their_season_and_what_they_have(database: Database, recording: Recording) -> None:
    for season in (1995, 1997, 2012):
        backfill_history.fn(first=season, last=season, now=NOW)
    due = read_races_due(database, 1995, 2012, NOW)
    assert {(race.season, race.listings) for race in due} == {
        (2012, (Listing.LAPS, Listing.PIT_STOPS)),
        (1997, (Listing.LAPS,)),
    }
    assert len(due) == 20 + 17
    assert [race.round for race in due] == [*range(20, 0, -1), *range(17, 0, -1)]
    recording.reset()
    done = backfill(first=1997, last=1997)
    assert [(one.laps, one.pit_stops) for one in done] == [(0, 0)] * 17, "not recorded"
    assert backfill(first=1997, last=1997) == []
    assert len(read_races_due(database, 1997, 1997, NOW + timedelta(days=91))) == 17, "asked for again, rarely"


def test_a_race_of_this_week_is_left_to_live_timing(sqlite: Database, recording: Recording) -> None:
    serve(recording, "10")
    backfill(laps=False)
    with sqlite.reading() as connection:
        ended = connection.scalar(select(sessions.c.ends_at).where(sessions.c.id == BRITAIN))
    assert ended is not None
    assert read_races_due(sqlite, 2023, 2023, ended + timedelta(days=6)) == []
    assert [race.session_id for race in read_races_due(sqlite, 2023, 2023, ended + timedelta(days=7))] == [BRITAIN]


def test_a_finished_season_keeps_the_pages_of_its_races(database: Database) -> None:
    page = Page(total=970, documents=[])
    keep_page(database, PageQuery(2023, Listing.RESULTS, 0), page, NOW)
    keep_page(database, PageQuery(2023, Listing.LAPS, 0, 10), page, NOW)
    keep_page(database, PageQuery(2023, Listing.LAPS, 0, 11), page, NOW)
    finish_season(database, 2023, NOW)
    with database.reading() as connection:
        assert read_pages(connection, 2023) == {}
        assert read_pages(connection, 2023, 10) == {Listing.LAPS: [page]}


def test_the_command_sums_up_seasons_and_races(
    sqlite: Database, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(recording, "10")
    assert main(["2023", "2023", "--laps", "--now", NOW.isoformat()]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "1 race done: 970 laps and 24 pit stops added"
    assert "laps and pit stops of 1 race: about 11 pages, 1 hour at 120 an hour" in printed.err
    with sqlite.reading() as connection:
        assert connection.scalar(select(changes.c.id).where(changes.c.kind == "timing").limit(1)) is not None


def test_the_number_of_pages_follows_from_the_laps_less_those_already_stored() -> None:
    both = (Listing.LAPS, Listing.PIT_STOPS)
    assert RaceDue(BRITAIN, 2023, 10, both, laps=970).pages == 11
    assert RaceDue(BRITAIN, 2023, 10, both, laps=1001, kept=4).pages == 8
    assert RaceDue(BRITAIN, 2023, 10, (Listing.LAPS,), laps=900).pages == 9
    assert RaceDue(BRITAIN, 2023, 10, (Listing.PIT_STOPS,), laps=900).pages == 1
    assert RaceDue(BRITAIN, 2023, 10, (Listing.PIT_STOPS,), laps=900, kept=2).pages == 0
