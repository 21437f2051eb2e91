"""Webhooks against real receivers on loopback: in order, at least once, whatever the receivers do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import in_turn
from receiver import Receiver, Reply, VirtualClock, receiving, to, webhooks_file
from sqlalchemy import select
from waiting import HANGS

from core.database import Database
from core.deliver import post
from core.deliver.delivering import Delivered, deliver
from core.deliver.subscribers import Subscriber
from core.kinds import ChangeKind, Entity
from core.records import Change
from core.rules.deliveries.schedule import PAUSED_EVERY, RETRIES
from core.schema import changes, deliveries
from core.upsert.deliveries import LEASE, leased, resume
from core.upsert.rows import write_changes

NOW = datetime(2024, 7, 28, 12, tzinfo=UTC)
ROOT = Path(__file__).parents[1]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    found = VirtualClock(NOW)
    found.of_receivers(monkeypatch)
    return found


def happen(database: Database, number: int, kind: ChangeKind = ChangeKind.POSTPONED) -> list[int]:
    """Add changes to the feed; returns their ids."""
    made = [
        Change(
            entity=Entity.EVENT,
            entity_id=f"2024-{n}-grand-prix",
            kind=kind,
            before={"last_date": "2024-07-28"},
            after={"last_date": "2024-08-04"},
        )
        for n in range(number)
    ]
    with database.writing() as connection:
        write_changes(connection, made, NOW, None)
        return list(connection.scalars(select(changes.c.id).order_by(changes.c.id)))[-number:]


def subscribed(database: Database, *subscribers: Subscriber) -> None:
    """Let subscribers begin at the present."""
    database.ensure_schema()
    deliver(database, subscribers, VirtualClock(NOW), timedelta())


def state(database: Database, name: str = "scores") -> Any:
    with database.reading() as connection:
        return connection.execute(select(deliveries).where(deliveries.c.subscriber == name)).one()


def runs_every_five_minutes(
    database: Database, subscriber: Subscriber, clock: VirtualClock, lasts: timedelta
) -> list[Delivered]:
    """What the deployment does for so long: a run at each fifth minute, patient for three."""
    ends, found = clock.moment + lasts, []
    while clock.moment < ends:
        began = clock.moment
        found += deliver(database, [subscriber], clock, 3 * MINUTE)
        clock.moment = max(began + 5 * MINUTE, clock.moment)
    return found


def test_a_new_subscriber_begins_at_the_present(database: Database, receiver: Receiver, clock: VirtualClock) -> None:
    happen(database, 3)
    deliver(database, [to(receiver)], clock, MINUTE)
    assert receiver.messages == []
    new = happen(database, 2)
    (delivered,) = deliver(database, [to(receiver)], clock, MINUTE)
    assert receiver.ids == new
    assert (delivered.received, delivered.waiting, state(database).last_change_id) == (2, 0, new[-1])


def test_without_new_changes_nothing_is_sent_or_written(
    database: Database, receiver: Receiver, clock: VirtualClock
) -> None:
    subscribed(database, to(receiver))
    happen(database, 1)
    deliver(database, [to(receiver)], clock, MINUTE)
    before = state(database)
    clock.moment += DAY
    deliver(database, [to(receiver)], clock, MINUTE)
    assert (len(receiver.messages), state(database)) == (1, before)


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (Reply(500, body=b"out of order"), 500, "500 Internal Server Error (out of order)"),
        (Reply(302, {"location": "http://127.0.0.1:9/"}), 302, "302: redirects are not followed"),
        (Reply(404), 404, "404 Not Found"),
        (Reply(fault="reset"), None, "Connection reset by peer"),
        (Reply(fault="half"), None, "IncompleteRead"),
        (Reply(fault="silence"), None, "no whole answer within"),
    ],
    ids=["500", "302", "404", "reset", "half an answer", "silence"],
)
def test_a_failed_message_is_sent_again_with_the_same_id_and_changes(
    reply: Reply,
    status: int | None,
    error: str,
    database: Database,
    receiver: Receiver,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if reply.fault == "silence":
        monkeypatch.setattr(post, "SECONDS", 0.3)
    subscribed(database, to(receiver))
    first = happen(database, 2)
    receiver.replies = [reply]
    deliver(database, [to(receiver)], clock, timedelta(seconds=1))
    failed = state(database)
    assert (failed.attempts, failed.last_status) == (1, status)
    assert error in failed.last_error
    assert failed.next_attempt_at == clock.moment + RETRIES[0]
    assert failed.last_change_id == first[0] - 1

    later = happen(database, 1)
    deliver(database, [to(receiver)], clock, timedelta(seconds=1))
    assert len(receiver.messages) == 1, "a message that waits for its retry is not sent sooner"
    deliver(database, [to(receiver)], clock, timedelta(seconds=10))
    assert receiver.ids == [*first, *first, *later]
    assert receiver.messages[0] == receiver.messages[1], "what arrived after it does not change the message"
    assert clock.waits == [5.0]
    assert (state(database).attempts, state(database).last_error) == (0, None)


def test_retries_come_at_growing_intervals_and_end_in_a_pause(
    sqlite: Database, receiver: Receiver, clock: VirtualClock
) -> None:
    subscribed(sqlite, to(receiver))
    happen(sqlite, 1)
    attempts: list[datetime] = []
    receiver.on_request = lambda: attempts.append(clock.moment)
    receiver.replies = [Reply(500)] * 1000
    runs_every_five_minutes(sqlite, to(receiver), clock, 5 * DAY)
    waited = [later - earlier for earlier, later in pairwise(attempts)]
    for found, due in zip(waited, [*RETRIES, PAUSED_EVERY, PAUSED_EVERY], strict=False):
        assert due <= found <= due + 5 * MINUTE
    assert waited[:2] == list(RETRIES[:2]), "a run waits for the first retries itself"
    assert state(sqlite).attempts == len(attempts) > len(RETRIES) + 2


def test_a_receiver_that_is_away_for_two_days_gets_everything_in_order(database: Database, clock: VirtualClock) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    away = to(f"http://127.0.0.1:{port}/")
    subscribed(database, away)
    sent = happen(database, 3)
    runs_every_five_minutes(database, away, clock, DAY)
    sent += happen(database, 250)
    (*_, last) = runs_every_five_minutes(database, away, clock, DAY)
    assert last.delivery.is_paused
    assert (last.waiting, last.delivery.last_error) == (253, "Connection refused")
    with receiving() as back:
        runs_every_five_minutes(database, to(back), clock, DAY)
        assert back.ids == sent
        assert [len(body["data"]["changes"]) for _, body in back.messages] == [3, 100, 100, 50]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta(seconds=1)),
        ("Sun, 28 Jul 2024 12:30:00 GMT", 30 * MINUTE),
        ("999999999999", DAY),
        ("soon", RETRIES[0]),
    ],
)
def test_retry_after_is_obeyed(
    status: int, asked: str, waits: timedelta, sqlite: Database, receiver: Receiver, clock: VirtualClock
) -> None:
    subscribed(sqlite, to(receiver))
    sent = happen(sqlite, 1)
    receiver.replies = [Reply(status, {"retry-after": asked})]
    deliver(sqlite, [to(receiver)], clock, timedelta())
    assert state(sqlite).next_attempt_at == NOW + waits
    clock.moment = NOW + waits - timedelta(milliseconds=1)
    deliver(sqlite, [to(receiver)], clock, timedelta())
    assert len(receiver.messages) == 1
    clock.moment = NOW + waits
    deliver(sqlite, [to(receiver)], clock, timedelta())
    assert receiver.ids == sent * 2


def test_status_410_pauses_until_a_person_resumes(sqlite: Database, receiver: Receiver, clock: VirtualClock) -> None:
    subscribed(sqlite, to(receiver))
    sent = happen(sqlite, 1)
    receiver.replies = [Reply(410)]
    (*_, last) = runs_every_five_minutes(sqlite, to(receiver), clock, 3 * DAY)
    assert last.delivery.is_paused
    assert len(receiver.messages) == 1
    resume(sqlite, "scores")
    deliver(sqlite, [to(receiver)], clock, MINUTE)
    assert receiver.ids == sent * 2


def test_ten_thousand_changes_are_caught_up_within_a_minute(
    database: Database, receiver: Receiver, clock: VirtualClock
) -> None:
    """The test's own limit is loose: what it shows is the number of messages, and that one run is enough."""
    subscribed(database, to(receiver))
    sent = happen(database, 10_000)
    began = time.monotonic()
    (delivered,) = deliver(database, [to(receiver)], clock, 3 * MINUTE)
    took = time.monotonic() - began
    assert receiver.ids == sent
    assert (delivered.received, delivered.waiting, len(receiver.messages)) == (10_000, 0, 100)
    print(f"{database.url.get_backend_name()}: 10,000 changes in {took:.1f} s")


def test_a_subscriber_that_is_down_does_not_delay_the_others(
    database: Database, receiver: Receiver, clock: VirtualClock
) -> None:
    with receiving() as silent:
        subscribers = [to(silent, "silent"), to(receiver, "well")]
        subscribed(database, *subscribers)
        sent = happen(database, 1)
        silent.replies = [Reply(fault="silence")]
        received = threading.Event()
        receiver.on_request = received.set
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(deliver, database, subscribers, clock, timedelta())
            assert received.wait(HANGS)
            assert not run.done(), "the other one has not answered"
            silent.released.set()
            run.result(HANGS)
    assert receiver.ids == sent
    assert (state(database, "well").attempts, state(database, "silent").attempts) == (0, 1)


def test_two_runs_that_deliver_at_once_send_nothing_twice(
    database: Database, receiver: Receiver, clock: VirtualClock
) -> None:
    subscribed(database, to(receiver))
    sent = happen(database, 2_000)
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(deliver, database, [to(receiver)], clock, MINUTE) for _ in range(4)]
        found = [run.result(HANGS)[0] for run in runs]
    deliver(database, [to(receiver)], clock, MINUTE)
    assert receiver.ids == sent
    assert sum(one.received for one in found) == 2_000


def test_a_run_that_has_lost_its_lease_stops(database: Database, receiver: Receiver, clock: VirtualClock) -> None:
    """As after a pause of the machine: the other run goes on, and its cursor stands."""
    subscribed(database, to(receiver))
    sent = happen(database, 150)

    def replayed() -> None:
        receiver.on_request = lambda: None
        resume(database, "scores", after=sent[0] - 1)

    receiver.on_request = replayed
    deliver(database, [to(receiver)], clock, timedelta())
    assert receiver.ids == sent[:100]
    assert state(database).last_change_id == sent[0] - 1
    deliver(database, [to(receiver)], clock, MINUTE)
    assert receiver.ids == sent[:100] + sent


@pytest.mark.parametrize("apart", [LEASE + timedelta(seconds=1), -2 * LEASE], ids=["expired", "from another clock"])
def test_the_lease_of_a_dead_run_is_taken_over(
    apart: timedelta, database: Database, receiver: Receiver, clock: VirtualClock
) -> None:
    subscribed(database, to(receiver))
    sent = happen(database, 1)
    with leased(database, "scores", NOW) as lease:
        assert lease is not None
        (delivered,) = deliver(database, [to(receiver)], clock, timedelta())
        assert (delivered.is_taken, receiver.messages) == (True, [])
        clock.moment = NOW + apart
        deliver(database, [to(receiver)], clock, timedelta())
    assert receiver.ids == sent


KILLED = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from core.database import connect
from core.deliver import delivering, post
from core.deliver.subscribers import subscribers_of
from core.settings import Settings
from core.upsert.deliveries import Lease
from core.elapsing import Elapsing

where, left = sys.argv[1], int(sys.argv[2])

def dying(function, before):
    def call(*arguments):
        global left
        left -= 1
        if left == 0 and before:
            os.kill(os.getpid(), signal.SIGKILL)
        found = function(*arguments)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    return call

if where == "write":
    Lease.write = dying(Lease.write, before=True)
else:
    post.post = dying(post.post, before=False)
settings = Settings.load()
delivering.deliver(connect(settings), subscribers_of(settings), Elapsing(datetime.now(UTC)), timedelta(minutes=1))
"""


@pytest.mark.parametrize(
    ("where", "database"),
    in_turn(["write 1", "write 2", "write 3", "write 4", "post 1", "post 2"]),
    indirect=["database"],
)
def test_a_process_killed_at_any_point_loses_nothing(
    where: str, database: Database, receiver: Receiver, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "webhooks.toml").write_text(webhooks_file(("scores", receiver.url)))
    environment.setenv("F1_WEBHOOKS_FILE", str(tmp_path / "webhooks.toml"))
    subscribed(database, to(receiver))
    sent = happen(database, 250)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *where.split()],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=HANGS,
    )
    assert killed.returncode == -signal.SIGKILL
    after = VirtualClock(datetime.now(UTC) + LEASE)
    deliver(database, [to(receiver)], after, MINUTE)
    assert list(dict.fromkeys(receiver.ids)) == sent, "in order, and none is missing"
    times = Counter(identity for identity, _ in receiver.messages)
    assert sum(times.values()) - len(times) <= 1, "the message that was under way, with the same webhook-id"


def test_a_subscriber_of_some_kinds_is_sent_only_those(
    database: Database, receiver: Receiver, clock: VirtualClock
) -> None:
    picky = to(receiver, kinds=["cancelled", "results_official"])
    subscribed(database, picky)
    happen(database, 120)
    wanted = happen(database, 1, ChangeKind.CANCELLED)
    others = happen(database, 120)
    deliver(database, [picky], clock, MINUTE)
    assert receiver.ids == wanted
    assert state(database).last_change_id == others[-1]
    assert len(receiver.messages) == 1


def test_a_message_whose_changes_are_no_longer_wanted_is_skipped(
    database: Database, receiver: Receiver, clock: VirtualClock
) -> None:
    subscribed(database, to(receiver))
    happen(database, 2)
    receiver.replies = [Reply(500)]
    deliver(database, [to(receiver)], clock, timedelta())
    wanted = happen(database, 1, ChangeKind.CANCELLED)
    clock.moment += MINUTE
    deliver(database, [to(receiver, kinds=["cancelled"])], clock, MINUTE)
    assert receiver.ids[2:] == wanted
