"""Two pollers at once, a poller killed at any point, a lost database: the end state is always the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from killing import ROOT, deaths
from sqlalchemy import RowMapping, select, text
from sqlalchemy import event as sqlalchemy_event
from waiting import HANGS

from core.database import Database, connect
from core.kinds import SessionKind, Source
from core.records import ScheduleAnswer, SessionResult
from core.replay import Upstream, facts, jolpica
from core.rules.results.polling import Cadence
from core.schema import (
    changes,
    driver_standings,
    drivers,
    events,
    held,
    result_revisions,
    results,
    sessions,
    team_standings,
    teams,
)
from core.settings import Settings
from core.transform.results import result_of_race
from core.transform.schedule import schedule_answer
from core.upsert.results import accept_result
from core.upsert.schedule import upsert_schedule
from core.upsert.statuses import refresh_statuses
from flows.poll_results import main, poll_results

CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
BEGIN = datetime(2024, 2, 1, tzinfo=UTC)
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
"""Two races are over and their results published: four polls of Jolpica are due."""
NOW_TEXT = "2024-03-10T12:00:00Z"
SESSIONS = [
    (number, f"2024-{name}-grand-prix/{kind.value}", kind, table)
    for number, name in ((1, "bahrain"), (2, "saudi-arabian"))
    for kind, table in ((SessionKind.QUALIFYING, "qualifying"), (SessionKind.RACE, "results"))
]

Dump = dict[str, list[Any]]

BOOKKEEPING = {"updated_at", "poll_attempts", "next_poll_at", "last_error"}
"""Columns that depend on how often was polled, not on what was found."""


def calendar() -> ScheduleAnswer:
    return schedule_answer(jolpica.races(2024, facts.calendar().events), 2024, Source.JOLPICA)


def answers() -> list[tuple[str, SessionResult]]:
    """Jolpica's results of the two races' sessions, by session."""
    upstream = Upstream()
    found = []
    for number, session, kind, table in SESSIONS:
        [race] = [d for d in upstream.documents(2024, table) if d["round"] == str(number)]
        found.append((session, result_of_race(race, kind)))
    return found


def prepare(database: Database) -> Database:
    """Store the calendar, with only two races due, and only from Jolpica."""
    database.ensure_schema()
    upsert_schedule(database, calendar(), (), BEGIN)
    refresh_statuses(database, NOW)
    asked = [session for _, session, *_ in SESSIONS]
    with database.writing() as connection:
        others = sessions.c.id.not_in(asked), sessions.c.ends_at <= NOW
        later = {"next_poll_at": NOW + timedelta(days=1), "poll_attempts": 1}
        connection.execute(sessions.update().where(*others).values(later))
    return database


def plain(row: RowMapping, left_out: Set[str] = frozenset()) -> str:
    """A row as text, the same on both databases."""
    kept = {name: float(v) if isinstance(v, Decimal) else v for name, v in row.items() if name not in left_out}
    return json.dumps(kept, sort_keys=True, default=str)


def dump(database: Database) -> Dump:
    """Every row of every table that a poll writes, without ids, times of writing and poll bookkeeping."""
    found: Dump = {}
    with database.reading() as connection:
        for table in (events, sessions, results, result_revisions, drivers, teams, driver_standings, team_standings):
            rows = connection.execute(select(table)).mappings()
            left_out = BOOKKEEPING | ({"observed_at"} if table is result_revisions else set())
            found[table.name] = sorted(plain(row, left_out) for row in rows)
        found["held"] = list(connection.execute(select(held)).all())
        of_results = changes.c.kind.like("results_%") | (changes.c.kind == "status")
        query = select(changes.c.entity_id, changes.c.kind, changes.c.before, changes.c.after).where(of_results)
        found["changes"] = sorted(plain(row) for row in connection.execute(query).mappings())
    return found


def announced_once(database: Database) -> None:
    """Assert that each session has one revision and one change."""
    with database.reading() as connection:
        feed = connection.execute(select(changes.c.entity_id, changes.c.kind).where(changes.c.kind.like("results_%")))
        announced = Counter(map(tuple, feed.all()))
        numbers = connection.execute(select(result_revisions.c.session_id, result_revisions.c.revision)).all()
    assert announced == Counter({(session, "results_official"): 1 for _, session, *_ in SESSIONS})
    assert sorted(map(tuple, numbers)) == sorted((session, 1) for _, session, *_ in SESSIONS)


@pytest.fixture
def undisturbed(tmp_path: Path, replay: Upstream, environment: pytest.MonkeyPatch) -> Dump:
    """The rows after one undisturbed poll of a separate database."""
    replay.as_of = NOW
    with environment.context() as own:
        own.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/undisturbed.db")
        database = prepare(connect(Settings.load()))
        assert len(poll_results.fn(now=NOW)) == 4
        database.engine.dispose()
        announced_once(database)
        return dump(database)


def test_two_upserts_of_one_result_at_once_are_one_revision(database: Database) -> None:
    """Two writers store every answer at once, in different orders: the second one changes nothing."""
    prepare(database)
    found = answers()
    both = threading.Barrier(2)

    def accept(ordered: list[tuple[str, SessionResult]]) -> list[str]:
        mine = Database(database.url, database.schema or "f1")
        both.wait(HANGS)
        outcomes = [accept_result(mine, session, result, NOW, CADENCE).outcome.value for session, result in ordered]
        mine.engine.dispose()
        return outcomes

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(accept, ordered) for ordered in (found, found[::-1])]
        outcomes = [outcome for run in runs for outcome in run.result(HANGS)]
    assert Counter(outcomes) == {"official": 4, "unchanged": 4}
    announced_once(database)


POLLS = """
import sys
from flows.poll_results import main
from core.fetch.fastf1_internals import lift_rate_limits
lift_rate_limits()
# Both are ready before either reads what is due.
print("ready", flush=True)
sys.stdin.readline()
sys.exit(main(["--now", "NOW"]))
""".replace("NOW", NOW_TEXT)


def test_two_pollers_at_once_end_like_one(postgresql: Database, undisturbed: Dump, replay: Upstream) -> None:
    prepare(postgresql)
    replay.requests.clear()
    command = [sys.executable, "-c", POLLS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment) for _ in range(2)
    ]
    try:
        for one in both:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in both:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        ends = [(*one.communicate(timeout=HANGS), one.returncode) for one in both]
    finally:
        for one in both:
            one.kill()
            one.wait()
    assert [status for *_, status in ends] == [0, 0], ends
    announced_once(postgresql)
    assert dump(postgresql) == undisturbed


PLACES = (
    (".sessions.results_state", 1),  # before it reads what is due
    ("INSERT INTO SCHEMA.upstream_requests", 1),
    ("UPDATE SCHEMA.upstream_requests", 1),  # the first answer is received but not stored
    ("INSERT INTO SCHEMA.drivers", 1),
    ("INSERT INTO SCHEMA.results", 1),
    ("INSERT INTO SCHEMA.result_revisions", 2),
    ("UPDATE SCHEMA.sessions", 1),
    ("INSERT INTO SCHEMA.changes", 2),
    ("INSERT INTO SCHEMA.driver_standings", 1),
    ("INSERT INTO SCHEMA.team_standings", 1),
)
"""A poller is killed just before the n-th such statement."""


def killed(database: Database, places: Sequence[tuple[str, int]]) -> list[int]:
    """Kill one poller after another, each at its statement; the signals they died of."""
    schema = database.schema or "main"
    named = [(needle.replace("SCHEMA", schema), nth) for needle, nth in places]
    return deaths("flows.poll_results", ["--now", NOW_TEXT], named)


def test_after_a_kill_at_any_point_the_next_poll_ends_like_an_undisturbed_one(
    database: Database, undisturbed: Dump, replay: Upstream
) -> None:
    prepare(database)
    assert killed(database, PLACES) == [signal.SIGKILL] * 10
    assert main(["--now", NOW_TEXT]) == 0
    announced_once(database)
    assert dump(database) == undisturbed


def test_after_a_kill_before_jolpicas_standings_the_next_poll_fetches_them(
    database: Database, undisturbed: Dump, replay: Upstream
) -> None:
    """All results are stored and none is due, but the standings were never compared."""
    prepare(database)
    assert killed(database, [("driverstandings", 1)]) == [signal.SIGKILL]
    announced_once(database)
    assert main(["--now", NOW_TEXT]) == 0
    assert dump(database) == undisturbed


@contextmanager
def gone(database: Database, at: int, times: int = 1) -> Iterator[list[str]]:
    """End the connection at the run's n-th statement, several times; the statements that were interrupted."""
    killed: list[str] = []
    seen = 0

    def end(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen < at or len(killed) >= times:
            return
        killed.append(statement)
        backend = connection.connection.driver_connection.info.backend_pid
        other = Database(database.url, database.schema or "")
        with other.engine.connect() as administrator:
            administrator.execute(text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})
        other.engine.dispose()

    sqlalchemy_event.listen(database.engine, "before_cursor_execute", end)
    try:
        yield killed
    finally:
        sqlalchemy_event.remove(database.engine, "before_cursor_execute", end)


@pytest.mark.parametrize("at", [4, 7, 11, 19, 27, 38, 50, 61])
def test_a_connection_that_is_ended_is_replaced_within_the_run(
    postgresql: Database, undisturbed: Dump, no_waiting: None, at: int
) -> None:
    prepare(postgresql)
    with gone(postgresql, at) as killed:
        assert main(["--now", NOW_TEXT]) == 0
    assert len(killed) == 1
    announced_once(postgresql)
    assert dump(postgresql) == undisturbed


@pytest.mark.parametrize("at", [1, 3, 15, 40])
def test_after_a_database_outage_longer_than_the_retries_the_next_run_succeeds(
    postgresql: Database, undisturbed: Dump, no_waiting: None, at: int, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(postgresql)
    with gone(postgresql, at, times=40) as killed:
        assert main(["--now", NOW_TEXT]) == 1
    assert killed
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: database ")
    assert main(["--now", NOW_TEXT]) == 0
    announced_once(postgresql)
    assert dump(postgresql) == undisturbed
