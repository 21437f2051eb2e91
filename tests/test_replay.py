"""The bundled sample upstream, read by the real FastF1 over loopback."""

import ast
import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import fastf1
import pandas as pd
import pytest
from calendars import at
from fastf1.ergast import Ergast
from waiting import HANGS

from core.fetch.fastf1_internals import RateLimitedSession, use_mirror, use_session
from core.fetch.session import SESSION, prepare
from core.replay import EventFacts, Fault, SessionFacts, Upstream, facts, serve
from core.text import duration

ROOT = Path(__file__).parent.parent


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def url(upstream: Upstream, tmp_path: Path) -> Iterator[str]:
    """Unmodified FastF1, pointed at the sample: without our session, and without a cache."""
    fastf1.Cache.configure(cache_dir=str(tmp_path), use_requests_cache=False)  # or it makes one at home
    use_session(RateLimitedSession())
    with serve(upstream) as served:
        use_mirror(served)
        yield served
    use_session(SESSION)
    prepare.cache_clear()


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=HANGS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def event(round_number: int, backend: str = "fastf1") -> Any:
    schedule = fastf1.get_event_schedule(2024, backend=backend)
    return schedule[schedule["RoundNumber"] == round_number].iloc[0]


def test_fastf1_reads_the_calendar(url: str) -> None:
    schedule = fastf1.get_event_schedule(2024, backend="fastf1")
    assert len(schedule) == 25
    assert schedule["RoundNumber"].tolist() == list(range(25))
    las_vegas = event(22)
    assert las_vegas["EventDate"] == pd.Timestamp("2024-11-23")
    assert las_vegas["Session5Date"] == pd.Timestamp("2024-11-23T22:00:00-08:00")
    assert las_vegas["Session5DateUtc"] == pd.Timestamp("2024-11-24T06:00:00")

    races = Ergast(result_type="raw", auto_cast=False).get_race_schedule(2024)
    assert races.total_results == len(races) == 24
    assert races[21]["FirstPractice"] == {"date": "2024-11-22", "time": "02:30:00Z"}
    assert (races[4]["SprintQualifying"], races[4]["Sprint"]) == (
        {"date": "2024-04-19", "time": "07:30:00Z"},
        {"date": "2024-04-20", "time": "03:00:00Z"},
    )
    assert "SecondPractice" not in races[4]


def test_the_calendar_changes_in_time(url: str, upstream: Upstream) -> None:
    upstream.as_of = at("2024-01-01")
    assert get(f"{url}/schedule/schedule_2024.json")[0] == 404

    upstream.as_of = at("2024-02-01")
    assert (event(5)["Session2"], event(5)["EventFormat"]) == ("Sprint Shootout", "sprint_shootout")
    upstream.as_of = at("2024-04-01")
    assert (event(5)["Session2"], event(5)["EventFormat"]) == ("Sprint Qualifying", "sprint_qualifying")

    upstream.as_of = at("2024-10-25T12:00")
    assert event(19)["Session5DateUtc"] == pd.Timestamp("2024-10-20T20:00")
    austin = Ergast(result_type="raw", auto_cast=False).get_race_schedule(2024, round=19)
    assert austin[0]["time"] == "19:00:00Z"
    upstream.as_of = at("2024-10-26T12:00")
    assert event(19)["Session5DateUtc"] == pd.Timestamp("2024-10-20T19:00")

    upstream.as_of = at("2024-11-02T20:00")
    assert event(21)["Session4Date"].isoformat() == "2024-11-02T15:00:00-03:00"
    upstream.as_of = at("2024-11-02T21:00")
    assert event(21)["Session4Date"].isoformat() == "2024-11-03T07:30:00-03:00"
    assert event(21)["Session5Date"].isoformat() == "2024-11-03T12:30:00-03:00"


def test_the_index_lists_what_has_begun(url: str, upstream: Upstream) -> None:
    upstream.as_of = at("2024-03-01T13:00")
    index = json.loads(get(f"{url}/livetiming/static/2024/Index.json")[1].decode("utf-8-sig"))
    names = [[session["Name"] for session in meeting["Sessions"]] for meeting in index["Meetings"]]
    assert names == [["Practice 1", "Practice 2", "Practice 3"]] * 2
    upstream.as_of = None
    assert event(14, backend="f1timing")["Session5DateUtc"] == pd.Timestamp("2024-07-28T13:00")


def test_pages_count_rows_and_split_races(url: str) -> None:
    first = Ergast().get_race_results(2024)
    assert [len(rows) for rows in first.content] == [20, 10]
    page, rows, names = Ergast(limit=1000).get_race_results(2024), 0, set()
    while True:
        rows += sum(map(len, page.content))
        names |= set(page.description["raceName"])
        if int(page._response_headers["offset"]) + 100 >= page.total_results:
            break
        page = page.get_next_result_page()
    assert (rows, page.total_results, len(names)) == (479, 479, 24)


def test_the_winner_of_belgium_is_disqualified(url: str, upstream: Upstream) -> None:
    def classified() -> list[list[Any]]:
        results = Ergast().get_race_results(2024, round=14)
        rows = results.content[0] if results.content else pd.DataFrame()
        return [rows.iloc[n][["driverId", "positionText", "position", "points"]].tolist() for n in (0, -1)]

    def russells_points() -> float:
        standings = Ergast().get_driver_standings(2024).content[0].set_index("driverId")
        return float(standings.loc["russell", "points"])

    upstream.as_of = at("2024-07-28T15:59")
    assert Ergast().get_race_results(2024, round=14).total_results == 0
    assert Ergast().get_driver_standings(2024).description["round"].tolist() == [13]
    upstream.as_of = at("2024-07-28T16:00")
    assert classified() == [["russell", "1", 1, 25.0], ["zhou", "R", 20, 0.0]]
    assert russells_points() == 141
    upstream.as_of = at("2024-07-28T18:00")
    assert classified() == [["hamilton", "1", 1, 25.0], ["russell", "D", 20, 0.0]]
    assert russells_points() == 116
    upstream.publish_after_of[14, "results"] = timedelta(days=1)
    assert Ergast().get_race_results(2024, round=14).total_results == 0


def test_results_in_jolpicas_words(url: str) -> None:
    belgium = Ergast().get_race_results(2024, round=14).content[0].set_index("driverId")
    assert belgium.loc["hamilton", "totalRaceTime"] == pd.Timedelta("1:19:57.566")
    assert belgium.loc["hulkenberg", "totalRaceTime"] == pd.Timedelta("0:01:28.307")
    assert belgium.loc["hulkenberg", "totalRaceTimeMillis"] == 4885873
    assert (belgium.loc["max_verstappen", "number"], belgium.loc["max_verstappen", "driverNumber"]) == (1, 33)
    qualifying = Ergast().get_qualifying_results(2024, round=8).content[0]
    assert qualifying["driverId"].tolist()[-2:] == ["hulkenberg", "kevin_magnussen"]
    assert qualifying["position"].tolist() == list(range(1, 21))
    assert Ergast().get_sprint_results(2024, round=5).content[0]["points"].sum() == 36
    assert Ergast().get_sprint_results(2024, round=14).total_results == 0

    drivers = Ergast().get_driver_standings(2024).content[0]
    top = drivers[["driverId", "points", "wins"]].head(3).to_numpy().tolist()
    assert top == [["max_verstappen", 437, 9], ["norris", 374, 4], ["leclerc", 356, 3]]
    assert drivers.set_index("driverId").loc["bearman", "constructorIds"] == ["ferrari", "haas"]
    # On equal points the better places count: Albon before Ricciardo, Zhou before Lawson.
    assert drivers["driverId"].tolist()[15:21] == [
        "albon",
        "ricciardo",
        "bearman",
        "colapinto",
        "zhou",
        "lawson",
    ]
    teams = Ergast().get_constructor_standings(2024).content[0]
    assert teams[["constructorId", "points"]].head(2).to_numpy().tolist() == [
        ["mclaren", 666],
        ["ferrari", 652],
    ]


def test_the_sample_is_sound() -> None:
    names = {event.name for event in facts.calendar().events}
    points = {"Race": {"101", "102"}, "Sprint": {"36"}, "Qualifying": {"0"}, "Sprint Qualifying": {"0"}}
    assert {event.circuit_id for event in facts.calendar().events} == set(facts.circuits())
    for (name, session), versions in facts.classifications().items():
        assert name in names
        for version in versions:
            assert len({entry.car for entry in version.entries}) == len(version.entries) >= 19
            assert {entry.driver for entry in version.entries} <= set(facts.drivers())
            assert {entry.team for entry in version.entries} == set(facts.teams())
            assert str(sum(int(entry.points) for entry in version.entries)) in points[session], name


@pytest.mark.parametrize(
    ("round_number", "name"), [(5, "Sprint Qualifying"), (5, "Sprint"), (14, "Race"), (21, "Qualifying")]
)
def test_fastf1_classifies_from_live_timing(url: str, upstream: Upstream, round_number: int, name: str) -> None:
    upstream.as_of = at("2025-01-01")
    upstream.publish_after = timedelta(days=1000)
    session = fastf1.get_session(2024, round_number, name, backend="fastf1")
    # FastF1 ranks a qualifying only with race control messages, which name the deleted laps.
    session.load(laps=True, telemetry=False, weather=False, messages="Qualifying" in name)
    expected = facts.classifications()[session.event["EventName"], name][0].entries
    results = session.results
    assert results["DriverNumber"].tolist() == [entry.car for entry in expected]
    assert results["Position"].tolist() == list(range(1, len(expected) + 1))
    if "Qualifying" in name:
        for n in range(3):
            shown = [
                None if pd.isna(time) else duration(round(time / pd.Timedelta("1ms"))) for time in results[f"Q{n + 1}"]
            ]
            assert shown == [entry.best[n] for entry in expected]
    else:
        laps = session.laps.groupby("DriverNumber")["LapNumber"].max()
        assert {car: int(ran) for car, ran in laps.items()} == {entry.car: entry.laps for entry in expected}


def test_live_timing_comes_after_the_session(url: str, upstream: Upstream) -> None:
    path = f"{url}/livetiming/static/2024/2024-07-28_Belgian_Grand_Prix/2024-07-28_Race/SessionInfo.jsonStream"
    upstream.as_of = at("2024-07-28T15:29")
    assert get(path)[0] == 404
    upstream.as_of = at("2024-07-28T15:30")
    assert get(path)[0] == get(path.replace("livetiming/", "livetiming-mirror/"))[0] == 200
    assert get(path.replace("SessionInfo", "WeatherData"))[0] == 404


def test_a_test_serves_its_own_season(url: str, upstream: Upstream) -> None:
    sessions = tuple(
        SessionFacts(name, datetime(2026, 4, 10 + day, 14))
        for name, day in [
            ("Practice 1", 0),
            ("Practice 2", 0),
            ("Practice 3", 1),
            ("Qualifying", 1),
            ("Race", 2),
        ]
    )
    moon = EventFacts(
        round=4,
        name="Moon Grand Prix",
        official_name="FORMULA 1 MOON GRAND PRIX 2026",
        country="Moon",
        location="Tycho",
        circuit_id="tycho",
        gmt_offset="+03:00",
        format="conventional",
        sessions=sessions,
    )
    old = EventFacts(
        round=1,
        name="Old Grand Prix",
        official_name="",
        country="Italy",
        location="Monza",
        circuit_id="monza",
        gmt_offset=None,
        format="conventional",
        sessions=(SessionFacts("Race", None),),
        day=date(1954, 9, 5),
    )
    upstream.calendars |= {2026: [moon], 2027: [], 1954: [old]}
    schedule = fastf1.get_event_schedule(2026, backend="fastf1")
    assert schedule[["RoundNumber", "EventName"]].to_numpy().tolist() == [[4, "Moon Grand Prix"]]
    assert schedule["Session5DateUtc"].iloc[0] == pd.Timestamp("2026-04-12T11:00")
    assert len(fastf1.get_event_schedule(2027, backend="fastf1")) == 0

    raw = Ergast(result_type="raw", auto_cast=False)
    assert raw.get_race_schedule(2026)[0]["Circuit"]["circuitId"] == "tycho"
    (race,) = raw.get_race_schedule(1954)
    assert (race["date"], "time" in race, race["Circuit"]["Location"]["locality"]) == (
        "1954-09-05",
        False,
        "Monza",
    )
    assert raw.get_race_schedule(1999).total_results == 0

    upstream.overlay[2024, "results"] = raw.get_race_results(2024, round=1)
    assert raw.get_race_results(2024).total_results == 20
    # The standings follow, with Bahrain as the only race so far.
    assert raw.get_driver_standings(2024)[0]["round"] == "1"


def test_faults(url: str, upstream: Upstream) -> None:
    path = "/ergast/f1/2024/races.json?limit=1"
    whole = get(url + path)[1]
    upstream.faults += [
        Fault(r"/ergast/", times=2, status=429, headers={"Retry-After": "7"}),
        Fault(r"races\.json", body=b"not json"),
        Fault(r"limit=1$", truncate=20, delay_seconds=0.01),
        Fault(r"/schedule/", status=500),
    ]
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url + path, timeout=HANGS)
    with caught.value as error:
        assert (error.code, error.headers["Retry-After"]) == (429, "7")
    assert [get(url + path) for _ in range(4)] == [
        (429, b""),
        (200, b"not json"),
        (200, whole[:20]),
        (200, whole),
    ]
    asked = [(request.path, request.status) for request in upstream.requests]
    assert asked == [(path, status) for status in (200, 429, 429, 200, 200, 200)]
    assert get(f"{url}/nowhere")[0] == 404


def test_nothing_is_left_when_the_server_closes(upstream: Upstream) -> None:
    before = threading.active_count()
    upstream.faults.append(Fault("slow", delay_seconds=60))
    with serve(upstream) as url:
        client = threading.Thread(target=get, args=(f"{url}/slow",))
        client.start()
        while not upstream.requests:
            client.join(0.01)
    client.join(HANGS)
    assert threading.active_count() == before
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=HANGS)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_a_signal_ends_it(ending: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "core.replay",
        "--port",
        "0",
        "--as-of",
        "2024-07-28T12:00:00Z",
        "--speed",
        "60",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert get(f"{url}/schedule/schedule_2024.json")[0] == 200
            process.send_signal(ending)
            assert process.communicate(timeout=HANGS) == ("", "")
            assert process.returncode == 0
        finally:
            process.kill()


def test_time_runs_with_speed() -> None:
    upstream = Upstream(at("2024-07-28T12:00"), speed=1e6)
    first, second = upstream.as_of, upstream.as_of
    assert first is not None
    assert second is not None
    assert at("2024-07-28T12:00") < first < second
    with pytest.raises(ValueError, match="time zone"):
        upstream.as_of = datetime(2024, 7, 28)


def test_the_replays_command_runs_with_the_standard_library_only() -> None:
    """It also imports two modules of `core` for its command line, which need no more either."""
    own = ("core.replay", "core.arguments", "core.text")
    for file in (*(ROOT / "core/replay").glob("*.py"), ROOT / "core/arguments.py", ROOT / "core/text.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith(own), file
