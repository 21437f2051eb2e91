"""Text about webhooks: one line per subscriber of a run, and the table of all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from core.deliver.delivering import Delivered
from core.deliver.subscribers import Subscriber
from core.rules.deliveries.schedule import Delivery
from core.text import counted, lapse, moment
from flows.output.text import Column, Row, print_table, say

PAUSED = "paused: python -m flows webhooks test NAME resumes it"
NONE_SET = "no webhook is set: F1_WEBHOOK_URL or F1_WEBHOOKS_FILE"


def level(delivered: Delivered) -> int:
    """The level of a subscriber's log line."""
    return logging.WARNING if delivered.delivery.attempts else logging.INFO


def line(delivered: Delivered, now: datetime) -> str:
    """The outcome for a subscriber, in one line."""
    delivery, waiting = delivered.delivery, counted(delivered.waiting, "change")
    if delivered.is_taken:
        return f"webhook {delivered.subscriber}: another run is sending"
    done = f"webhook {delivered.subscriber}: {counted(delivered.received, 'change')} delivered"
    if not delivery.attempts:
        return f"{done}, {waiting} left to the next run" if delivered.waiting else done
    failed = f"{done}, {waiting} waiting; attempt {delivery.attempts} failed: {delivery.last_error}"
    if delivery.is_paused:
        return f"{failed}; {PAUSED.replace('NAME', delivered.subscriber)}"
    return f"{failed}; again {_when(delivery.next_attempt_at, now)}"


def print_delivered(delivered: Sequence[Delivered]) -> None:
    """Print a run's summary."""
    if not delivered:
        say(NONE_SET)
        return
    changes = sum(one.received for one in delivered)
    behind = sum(bool(one.waiting) for one in delivered)
    left = f", {counted(behind, 'webhook')} behind" if behind else ""
    say(f"{counted(len(delivered), 'webhook')}: {counted(changes, 'change')} delivered{left}")


def print_webhooks(listed: Sequence[tuple[Subscriber, Delivery | None, int]], now: datetime) -> None:
    """Print every webhook with its lag and last error.

    Args:
        listed: each subscriber, its state (None: nothing was sent yet), and how many changes are waiting for it.
    """
    if not listed:
        say(NONE_SET)
        return
    columns = (
        Column("name"),
        Column("to", 1),
        Column("kinds", 4),
        Column("state"),
        Column("behind", justify="right"),
        Column("last change", 2, "right"),
        Column("delivered", 3),
        Column("last error"),
    )
    print_table(columns, [_row(*one, now) for one in listed])


def _row(subscriber: Subscriber, delivery: Delivery | None, waiting: int, now: datetime) -> Row:
    kinds = "all" if subscriber.kinds is None else ", ".join(kind.value for kind in subscriber.kinds)
    if delivery is None:
        return Row((subscriber.name, subscriber.host, kinds, "new: begins with the next run", "", "", "", ""))
    state = "paused" if delivery.is_paused else f"again {_when(delivery.next_attempt_at, now)}"
    return Row(
        (
            subscriber.name,
            subscriber.host,
            kinds,
            state if delivery.attempts else "up to date" if not waiting else "behind",
            str(waiting),
            str(delivery.last_change_id),
            moment(delivery.delivered_at) if delivery.delivered_at else "",
            delivery.last_error or "",
        )
    )


def _when(at: datetime | None, now: datetime) -> str:
    return "at once" if at is None or at <= now else f"in {lapse((at - now).total_seconds())}"
