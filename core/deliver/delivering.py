"""Delivers the feed of changes to all subscribers: in order, at least once, independently of each other.

Each receipt is committed before the next message is sent, so a killed process causes at most one message to be sent
twice, with the same `webhook-id`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.database import Database
from core.deliver import post
from core.deliver.batches import count_waiting, read_batch
from core.deliver.subscribers import Subscriber
from core.elapsing import Elapsing
from core.errors import NotReceived
from core.rules.deliveries.message import TrialData, TrialMessage, message_id, message_of
from core.rules.deliveries.schedule import Delivery, failed, is_due, received, seconds_until_due
from core.upsert.deliveries import Lease, Lost, leased, read_delivery, resume

MAX_WAIT = timedelta(minutes=3)
"""How long a run or a command sends and waits for retries; the next run starts after five minutes."""

AT_ONCE = 16
"""The most subscribers that are sent to at the same time."""


@dataclass(frozen=True)
class Delivered:
    """The outcome for one subscriber: changes received, changes waiting, and its state.

    `is_taken`: another run was sending to it. `was_paused`: it was paused before this run.
    """

    subscriber: str
    received: int
    waiting: int
    delivery: Delivery
    is_taken: bool
    was_paused: bool


def deliver(
    database: Database, subscribers: Sequence[Subscriber], clock: Elapsing, max_wait: timedelta
) -> list[Delivered]:
    """Send each subscriber the changes it has not received, including retries that are due.

    Args:
        max_wait: how long, from now, to wait for retries and to start further messages.

    Raises:
        DatabaseError: the database does not answer; what was received stays entered.
    """
    if not subscribers:
        return []
    ends = clock.present() + max_wait
    with ThreadPoolExecutor(min(len(subscribers), AT_ONCE)) as pool:
        return list(pool.map(lambda subscriber: _deliver_to(database, subscriber, clock, ends), subscribers))


def _deliver_to(database: Database, subscriber: Subscriber, clock: Elapsing, ends: datetime) -> Delivered:
    total, is_taken, was_paused = 0, False, None
    while True:
        with leased(database, subscriber.name, clock.present()) as lease:
            if lease is None:
                is_taken = True
                break
            was_paused = lease.delivery.is_paused if was_paused is None else was_paused
            total += _send(database, subscriber, lease, clock, ends)
            delivery = lease.delivery
        wait = seconds_until_due(delivery, clock.present())
        if wait == 0 or clock.present() + timedelta(seconds=min(wait, 86_400)) > ends:
            break
        clock.wait(wait)
    with database.reading() as connection:
        state = read_delivery(connection, subscriber.name) or Delivery(subscriber=subscriber.name, last_change_id=0)
        waiting = count_waiting(connection, subscriber, state.last_change_id)
    return Delivered(subscriber.name, total, waiting, state, is_taken, bool(was_paused))


def _send(database: Database, subscriber: Subscriber, lease: Lease, clock: Elapsing, ends: datetime) -> int:
    """Send messages until all is received or one is not; returns how many changes were received."""
    total = 0
    try:
        while is_due(lease.delivery, clock.present()):
            with database.reading(snapshot=True) as connection:
                changes, head = read_batch(connection, subscriber, lease.delivery)
            if not changes:
                passed = {"last_change_id": head, "message_last_id": None}
                if (state := lease.delivery.model_copy(update=passed)) == lease.delivery:
                    break
                lease.write(state, clock.present())
                continue
            message = message_of(changes)
            listed = message.data.changes
            under_way = lease.delivery.model_copy(update={"message_last_id": listed[-1].id})
            lease.write(under_way, clock.present())
            identity = message_id(subscriber.name, message)
            answer = post.post(subscriber, identity, message.model_dump_json(), clock.present())
            after = received if answer.is_success else failed
            lease.write(after(under_way, answer, clock.present()), clock.present())
            total += len(listed) if answer.is_success else 0
            if clock.present() >= ends:
                break
    except Lost:
        pass
    return total


def send_test(database: Database, subscriber: Subscriber, now: datetime) -> int:
    """Send a test message; received, it resumes a subscriber that is paused or waits. Returns the answer's status.

    Raises:
        NotReceived: the receiver did not take it.
    """
    words = "A test of this webhook: its address and its signature are right."
    message = TrialMessage(timestamp=now, data=TrialData(words=words))
    answer = post.post(subscriber, f"{subscriber.name}_test_{now:%Y%m%dT%H%M%S%f}", message.model_dump_json(), now)
    if not answer.is_success or answer.status is None:
        raise NotReceived(f"{subscriber.name}: {answer.error}")
    resume(database, subscriber.name)
    return answer.status
