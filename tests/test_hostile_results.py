"""Hostile and broken results and standings affect only their own session, until a clean answer comes."""

from __future__ import annotations

import copy
import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import held_of, in_turn, on_sqlite, poll_by_name, session_of
from hostile_tables import IMPOSSIBLE, STANDINGS, changed_standings, cut, in_row, move_rows, overlay
from polls import BAHRAIN, PUBLISHED, answers, asked, begun, poll, run
from reached import Reached
from sqlalchemy import select

from core.database import Database
from core.kinds import HeldKind, ResultsState, SessionKind
from core.replay import Upstream
from core.rules.results.outcome import Outcome
from core.schema import dataset_states, driver_standings, drivers, result_revisions, results, sessions
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]

ROOT = Path(__file__).parents[1]
RACE, QUALIFYING = SessionKind.RACE, SessionKind.QUALIFYING
BAHRAIN_RACE, BAHRAIN_QUALIFYING = f"{BAHRAIN}/race", f"{BAHRAIN}/qualifying"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.fixture
def bahrain(replay: Upstream, database: Database, sync: Sync, reached: Reached) -> Upstream:
    """Bahrain's weekend is over, its results are published, nothing was polled yet."""
    reached(PUBLISHED, partial(begun, replay, sync, PUBLISHED))
    replay.as_of = PUBLISHED
    return replay


# Documents of another shape.

SHAPES: dict[str, bytes] = {
    "MRData null": b'{"MRData": null}',
    "total abc": b'{"MRData": {"total": "abc", "RaceTable": {"season": "2024", "Races": []}}}',
    "RaceTable null": b'{"MRData": {"total": "20", "RaceTable": null}}',
    "Races null": b'{"MRData": {"total": "20", "RaceTable": {"season": "2024", "Races": null}}}',
    "Races of text": b'{"MRData": {"total": "1", "RaceTable": {"season": "2024", "Races": ["x"]}}}',
    "a race of null": b'{"MRData": {"total": "1", "RaceTable": {"season": "2024", "Races": [null]}}}',
    "rows null": b'{"MRData": {"total": "0", "RaceTable": {"Races": [{"round": "1", "Results": null}]}}}',
    "total -1": b'{"MRData": {"total": "-1", "RaceTable": {"season": "2024", "Races": []}}}',
    "total NaN": b'{"MRData": {"total": NaN, "RaceTable": {"season": "2024", "Races": []}}}',
    "nested 50,000 deep": b'{"MRData":' * 50_000 + b"1" + b"}" * 50_000,
    "lists nested 50,000 deep": b"[" * 50_000 + b"]" * 50_000,
    "a number": b"17",
    "null": b"null",
    "text": b'"MRData"',
}


@pytest.mark.parametrize(
    ("database", "shape"),
    [*(("sqlite", shape) for shape in SHAPES), ("postgresql", "MRData null"), ("postgresql", "nested 50,000 deep")],
    indirect=["database"],
)
def test_a_document_of_another_shape_is_a_fault_without_traceback(
    shape: str, bahrain: Upstream, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(bahrain, "(?i)results|standings", body=SHAPES[shape])
    assert run(PUBLISHED) == 0
    session = session_of(database)
    assert (session.revision, session.poll_faults) == (0, 1)
    assert session_of(database, BAHRAIN_QUALIFYING).results_state is ResultsState.OFFICIAL
    answers(bahrain, "(?i)standings", body=SHAPES[shape])
    assert run(PUBLISHED + 5 * MINUTE) == 0
    assert session_of(database).results_state is ResultsState.OFFICIAL
    (aside,) = held_of(database)
    assert aside.kind is HeldKind.STANDINGS_REJECTED
    bahrain.faults = []
    assert run(PUBLISHED + 2 * HOUR) == 0
    assert held_of(database) == []
    assert {"jolpica"} == standings_sources(database)
    assert "Traceback" not in capsys.readouterr().err


def standings_sources(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(connection.scalars(select(driver_standings.c.source)))


@pytest.mark.parametrize("match", ["results", "standings"])
@on_sqlite
def test_a_table_of_ten_million_rows_is_one_request(match: str, bahrain: Upstream, database: Database) -> None:
    body = (
        b'{"MRData": {"limit": "100", "offset": "0", "total": "10000000", "RaceTable": {"season": "2024", "Races": []},'
        b'"StandingsTable": {"season": "2024", "round": "1", "StandingsLists": []}}}'
    )
    answers(bahrain, f"(?i){match}", body=body)
    poll()
    assert len([path for path in asked(bahrain) if match in path.lower()]) == 1
    if match == "results":
        assert "a table of 10000000 rows" in str(session_of(database).last_error)


# Rate limits, and the intervals of polls after faults.


@pytest.mark.parametrize("retry_after", ["100000000000000000000", "²", "-5", "1e9", "Infinity", "9" * 5000])
@on_sqlite
def test_a_retry_after_is_what_http_defines_and_a_day_at_most(
    retry_after: str, bahrain: Upstream, database: Database
) -> None:
    headers = {"Retry-After": retry_after.encode().decode("latin-1")}
    answers(bahrain, status=429, headers=headers)
    assert run(PUBLISHED) == 0
    assert len(asked(bahrain)) == 1
    wait = DAY if retry_after.isdecimal() and retry_after.isascii() else 15 * MINUTE
    session = session_of(database)
    assert session.next_poll_at is not None
    assert abs(session.next_poll_at - PUBLISHED - wait) < MINUTE
    assert run(PUBLISHED + wait - 2 * MINUTE, "--event", BAHRAIN) == 1, "a poll by name that is put off"
    assert asked(bahrain) == []


@on_sqlite
def test_live_timings_rate_limit_is_obeyed(bahrain: Upstream, database: Database) -> None:
    answers(bahrain, "/livetiming", status=429, headers={"Retry-After": "1800"})
    assert run(PUBLISHED) == 0
    assert len(asked(bahrain, "/livetiming")) == 1, "three practices are due"
    practice = session_of(database, f"{BAHRAIN}/practice_1")
    assert practice.next_poll_at is not None
    assert abs(practice.next_poll_at - PUBLISHED - 30 * MINUTE) < MINUTE
    assert run(PUBLISHED + 20 * MINUTE, "--event", BAHRAIN) == 1, "a poll by name that is put off"
    assert asked(bahrain, "/livetiming") == [], "another run, before the time of Retry-After"
    bahrain.faults = []
    assert run(PUBLISHED + 31 * MINUTE) == 0
    assert asked(bahrain, "/livetiming") != []


@on_sqlite
def test_faults_in_a_row_are_retried_at_growing_intervals(bahrain: Upstream, database: Database) -> None:
    answers(bahrain, status=500)
    now, waits = PUBLISHED, []
    for _ in range(6):
        poll(now)
        following = session_of(database).next_poll_at
        assert following is not None
        waits.append((following - now) // MINUTE)
        now = following
    assert waits == [5, 10, 20, 40, 60, 60]
    bahrain.faults = []
    poll(now)
    answers(bahrain, status=500)
    poll(now + HOUR)
    assert session_of(database).next_poll_at == now + HOUR + 5 * MINUTE, "an answer resets the count"


def test_a_short_table_at_first_sight_is_held_for_a_day(bahrain: Upstream, database: Database) -> None:
    assert poll(kind=QUALIFYING).outcome is Outcome.OFFICIAL
    overlay(bahrain, "results", cut(15))
    for now in (PUBLISHED, PUBLISHED + HOUR, PUBLISHED + DAY - MINUTE):
        assert poll(now).outcome is Outcome.HELD
        (aside,) = held_of(database)
        assert (aside.kind, aside.first_seen_at) == (HeldKind.RESULTS_SHORT, PUBLISHED)
        assert "15 entries, but comparable sessions have 20" in aside.reason
    assert poll(PUBLISHED + DAY).outcome is Outcome.OFFICIAL


@pytest.mark.parametrize(("what", "database"), in_turn(IMPOSSIBLE), indirect=["database"])
def test_implausible_content_is_rejected(what: str, bahrain: Upstream, database: Database) -> None:
    change, reason = IMPOSSIBLE[what]
    overlay(bahrain, "results", change)
    if what == "no rows":
        document = copy.deepcopy(bahrain.documents(2024, "results")[0])
        body = {"MRData": {"total": "0", "RaceTable": {"season": "2024", "Races": [document]}}}
        answers(bahrain, "results", body=json.dumps(body).encode())
    assert run(PUBLISHED) == 0
    session = session_of(database)
    assert session.revision == 0
    assert reason in str(session.last_error)
    (aside,) = held_of(database)
    assert (aside.kind, aside.entity_id) == (HeldKind.RESULTS_REJECTED, BAHRAIN_RACE)
    assert poll(PUBLISHED + DAY, force=True).outcome is Outcome.REJECTED, "--force does not apply it"
    bahrain.overlay.clear()
    bahrain.faults = []
    assert poll(PUBLISHED + 2 * DAY).outcome is Outcome.OFFICIAL
    assert held_of(database) == []


def test_another_races_rows_under_this_races_header_are_rejected(
    replay: Upstream, database: Database, sync: Sync
) -> None:
    now = datetime(2024, 3, 10, 12, tzinfo=UTC)
    begun(replay, sync, now)
    assert poll(now).outcome is Outcome.OFFICIAL
    first, second = replay.documents(2024, "results")[:2]
    overlay(replay, "results", lambda document: move_rows(document, first), second["round"])
    (found,) = poll_by_name(event="2024-saudi-arabian-grand-prix", session=RACE, now=now)
    assert found.outcome is Outcome.REJECTED
    assert f"the classification of {BAHRAIN_RACE}" in "".join(found.warnings)


def test_control_characters_that_an_earlier_version_stored_stop_no_poll(bahrain: Upstream, database: Database) -> None:
    assert poll().outcome is Outcome.OFFICIAL
    with database.writing() as connection:
        connection.execute(sessions.update().where(sessions.c.id == BAHRAIN_RACE).values(name="Race\x1b[31m"))
        connection.execute(results.update().where(results.c.car_number == "1").values(status="Finished\x1b[31m"))
    assert poll().outcome is Outcome.HELD, "upstream's table is revision 1, which the altered rows differ from"
    assert poll(PUBLISHED + DAY).outcome is Outcome.RESTORED


def test_odd_but_possible_results_are_warnings(bahrain: Upstream, database: Database) -> None:
    overlay(bahrain, "results", in_row(5, "points", value="8.5"))
    found = poll()
    assert found.outcome is Outcome.OFFICIAL
    assert "8.5 points for 6: in no table" in "".join(found.warnings)


def test_a_session_that_has_not_begun_has_no_results(
    replay: Upstream, database: Database, sync: Sync, capsys: pytest.CaptureFixture[str]
) -> None:
    before = PUBLISHED - 3 * DAY
    begun(replay, sync, before)
    replay.as_of = PUBLISHED
    assert run(before, "--event", BAHRAIN) == 0
    said = capsys.readouterr()
    assert "2 rejected" in said.out
    assert "race: rejected; results of a session that has not begun" in said.err
    for kind in ("race", "qualifying"):
        session = session_of(database, f"{BAHRAIN}/{kind}")
        assert (session.revision, session.status.value) == (0, "scheduled")
        assert session.last_error == "refused: results of a session that has not begun"
    assert {aside.kind for aside in held_of(database)} == {HeldKind.RESULTS_REJECTED}
    with database.reading() as connection:
        assert connection.execute(select(results)).all() == []
    assert poll().outcome is Outcome.OFFICIAL
    assert [aside.entity_id for aside in held_of(database)] == [BAHRAIN_QUALIFYING]


# Published standings.


def standings_of(database: Database) -> dict[str, tuple[Any, ...]]:
    query = select(driver_standings).where(driver_standings.c.event_id == BAHRAIN)
    with database.reading() as connection:
        rows = connection.execute(query).mappings().all()
    return {row["driver_id"]: (row["position"], row["points"], row["source"]) for row in rows}


@pytest.mark.parametrize(("what", "database"), in_turn(STANDINGS), indirect=["database"])
def test_implausible_standings_are_held_and_fetched_again(
    what: str, bahrain: Upstream, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    change, reason = STANDINGS[what]
    overlay(bahrain, "driverstandings", changed_standings(change))
    assert run(PUBLISHED) == 0
    assert session_of(database).results_state is ResultsState.OFFICIAL
    ours = standings_of(database)
    assert {source for _, _, source in ours.values()} == {"results"}, "our own standings are kept, complete"
    assert sorted(place for place, _, _ in ours.values()) == list(range(1, 21))
    (aside,) = held_of(database)
    assert (aside.kind, aside.entity_id) == (HeldKind.STANDINGS_REJECTED, BAHRAIN)
    assert reason in aside.reason
    assert reason in capsys.readouterr().err
    assert due_at(database) == PUBLISHED + HOUR
    with database.reading() as connection:
        assert connection.execute(select(drivers).where(drivers.c.id == "nobody")).all() == []
    bahrain.overlay.clear()
    assert run(PUBLISHED + HOUR) == 0
    healed = standings_of(database)
    assert {source for _, _, source in healed.values()} == {"jolpica"}
    assert {who: row[:2] for who, row in healed.items()} == {who: row[:2] for who, row in ours.items()}
    assert held_of(database) == []
    assert due_at(database) is None


def due_at(database: Database) -> datetime | None:
    with database.reading() as connection:
        return connection.scalar(select(dataset_states.c.next_poll_at).where(dataset_states.c.entity_id == BAHRAIN))


@pytest.mark.parametrize("which", ["round", "season"])
@on_sqlite
def test_standings_of_another_round_are_rejected(which: str, bahrain: Upstream, database: Database) -> None:
    whole = json.loads(bahrain.answer("/ergast/f1/2024/1/driverstandings.json?limit=100&offset=0").body)
    whole["MRData"]["StandingsTable"]["StandingsLists"][0][which] = "7"
    answers(bahrain, "(?i)driverstandings", body=json.dumps(whole).encode())
    assert run(PUBLISHED) == 0
    assert {source for _, _, source in standings_of(database).values()} == {"results"}
    assert "standings after another round" in held_of(database)[0].reason


# A wrong name in an answer that was accepted.


def test_a_drivers_name_is_corrected_by_the_next_answer(bahrain: Upstream, database: Database) -> None:
    overlay(bahrain, "results", in_row(0, "Driver", "familyName", value="Verstapen"))
    bahrain.overlay[2024, "driverstandings"] = []
    assert poll().outcome is Outcome.OFFICIAL
    assert driver(database)["family_name"] == "Verstapen"
    bahrain.overlay.pop((2024, "results"))
    assert poll(PUBLISHED + HOUR).outcome is Outcome.UNCHANGED
    good = driver(database)
    assert good["family_name"] == "Verstappen"
    overlay(bahrain, "results", in_row(0, "Driver", "code", value=None))
    poll(PUBLISHED + 2 * HOUR)
    assert driver(database) == good, "null replaces no value"


def driver(database: Database) -> dict[str, Any]:
    with database.reading() as connection:
        row = connection.execute(select(drivers).where(drivers.c.id == "max_verstappen")).mappings().one()
    return dict(row)


# An answer that breaks off.


class Breaking(socketserver.BaseRequestHandler):
    """A server that closes the connection in the middle of the headers."""

    def handle(self) -> None:
        self.request.recv(4096)
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Len")


@contextmanager
def breaking() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Breaking) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@on_sqlite
def test_an_answer_that_breaks_off_in_its_headers_is_one_line(bahrain: Upstream, database: Database) -> None:
    with breaking() as url:
        ended = subprocess.run(
            [sys.executable, "-m", "flows.poll_results", "--event", BAHRAIN, "--now", PUBLISHED.isoformat()],
            env=os.environ | {"F1_UPSTREAM_URL": url, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert ended.returncode in (0, 1), ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    assert "No handler" not in ended.stderr
    assert session_of(database).poll_faults == 1
    with database.reading() as connection:
        assert connection.execute(select(result_revisions)).all() == []
