"""Failures while a run is under way, from which the next run recovers."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.client.schemas.objects import StateType
from stack import HANGS, Stack, docker, within

from core.replay import Fault

pytestmark = pytest.mark.night

SLOW_SECONDS = 20.0
"""Longer than a request may take, so that a run stays under way."""

DOWN_SECONDS = 10.0
"""Longer than a client waits for an answer, so that its next request fails too."""

SLOT_SECONDS = 300.0
"""How long a dead run may keep its slot: until the next scheduled poll."""

POLL, SYNC = "poll-results/default", "sync-schedule/default"


@pytest.fixture(autouse=True, scope="module")
def season(stack: Stack) -> None:
    """The calendar, and the results published before the first fault."""
    now = datetime(2024, 3, 5, tzinfo=UTC)
    stack.upstream.as_of = now
    for deployment in (SYNC, POLL):
        parameters = {"season": 2024} if deployment == SYNC else {}
        assert stack.run(deployment, now=now.isoformat(), **parameters).state_name == "Completed"


@pytest.fixture(autouse=True)
def ready(stack: Stack) -> None:
    """Before each test everything is up and no run is under way, whatever the one before did."""
    stack.upstream.faults = []
    stack.upstream.requests.clear()
    for name in ("postgres", "server", "worker"):
        stack.container(name, "start")
    within(HANGS, "no slot is taken", lambda: not any(stack.slots_taken().values()))


def poll_under_way(stack: Stack, now: datetime) -> UUID:
    """Start a poll, and return once it waits for an answer."""
    stack.upstream.as_of = now
    stack.upstream.faults = [Fault("", times=99, delay_seconds=SLOW_SECONDS)]
    run = stack.create(POLL, now=now.isoformat())
    within(HANGS, "upstream is asked", lambda: stack.asked("/ergast/"))
    return run


def healed(stack: Stack, event: str, winner: str, now: datetime) -> None:
    """The next run, some minutes later, stores the event's results exactly once."""
    stack.upstream.faults = []
    stack.free_upstream_slots()
    poll = stack.run(POLL, now=(now + timedelta(minutes=6)).isoformat())
    assert (poll.state_name, stack.slots_taken()[POLL]) == ("Completed", 0)
    race = f"{event}/race"
    assert stack.rows(f"SELECT driver_id FROM results WHERE session_id = '{race}' AND position = 1") == [(winner,)]
    for session in (race, f"{event}/qualifying"):
        revisions = stack.rows(f"SELECT revision, state FROM result_revisions WHERE session_id = '{session}'")
        assert revisions == [(1, "official")]
        ((entries, cars, drivers),) = stack.rows(
            "SELECT count(*), count(DISTINCT car_number), count(DISTINCT driver_id) FROM results"
            f" WHERE session_id = '{session}'"
        )
        assert entries == cars == drivers >= 19
        official = f"SELECT count(*) FROM changes WHERE entity_id = '{session}' AND kind = 'results_official'"
        assert stack.rows(official) == [(1,)]


def test_a_killed_runs_slot_is_free_before_its_next_scheduled_time(stack: Stack) -> None:
    """Worker and containers are killed: one run is under way, another is pending, its container not yet started."""
    now = datetime(2024, 3, 10, tzinfo=UTC)
    running = poll_under_way(stack, now)
    pending = stack.create(SYNC, season=2024, now=now.isoformat())
    within(HANGS, "the sync is pending", lambda: stack.read([pending])[0].state_type == StateType.PENDING)
    stack.container("worker", "kill")
    docker("rm", "--force", *stack.run_containers())  # also one that was created and not started
    died = time.monotonic()
    assert (stack.slots_taken()[POLL], stack.slots_taken()[SYNC]) == (1, 1)
    stack.container("worker", "start")

    held: dict[str, float] = {}
    while len(held) < 2:
        for deployment, slots in stack.slots_taken().items():
            if not slots and deployment in (POLL, SYNC):
                held.setdefault(deployment, time.monotonic() - died)
        assert time.monotonic() - died < SLOT_SECONDS, f"free until now: {held}"
        time.sleep(1)
    (dead,) = stack.read([running])
    print(f"a dead run under way held its slot for {held[POLL]:.0f} s, a pending one for {held[SYNC]:.0f} s")
    assert (dead.state_name, dead.state and dead.state.message) == ("Crashed", "No heartbeat for two minutes.")
    healed(stack, "2024-saudi-arabian-grand-prix", "max_verstappen", now)
    assert stack.run(SYNC, season=2024, now=now.isoformat()).state_name == "Completed"
    assert stack.rows("SELECT count(*) FROM events") == [(25,)]


def test_prefect_s_server_restarts_under_a_run(stack: Stack) -> None:
    now = datetime(2024, 3, 25, tzinfo=UTC)
    run = poll_under_way(stack, now)
    stack.container("server", "kill")
    time.sleep(DOWN_SECONDS)
    stack.container("server", "start")
    stack.wait_for_api()
    (ended,) = stack.ended([run])
    print(f"the run under way: {ended.state_name}: {ended.state and ended.state.message}")
    assert ended.state_name == "Completed", "its second request met no server"
    healed(stack, "2024-australian-grand-prix", "sainz", now)


def test_postgresql_restarts_under_a_run(stack: Stack) -> None:
    """It holds Prefect's database as well as ours."""
    now = datetime(2024, 4, 8, tzinfo=UTC)
    run = poll_under_way(stack, now)
    stack.container("postgres", "kill")
    time.sleep(DOWN_SECONDS)
    stack.container("postgres", "start")
    (ended,) = stack.ended([run])
    print(f"the run under way: {ended.state_name}: {ended.state and ended.state.message}")
    healed(stack, "2024-japanese-grand-prix", "max_verstappen", now)


def test_upstream_is_down_for_a_while(stack: Stack) -> None:
    now = datetime(2024, 4, 22, tzinfo=UTC)
    stack.upstream.as_of = now
    stack.stop_upstream()
    assert stack.run(POLL, now=now.isoformat()).state_name == "Completed"
    race = "2024-chinese-grand-prix/race"
    assert stack.rows(f"SELECT results_state, last_error FROM sessions WHERE id = '{race}'") == [
        ("awaited", "jolpica: cannot be reached")
    ]
    assert stack.run(SYNC, season=2024, now=now.isoformat()).state_name == "Failed"
    stack.serve_upstream()
    healed(stack, "2024-chinese-grand-prix", "max_verstappen", now)
    assert stack.run(SYNC, season=2024, now=now.isoformat()).state_name == "Completed"
