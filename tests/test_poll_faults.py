"""Upstream's faults while results are polled: nothing good is lost, retries are rare, and the next poll succeeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import held_of, on_sqlite, session_of
from polls import BAHRAIN, PUBLISHED, answers, asked, dump, poll, poll_due
from reached import Reached
from sqlalchemy import delete, func, insert, select
from waiting import HANGS

from core.database import Database
from core.errors import BudgetExhausted
from core.kinds import HeldKind, ResultsState
from core.queries import read_records
from core.replay import Fault, Upstream
from core.rules.datasets import DatasetState
from core.rules.results.outcome import Outcome
from core.schema import dataset_states, driver_standings
from core.schema import upstream_requests as requests
from core.upsert.ledger import BUDGET, Ledger
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]

SPA = "2024-belgian-grand-prix"
BAHRAIN_RACE, BAHRAIN_QUALIFYING = f"{BAHRAIN}/race", f"{BAHRAIN}/qualifying"
HAMILTON_WON = datetime(2024, 7, 28, 18, 5, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

HTML = b"<!DOCTYPE html><html><body>Please wait while we check your browser</body></html>"

pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.fixture
def bahrain(replay: Upstream, database: Database, sync: Sync, reached: Reached) -> Upstream:
    """Bahrain's weekend is over, its results are published, nothing was polled yet."""
    replay.as_of = PUBLISHED
    reached(PUBLISHED, lambda: sync(2024, PUBLISHED))
    with database.writing() as connection:
        connection.execute(delete(requests))  # the sync's requests
    replay.requests.clear()
    return replay


@pytest.fixture
def official(bahrain: Upstream, database: Database) -> Upstream:
    """Bahrain's race is in the database, officially."""
    assert poll().outcome is Outcome.OFFICIAL
    bahrain.requests.clear()
    return bahrain


def document(rows: int, total: int) -> bytes:
    """Bahrain's answer with some of its twenty rows, and a given total."""
    whole = Upstream(as_of=PUBLISHED).answer("/ergast/f1/2024/1/results.json?limit=100&offset=0").body
    answer = json.loads(whole)
    answer["MRData"]["total"] = str(total)
    race = answer["MRData"]["RaceTable"]["Races"][0]
    race["Results"] = race["Results"][:rows]
    return json.dumps(answer).encode()


FAULTS: dict[str, tuple[dict[str, Any], str, int]] = {
    "500": ({"status": 500}, "server error 500", 3),
    "timeout": ({"delay_seconds": HANGS}, "did not answer in time", 1),
    "truncated": ({"truncate": 2000}, "an answer that is not JSON", 3),
    "html": ({"body": HTML, "headers": {"Content-Type": "text/html"}}, "an answer that is not JSON", 3),
    "half a table": ({"body": document(10, 20)}, "10 of 20 rows", 3),
    "no body": ({"status": 200, "body": b""}, "an empty answer", 1),
    "other JSON": ({"body": b'{"detail": "try again"}'}, "an answer that holds no race results", 3),
    "a list": ({"body": b"[]"}, "an answer that holds no race results", 3),
    "no rows": ({"body": b'{"MRData": {"total": "20", "RaceTable": {"Races": [{"round": "1"}]}}}'}, "holds no", 3),
    "404": ({"status": 404}, "not published", 1),
    "400": ({"status": 400}, "refused the request (400)", 1),
}
"""A fault, its `last_error`, and the number of requests: only faults that may pass at once are retried."""


@pytest.mark.parametrize(
    ("database", "fault"),
    [*(("sqlite", fault) for fault in FAULTS), ("postgresql", "500"), ("postgresql", "half a table")],
    indirect=["database"],
)
def test_a_fault_loses_nothing_and_the_next_poll_succeeds(fault: str, official: Upstream, database: Database) -> None:
    what, words, tries = FAULTS[fault]
    good = dump(database)
    answers(official, **what)
    later = PUBLISHED + HOUR
    assert poll(later).outcome is Outcome.FAILED
    assert len(asked(official)) == tries
    session = session_of(database)
    assert str(session.last_error).startswith("jolpica: ")
    assert words in str(session.last_error)
    assert (session.results_state, session.revision) == (ResultsState.OFFICIAL, 1)
    assert session.next_poll_at == later + 5 * MINUTE
    assert dump(database) == good

    official.faults = []
    assert poll(session.next_poll_at).outcome is Outcome.UNCHANGED
    session = session_of(database)
    assert (session.last_error, session.revision) == (None, 1)
    assert dump(database) == good


@on_sqlite
@pytest.mark.parametrize("fault", ["500", "html", "half a table"])
def test_after_a_fault_before_the_first_results_the_next_poll_stores_them(
    fault: str, bahrain: Upstream, database: Database
) -> None:
    answers(bahrain, **FAULTS[fault][0])
    assert poll().outcome is Outcome.FAILED
    session = session_of(database)
    assert (session.results_state, session.revision, session.poll_attempts) == (ResultsState.AWAITED, 0, 1)
    assert session.next_poll_at == PUBLISHED + 5 * MINUTE
    assert dump(database)["results"] == []
    bahrain.faults = []
    assert poll_due(PUBLISHED + 5 * MINUTE)[BAHRAIN_RACE] is Outcome.OFFICIAL
    assert session_of(database).last_error is None


@on_sqlite
def test_a_fault_of_one_table_does_not_affect_another(bahrain: Upstream, database: Database) -> None:
    answers(bahrain, "/qualifying", status=500)
    found = poll_due(PUBLISHED)
    assert (found[BAHRAIN_QUALIFYING], found[BAHRAIN_RACE]) == (Outcome.FAILED, Outcome.OFFICIAL)


@on_sqlite
def test_a_fault_that_a_retry_overcomes_is_not_noted(official: Upstream, database: Database) -> None:
    official.faults = [Fault(match="^/ergast/", times=2, status=503)]
    assert poll(PUBLISHED + HOUR).outcome is Outcome.UNCHANGED
    assert len(asked(official)) == 3
    assert session_of(database).last_error is None


@on_sqlite
def test_all_tries_of_a_query_share_one_deadline(
    bahrain: Upstream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request takes 13 of its 25 seconds, so that no time is left for a third."""
    answers(bahrain, status=503)
    clock = SimpleNamespace(monotonic=lambda: 13.0 * len(bahrain.requests))
    monkeypatch.setattr("core.deadline.time", clock)
    assert poll().outcome is Outcome.FAILED
    assert len(asked(bahrain)) == 2
    assert session_of(database).last_error == "jolpica: the deadline passed before the request"


@on_sqlite
def test_faults_in_a_row_are_polled_less_often(official: Upstream, database: Database) -> None:
    answers(official, status=500)
    now, waits = PUBLISHED + HOUR, []
    for _ in range(4):
        poll(now)
        following = session_of(database).next_poll_at
        assert following is not None
        waits.append(following - now)
        now = following
    assert waits[0] == 5 * MINUTE
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    assert waits[-1] <= HOUR


# Well-formed tables that are not believable.


def test_an_empty_table_replaces_nothing(official: Upstream, database: Database) -> None:
    good = dump(database)
    official.overlay[2024, "results"] = []
    later = PUBLISHED + HOUR
    assert poll(later).outcome is Outcome.NOT_YET
    assert asked(official) == ["/ergast/f1/2024/1/results.json?limit=100&offset=0"]
    assert dump(database) == good
    session = session_of(database)
    assert (session.results_state, session.revision, session.last_error) == (ResultsState.OFFICIAL, 1, None)
    assert session.next_poll_at is not None
    assert later < session.next_poll_at <= later + HOUR
    official.overlay.clear()
    assert poll(session.next_poll_at).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("rows", "reason"), [(0, "no entries"), (10, "10 entries, 20 before")], ids=["a race without rows", "half of it"]
)
def test_a_table_with_fewer_entries_than_before_is_held(
    rows: int, reason: str, official: Upstream, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Its total agrees with its rows: only the stored table shows that entries are missing."""
    good = dump(database)
    answers(official, body=document(rows, rows))
    assert poll(PUBLISHED + HOUR).outcome is Outcome.REJECTED
    assert dump(database) == good
    (aside,) = held_of(database)
    assert (aside.kind, aside.entity_id) == (HeldKind.RESULTS_REJECTED, BAHRAIN_RACE)
    assert reason in aside.reason
    assert len(aside.payload["rows"]) == rows
    assert BAHRAIN_RACE in caplog.text
    assert poll(PUBLISHED + 90 * DAY).outcome is Outcome.REJECTED, "it is not accepted, however much time passes"
    official.faults = []
    assert poll(PUBLISHED + 90 * DAY + HOUR).outcome is Outcome.UNCHANGED
    assert held_of(database) == []
    assert dump(database)["results"] == good["results"]


# Rate limits.


@on_sqlite
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "600"}, 10 * MINUTE),
        ({"Retry-After": "3600"}, HOUR),
        ({}, 15 * MINUTE),
        ({"Retry-After": "soon"}, 15 * MINUTE),
    ],
    ids=["10 minutes", "an hour", "without Retry-After", "unreadable"],
)
def test_a_rate_limit_is_obeyed(
    headers: dict[str, str],
    wait: timedelta,
    bahrain: Upstream,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers(bahrain, status=429, headers=headers)
    found = poll_due(PUBLISHED)
    assert len(asked(bahrain)) == 1, "no retry, and the rest of Jolpica's due polls are put off without a request"
    assert (found[BAHRAIN_QUALIFYING], found[BAHRAIN_RACE]) == (Outcome.PUT_OFF, Outcome.PUT_OFF)
    assert f"put off until {PUBLISHED + wait:%H:%M} UTC" in caplog.text
    for id_ in (BAHRAIN_QUALIFYING, BAHRAIN_RACE):
        session = session_of(database, id_)
        assert session.next_poll_at == PUBLISHED + wait
        assert "rate limit reached" in str(session.last_error)
    with database.reading() as connection:
        entered = connection.execute(select(requests).where(requests.c.retry_at.is_(None))).all()
    assert [row.status for row in entered] == [429], "it counts"

    poll_due(PUBLISHED + wait - timedelta(seconds=1))
    assert asked(bahrain) == [], "not before"
    bahrain.faults = []
    healed = poll_due(PUBLISHED + wait)
    assert (healed[BAHRAIN_QUALIFYING], healed[BAHRAIN_RACE]) == (Outcome.OFFICIAL, Outcome.OFFICIAL)
    assert session_of(database).last_error is None


def test_a_rate_limit_loses_nothing(official: Upstream, database: Database) -> None:
    good = dump(database)
    answers(official, status=429)
    assert poll(PUBLISHED + HOUR).outcome is Outcome.PUT_OFF
    assert len(asked(official)) == 1
    assert dump(database) == good


@on_sqlite
def test_answers_before_a_rate_limit_are_kept(bahrain: Upstream, database: Database) -> None:
    answers(bahrain, "/results", status=429)
    found = poll_due(PUBLISHED)
    assert (found[BAHRAIN_QUALIFYING], found[BAHRAIN_RACE]) == (Outcome.OFFICIAL, Outcome.PUT_OFF)
    assert len([path for path in asked(bahrain) if "/results" in path]) == 1


@on_sqlite
def test_live_timing_is_read_during_jolpicas_rate_limit(bahrain: Upstream, database: Database) -> None:
    answers(bahrain, status=429)
    found = poll_due(PUBLISHED)
    assert {id_: outcome for id_, outcome in found.items() if "practice" in id_} == {
        f"{BAHRAIN}/practice_{number}": Outcome.NOT_YET for number in (1, 2, 3)
    }


@on_sqlite
@pytest.mark.parametrize("status", [429, 500])
def test_where_standings_cannot_be_fetched_ours_are_kept(
    status: int, bahrain: Upstream, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    answers(bahrain, "tandings", status=status)
    assert poll().outcome is Outcome.OFFICIAL
    assert f"{BAHRAIN} standings: jolpica: " in caplog.text
    with database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(driver_standings)) == 20
    asked_for = [path for path in asked(bahrain) if "standings" in path.lower()]
    assert len(asked_for) == (1 if status == 429 else 3)
    with database.reading() as connection:
        [state] = read_records(connection, dataset_states, DatasetState)
    assert (state.entity_id, state.dataset, state.poll_faults, state.revision) == (BAHRAIN, "standings", 1, 0)
    assert state.next_poll_at == PUBLISHED + 5 * MINUTE
    assert str(state.last_error).startswith("jolpica: ")


def test_a_race_polled_alone_in_mid_season_has_standings(replay: Upstream, database: Database, sync: Sync) -> None:
    """Jolpica's standings include a driver of a round whose results are not stored here (Bearman)."""
    replay.as_of = HAMILTON_WON
    sync(2024, HAMILTON_WON)
    assert poll(HAMILTON_WON, SPA).outcome is Outcome.OFFICIAL
    with database.reading() as connection:
        published = connection.scalars(
            select(driver_standings.c.driver_id).where(driver_standings.c.source == "jolpica")
        ).all()
    assert "bearman" in published


# The budget.

FIRST, SPACING = PUBLISHED - 40 * MINUTE, timedelta(seconds=10)


def spend(database: Database, count: int = BUDGET) -> None:
    """Enter requests of other processes, ten seconds apart, the first 40 minutes ago."""
    rows = [{"at": FIRST + n * SPACING, "host": "elsewhere", "path": "/", "status": 200} for n in range(count)]
    with database.writing() as connection:
        connection.execute(insert(requests), rows)


def test_a_spent_budget_puts_off_without_a_request(
    bahrain: Upstream, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    spend(database)
    found = poll_due(PUBLISHED)
    assert asked(bahrain) == []
    assert (found[BAHRAIN_QUALIFYING], found[BAHRAIN_RACE]) == (Outcome.PUT_OFF, Outcome.PUT_OFF)
    until = FIRST + HOUR
    assert f"put off until {until:%H:%M} UTC" in caplog.text
    for id_ in (BAHRAIN_QUALIFYING, BAHRAIN_RACE):
        session = session_of(database, id_)
        assert session.next_poll_at == until
        assert "our hourly budget of requests is spent" in str(session.last_error)

    poll_due(until - timedelta(seconds=5))
    assert asked(bahrain) == [], "not before the hour frees one"
    found = poll_due(until)
    assert len(asked(bahrain)) == 1, "one is free: the oldest due poll's"
    assert (found[BAHRAIN_QUALIFYING], found[BAHRAIN_RACE]) == (Outcome.OFFICIAL, Outcome.PUT_OFF)
    assert session_of(database).next_poll_at == until + SPACING
    assert poll_due(until + HOUR)[BAHRAIN_RACE] is Outcome.OFFICIAL


@on_sqlite
def test_the_last_request_of_the_budget_is_allowed(bahrain: Upstream, database: Database) -> None:
    spend(database, BUDGET - 1)
    assert poll().outcome is Outcome.OFFICIAL
    assert len(asked(bahrain)) == 1, "its standings would be one too many"


def test_a_spent_budget_names_the_time_of_the_next_request(sqlite: Database) -> None:
    spend(sqlite)
    with pytest.raises(BudgetExhausted) as refused:
        Ledger(sqlite, PUBLISHED).permit("host", "/")
    assert refused.value.until == FIRST + HOUR
    Ledger(sqlite, FIRST + HOUR + timedelta(milliseconds=1)).permit("host", "/")


def test_a_smaller_budget_waits_until_enough_requests_expire(sqlite: Database) -> None:
    """After the budget was lowered, the last hour may hold more requests than it allows."""
    spend(sqlite, 10)
    with pytest.raises(BudgetExhausted) as refused:
        Ledger(sqlite, PUBLISHED, budget=4).permit("host", "/")
    assert refused.value.until == FIRST + 6 * SPACING + HOUR


def test_two_ledgers_at_once_never_exceed_the_budget(database: Database) -> None:
    """Each has its own engine, as two processes would."""
    budget, tries = 20, 15
    both = [Database(database.url, database.schema or "f1") for _ in range(2)]
    ledgers = [Ledger(each, PUBLISHED, budget=budget) for each in both]

    def ask(n: int) -> bool:
        try:
            ledgers[n % 2].permit("host", f"/{n}")(200, 1.0)
        except BudgetExhausted:
            return False
        return True

    try:
        with ThreadPoolExecutor(6) as pool:
            allowed = list(pool.map(ask, range(2 * tries)))
    finally:
        for each in both:
            each.engine.dispose()
    assert sum(allowed) == budget
    with database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(requests)) == budget
