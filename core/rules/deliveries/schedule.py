"""When a subscriber is sent its next message: retries at growing intervals, then a pause. Pure.

A message that was not received is sent again after each of `RETRIES`. After the last one the subscriber is paused: it
is tried once a day, and at once by `python -m flows webhooks test`. After 410 (Gone) it is paused without daily tries.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from core.records import Record
from core.retry_after import retry_after
from core.text import printable

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

RETRIES = (5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 8 * HOUR, 24 * HOUR)
PAUSED_EVERY = 24 * HOUR

GONE = 410
HEEDED = (429, 503)
"""The answers whose Retry-After is obeyed."""

LONGEST_ERROR = 300


class Delivery(Record):
    """A subscriber's progress: a row of `deliveries`.

    `last_change_id` is the cursor. `message_last_id` is the last change of the message under way, which is sent again
    with the same changes until it is received. `attempts` counts its failures.
    """

    subscriber: str
    last_change_id: int
    message_last_id: int | None = None
    attempts: int = 0
    next_attempt_at: AwareDatetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    delivered_at: AwareDatetime | None = None

    @property
    def is_paused(self) -> bool:
        """Whether all retries failed."""
        return self.attempts > len(RETRIES)


@dataclass(frozen=True)
class Answer:
    """A receiver's answer: its status (None: no answer), its Retry-After, and why it is a failure, in words."""

    status: int | None
    error: str = ""
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the message was received: the status is 200 to 299."""
        return self.status is not None and 200 <= self.status < 300


def is_due(delivery: Delivery, now: datetime) -> bool:
    """Whether a message may be sent to the subscriber now."""
    if delivery.next_attempt_at is None:
        return delivery.attempts == 0
    return delivery.next_attempt_at <= now


def seconds_until_due(delivery: Delivery, now: datetime) -> float:
    """Seconds until a message may be sent to the subscriber; infinite if only a person can resume it."""
    if is_due(delivery, now):
        return 0.0
    return math.inf if delivery.next_attempt_at is None else (delivery.next_attempt_at - now).total_seconds()


def received(delivery: Delivery, answer: Answer, now: datetime) -> Delivery:
    """The state after a message was received."""
    return Delivery(
        subscriber=delivery.subscriber,
        last_change_id=delivery.last_change_id if delivery.message_last_id is None else delivery.message_last_id,
        last_status=answer.status,
        delivered_at=now,
    )


def failed(delivery: Delivery, answer: Answer, now: datetime) -> Delivery:
    """The state after a failure, with its reason and the next attempt."""
    attempts = len(RETRIES) + 1 if answer.status == GONE else delivery.attempts + 1
    return delivery.model_copy(
        update={
            "attempts": attempts,
            "next_attempt_at": _next_attempt(attempts, answer, now),
            "last_status": answer.status,
            "last_error": printable(answer.error)[:LONGEST_ERROR],
        }
    )


def resumed(delivery: Delivery) -> Delivery:
    """The state after a person resumed the subscriber: its next message may be sent at once."""
    return delivery.model_copy(update={"attempts": 0, "next_attempt_at": None, "last_error": None})


def _next_attempt(attempts: int, answer: Answer, now: datetime) -> datetime | None:
    if answer.status == GONE:
        return None
    if answer.status in HEEDED and (asked := retry_after(answer.retry_after, now)) is not None:
        return now + max(asked, SECOND)
    return now + (RETRIES[attempts - 1] if attempts <= len(RETRIES) else PAUSED_EVERY)
