"""Statuses follow the clock: at the right moments, over any gap, and back only when the schedule changes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from calendars import moment
from reached import Reached
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select
from waiting import HANGS

from core.database import Database
from core.kinds import ChangeKind, SessionKind, Source
from core.records import Change, Entry, SessionResult
from core.replay import Upstream
from core.rules.results.polling import Cadence
from core.schema import changes, events, sessions
from core.upsert.results import accept_result
from core.upsert.schedule import SeasonSummary
from flows.refresh_statuses import refresh_statuses

ROOT = Path(__file__).parents[1]
SPA = "2024-belgian-grand-prix"
SAO_PAULO = "2024-sao-paulo-grand-prix"
TESTING = "2024-pre-season-testing"
PUBLISHED = datetime(2024, 1, 26, tzinfo=UTC)
CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))

Sync = Callable[..., SeasonSummary]

SPA_SESSIONS = (
    ("practice_1", "2024-07-26T11:30Z", "2024-07-26T12:30Z"),
    ("practice_2", "2024-07-26T15:00Z", "2024-07-26T16:00Z"),
    ("practice_3", "2024-07-27T10:30Z", "2024-07-27T11:30Z"),
    ("qualifying", "2024-07-27T14:00Z", "2024-07-27T15:00Z"),
    ("race", "2024-07-28T13:00Z", "2024-07-28T15:00Z"),
)
SECOND = timedelta(seconds=1)


def refresh(now: datetime) -> Sequence[Change]:
    return refresh_statuses.fn(now=now)


def statuses(database: Database) -> dict[str, str]:
    """The status of every event and session, by id."""
    with database.reading() as connection:
        return {
            row.id: row.status for table in (events, sessions) for row in connection.execute(select(table)).fetchall()
        }


def rows(database: Database) -> list[Any]:
    """All rows of the tables that a refresh writes, including `updated_at`."""
    with database.reading() as connection:
        return [
            tuple(row) for t in (events, sessions, changes) for row in connection.execute(select(t).order_by(t.c.id))
        ]


def moved_in(happened: Sequence[Change]) -> set[tuple[str, str, str]]:
    """Each change as (id, old status, new status); asserts that nothing but the status changed."""
    assert {change.kind for change in happened} <= {ChangeKind.STATUS}
    assert all(c.before and c.after and set(c.before) == set(c.after) == {"status"} for c in happened)
    found = [(c.entity_id, str((c.before or {})["status"]), str((c.after or {})["status"])) for c in happened]
    assert len(set(found)) == len(found)
    return set(found)


def result(kind: SessionKind) -> SessionResult:
    entries = tuple(
        Entry(car_number=str(n), driver_code=f"D{n:02}", listed_position=n, position=n, source=Source.LIVETIMING)
        for n in range(1, 21)
    )
    return SessionResult(season=2024, round=14, kind=kind, source=Source.LIVETIMING, entries=entries)


@pytest.fixture
def season(database: Database, replay: Upstream, sync: Sync, reached: Reached) -> Database:
    """2024 as first published."""
    replay.as_of = PUBLISHED
    reached(PUBLISHED, lambda: sync(2024, PUBLISHED))
    return database


def test_each_boundary_of_a_weekend_moves_its_statuses_once(season: Database) -> None:
    refresh(moment("2024-07-26T11:00Z"))
    assert {statuses(season)[SPA], *(statuses(season)[f"{SPA}/{kind}"] for kind, *_ in SPA_SESSIONS)} == {"scheduled"}
    first, last = moment(SPA_SESSIONS[0][1]), moment(SPA_SESSIONS[-1][2])
    for kind, start, end in SPA_SESSIONS:
        starts_at, ends_at = moment(start), moment(end)
        identity = f"{SPA}/{kind}"
        begins = {(SPA, "scheduled", "live")} if starts_at == first else set()
        ends = {(SPA, "live", "completed")} if ends_at == last else set()
        assert moved_in(refresh(starts_at - SECOND)) == set()
        assert moved_in(refresh(starts_at)) == {(identity, "scheduled", "live"), *begins}
        assert statuses(season)[SPA] == "live"
        assert moved_in(refresh(ends_at - SECOND)) == set()
        assert statuses(season)[SPA] == "live"
        assert moved_in(refresh(ends_at)) == {(identity, "live", "completed"), *ends}
    assert statuses(season)[SPA] == "completed"


def test_a_sprint_qualifying_takes_44_minutes_and_a_test_day_nine_hours(season: Database) -> None:
    shootout = "2024-chinese-grand-prix/sprint_qualifying"
    refresh(moment("2024-04-19T07:30Z"))
    assert statuses(season)[shootout] == "live"
    assert moved_in(refresh(moment("2024-04-19T08:13:59Z"))) == set()
    assert moved_in(refresh(moment("2024-04-19T08:14Z"))) == {(shootout, "live", "completed")}

    later = f"{TESTING}/practice_3"
    assert statuses(season)[later] == "completed"
    with season.reading() as connection:
        day = connection.execute(select(sessions).where(sessions.c.id == later)).one()
    assert day.ends_at - day.starts_at == timedelta(hours=9)


def test_a_gap_of_months_is_caught_up_in_one_transaction(season: Database) -> None:
    commits = 0

    @sqlalchemy_event.listens_for(season.engine, "commit")
    def count(connection: Any) -> None:
        nonlocal commits
        commits += bool(connection.get_execution_options().get("writing"))

    now = moment("2024-07-28T13:30Z")
    happened = refresh(now)
    sqlalchemy_event.remove(season.engine, "commit", count)
    assert commits == 1
    found = statuses(season)
    with season.reading() as connection:
        known = {row.id: row for t in (events, sessions) for row in connection.execute(select(t)).fetchall()}
        feed = connection.execute(select(changes).where(changes.c.kind == "status").order_by(changes.c.id)).fetchall()
    expected = {
        identity: "scheduled" if now < row.starts_at else "live" if now < row.ends_at else "completed"
        for identity, row in known.items()
    }
    assert found == expected
    assert found[SPA] == found[f"{SPA}/race"] == "live"
    assert moved_in(happened) == {(i, "scheduled", status) for i, status in expected.items() if status != "scheduled"}
    assert [(c.entity_id, c.at) for c in feed] == [(c.entity_id, now) for c in happened]
    assert {known[identity].updated_at for identity, status in expected.items() if status != "scheduled"} == {now}


def test_a_refresh_that_fails_at_its_changes_leaves_nothing(season: Database) -> None:
    before = rows(season)

    @sqlalchemy_event.listens_for(season.engine, "before_cursor_execute")
    def fail(*arguments: Any) -> None:
        if "INSERT INTO" in arguments[2] and "changes" in arguments[2]:
            raise RuntimeError("the power fails as the changes are written")

    with pytest.raises(RuntimeError):
        refresh(moment("2024-07-28T13:30Z"))
    sqlalchemy_event.remove(season.engine, "before_cursor_execute", fail)
    assert rows(season) == before
    refresh(moment("2024-07-28T13:30Z"))
    assert rows(season) != before


@pytest.mark.parametrize("now", ["2024-07-27T14:30Z", "2025-06-01T00:00Z"])
def test_a_second_refresh_writes_no_row_and_no_change(season: Database, now: str) -> None:
    refresh(moment(now))
    before = rows(season)
    assert refresh(moment(now)) == ()
    assert refresh(moment(now) + SECOND) == ()
    assert rows(season) == before


def test_with_nothing_due_no_write_lock_is_taken(season: Database) -> None:
    refresh(moment("2024-07-29T00:00Z"))
    statements: list[str] = []

    @sqlalchemy_event.listens_for(season.engine, "before_cursor_execute")
    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    assert refresh(moment("2024-08-10T00:00Z")) == ()
    sqlalchemy_event.remove(season.engine, "before_cursor_execute", note)
    assert statements
    assert all(
        statement.startswith(("SELECT", "BEGIN")) and "advisory_xact_lock" not in statement for statement in statements
    )
    assert "BEGIN IMMEDIATE" not in statements


def test_statuses_never_go_back_with_the_clock(season: Database) -> None:
    refresh(moment("2024-07-27T14:30Z"))
    before = rows(season)
    for earlier in ("2024-07-27T13:00Z", "2024-07-01T00:00Z", "2024-02-01T00:00Z"):
        assert refresh(moment(earlier)) == ()
    assert rows(season) == before


def test_a_cancelled_session_stays_cancelled(season: Database) -> None:
    cancelled = {"2024-emilia-romagna-grand-prix", f"{SPA}/practice_2"}
    with season.writing() as connection:
        for table in (events, sessions):
            connection.execute(table.update().where(table.c.id.in_(cancelled)).values(status="cancelled"))
        of_imola = sessions.c.event_id == "2024-emilia-romagna-grand-prix"
        connection.execute(sessions.update().where(of_imola).values(status="cancelled"))
    for now in ("2024-05-18T14:30Z", "2024-07-26T15:30Z", "2025-06-01T00:00Z"):
        refresh(moment(now))
        found = statuses(season)
        assert {found[identity] for identity in cancelled} == {"cancelled"}
        assert {s for i, s in found.items() if i.startswith("2024-emilia-romagna")} == {"cancelled"}
    assert found[SPA] == "completed"


def test_a_session_with_results_is_completed_before_its_usual_end(season: Database) -> None:
    now = moment("2024-07-26T12:10Z")
    refresh(now)
    assert statuses(season)[f"{SPA}/practice_1"] == "live"
    accept_result(season, f"{SPA}/practice_1", result(SessionKind.PRACTICE_1), now, CADENCE)
    assert statuses(season)[f"{SPA}/practice_1"] == "completed"
    before = rows(season)
    assert refresh(now + SECOND) == ()
    assert rows(season) == before
    with season.reading() as connection:
        own = changes.c.entity_id == f"{SPA}/practice_1", changes.c.kind == "status"
        feed = [(c.before["status"], c.after["status"]) for c in connection.execute(select(changes).where(*own))]
    assert feed == [("scheduled", "live"), ("live", "completed")]


def test_a_session_with_results_is_completed_although_its_time_moved(season: Database) -> None:
    """Rows of an earlier version: a session with results, but a time in the future."""
    race = f"{SPA}/race"
    with season.writing() as connection:
        connection.execute(sessions.update().where(sessions.c.id == race).values(revision=1, results_state="official"))
    assert (race, "scheduled", "completed") in moved_in(refresh(moment("2024-07-26T12:00Z")))
    assert statuses(season)[SPA] == "live"


def test_only_a_changed_schedule_sets_a_session_back(season: Database, replay: Upstream, sync: Sync) -> None:
    """São Paulo 2024: qualifying is rained off, and upstream shows it five hours after its start."""
    replay.as_of = moment("2024-10-01T00:00Z")
    sync(2024, moment("2024-10-01T00:00Z"))
    qualifying = f"{SAO_PAULO}/qualifying"
    refresh(moment("2024-11-02T18:30Z"))
    assert statuses(season)[qualifying] == "live"
    refresh(moment("2024-11-02T20:00Z"))
    assert statuses(season)[qualifying] == "completed"

    replay.as_of = moment("2024-11-02T21:00Z")
    summary = sync(2024, moment("2024-11-02T21:00Z"))
    assert statuses(season)[qualifying] == "scheduled"
    assert statuses(season)[SAO_PAULO] == "live"
    own = {change.kind: change for change in summary.changes if change.entity_id == qualifying}
    assert set(own) == {ChangeKind.STATUS, ChangeKind.POSTPONED}
    assert own[ChangeKind.STATUS].before == {"status": "completed"}
    assert own[ChangeKind.STATUS].after == {"status": "scheduled"}

    assert refresh(moment("2024-11-02T21:05Z")) == ()
    assert moved_in(refresh(moment("2024-11-03T10:30Z"))) == {(qualifying, "scheduled", "live")}
    assert (qualifying, "live", "completed") in moved_in(refresh(moment("2024-11-03T11:30Z")))


def test_a_season_polled_every_five_minutes_announces_each_step_once_and_in_order(season: Database) -> None:
    """A weekend in steps of five minutes and the rest of the season in jumps: each status occurs once."""
    now = moment("2024-07-26T00:00Z")
    while now < moment("2024-07-29T00:00Z"):
        refresh(now)
        now += timedelta(hours=1, minutes=5)
    for later in ("2024-09-01T13:01Z", "2024-12-08T14:00Z", "2024-12-09T00:00Z"):
        refresh(moment(later))
    with season.reading() as connection:
        feed = connection.execute(select(changes).where(changes.c.kind == "status").order_by(changes.c.id)).fetchall()
    steps: dict[str, list[str]] = {}
    for change in feed:
        steps.setdefault(change.entity_id, [change.before["status"]]).append(change.after["status"])
        assert steps[change.entity_id][-2] == change.before["status"]
    order = ["scheduled", "live", "completed"]
    for own in steps.values():
        assert all(order.index(before) < order.index(after) for before, after in pairwise(own))
    assert set(steps) == set(statuses(season))
    assert {identity: own[-1] for identity, own in steps.items()} == statuses(season)


WITHOUT_FASTF1 = """
import sys
from flows.refresh_statuses import main as refresh
from flows.poll_results import main as poll
for now in sys.argv[1:]:
    assert refresh(["--now", now]) == 0 and poll(["--now", now]) == 0
loaded = sorted({name.split(".")[0] for name in sys.modules} & {"fastf1", "pandas", "requests_cache"})
sys.exit(f"imported: {loaded}" if loaded else 0)
"""


def test_with_nothing_due_neither_flow_makes_a_request_or_imports_fastf1(season: Database, replay: Upstream) -> None:
    """Before the season, and during a test day, when statuses move, still without a request."""
    replay.requests.clear()
    before, during = "2024-02-01T00:00:00Z", "2024-02-21T08:00:00Z"
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_FASTF1, before, during],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (run.returncode, run.stderr.splitlines()[-1:] if run.returncode else []) == (0, [])
    assert run.stdout.count("no results are due") == 2
    assert replay.requests == []
    with season.reading() as connection:
        moved = changes.c.entity_id == TESTING, changes.c.kind == ChangeKind.STATUS.value
        found = [(row.at, row.after["status"]) for row in connection.execute(select(changes).where(*moved))]
    assert found == [(moment(during), "live")]
    assert statuses(season)[TESTING] == "live"
