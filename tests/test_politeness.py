"""Two workers with a backlog share one budget of requests to Jolpica, and Prefect's limit slows them down before that.

Each worker is a process, as a flow run's container is, with the same PostgreSQL and the same Prefect server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from sqlalchemy import insert, select
from waiting import HANGS

from core.database import Database
from core.kinds import SessionKind, Source
from core.replay import Upstream, facts, jolpica
from core.schema import sessions, upstream_requests
from core.transform.schedule import schedule_answer
from core.upsert.ledger import BUDGET, HOUR
from core.upsert.schedule import upsert_schedule
from flows.runtime import limit
from flows.runtime.limit import SLOTS

ROOT = Path(__file__).parents[1]
NOW = datetime(2024, 12, 9, tzinfo=UTC)
"""After the season: everything is published, and nothing was requested yet."""

WORKER = """
import sys, time
from datetime import datetime, timedelta
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from core.errors import NotDone
from flows.runtime import limit
from flows.poll_results import poll_results

limit.WAIT_SECONDS = 6.0
began, real = datetime.fromisoformat(sys.argv[1]), time.monotonic()
with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
    for event in sys.argv[2:]:
        now = began + timedelta(seconds=time.monotonic() - real)
        try:
            polled = poll_results(event=event, session="race", now=now)
        except NotDone as error:
            polled = error.outcome
        outcomes = [one.outcome.value for one in polled]
        print(*outcomes, sep="\\n", flush=True)
        if "put off" in outcomes:
            break
"""


@pytest.fixture
def api(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server's API, with a deployment's limit whose slots are freed too slowly to matter during a test."""
    monkeypatch.setattr(limit, "DECAY", 1e-4)
    limit.create()
    yield prefect_server
    with get_client(sync_client=True) as client:
        client.delete_global_concurrency_limit_by_name(limit.NAME)


def work(api: str, database: Database, workers: int = 2) -> list[list[str]]:
    """The outcomes of a season's races, polled one by one by several processes at once."""
    with database.reading() as connection:
        query = select(sessions.c.event_id).where(sessions.c.kind == SessionKind.RACE.value)
        backlog = sorted(connection.scalars(query))
    # Each worker polls half of the other's races too.
    shares = [backlog[number * 6 : number * 6 + 12] for number in range(workers)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, NOW.isoformat(), *share],
            env=os.environ | {"PREFECT_API_URL": api, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for share in shares
    ]
    try:
        said = [process.communicate(timeout=HANGS) for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * workers, said
    return [out.split("\n") for out, _ in said]


@pytest.fixture
def backlog(postgresql: Database, replay: Upstream) -> Database:
    """The calendar of a season without any result."""
    calendar = schedule_answer(jolpica.races(2024, facts.calendar().events), 2024, Source.JOLPICA)
    upsert_schedule(postgresql, calendar, (), datetime(2024, 2, 1, tzinfo=UTC))
    return postgresql


def asked_at(database: Database) -> list[datetime]:
    """When each request of the ledger was made, in order."""
    with database.reading() as connection:
        return sorted(connection.scalars(select(upstream_requests.c.at)))


def test_two_workers_are_slowed_by_prefect_s_limit(api: str, backlog: Database, replay: Upstream) -> None:
    """A third worker has just taken most of the slots."""
    left = 8
    with get_client(sync_client=True) as client:
        client.increment_concurrency_slots([limit.NAME], SLOTS - left, mode="rate_limit")
    said = work(api, backlog)
    assert all("put off" in lines for lines in said), "the limit slowed both down"
    asked = len(asked_at(backlog))
    assert asked == left
    assert asked == len([request for request in replay.requests if "/ergast/" in request.path])


def test_two_workers_share_one_hourly_budget(api: str, backlog: Database, replay: Upstream) -> None:
    """Nearly all of it is spent; a part was spent nearly an hour ago, and becomes free during the test."""
    ages = [HOUR - timedelta(seconds=seconds) for seconds in range(1, 6)]
    ages += [timedelta(seconds=10 * number) for number in range(BUDGET - 5 - len(ages))]
    with backlog.writing() as connection:
        spent = [{"at": NOW - age, "host": "a third worker", "path": "", "status": 200} for age in ages]
        connection.execute(insert(upstream_requests), spent)
    said = work(api, backlog)
    assert all("put off" in lines for lines in said), "the budget stopped both"
    at = asked_at(backlog)
    assert max(sum(one - HOUR < other <= one for other in at) for one in at) == BUDGET
    asked = len([request for request in replay.requests if "/ergast/" in request.path])
    assert BUDGET - len(ages) < asked == len(at) - len(ages) < SLOTS, "the freed part of the budget was used"


def test_while_prefect_s_api_does_not_answer_the_ledger_alone_limits_requests() -> None:
    """A restart of the server does not fail a deployment's run."""
    taken = subprocess.run(
        [sys.executable, "-c", "from flows.runtime import limit; limit.take(strict=True)"],
        env=os.environ | {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    assert taken.returncode == 0, taken.stderr
    assert "requests go on without its limit" in taken.stderr
