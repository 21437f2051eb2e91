"""The webhook commands: list webhooks, test one, send one the feed again."""

from __future__ import annotations

from sqlalchemy import func, select

from core.database import Database
from core.deliver.batches import count_waiting
from core.deliver.delivering import MAX_WAIT, deliver, send_test
from core.deliver.subscribers import subscriber_named, subscribers_of
from core.elapsing import Elapsing
from core.errors import NotReceived, UsageError
from core.schema import changes
from core.settings import Settings
from core.upsert.deliveries import begin, read_delivery, resume
from flows.output import webhooks
from flows.output.text import say
from flows.runtime import clock


def list_webhooks(database: Database) -> None:
    """Print every webhook with its lag and last error."""
    listed = []
    with database.reading() as connection:
        for subscriber in subscribers_of(Settings.load()):
            delivery = read_delivery(connection, subscriber.name)
            waiting = count_waiting(connection, subscriber, delivery.last_change_id) if delivery else 0
            listed.append((subscriber, delivery, waiting))
    webhooks.print_webhooks(listed, clock.present())


def send_test_message(database: Database, name: str) -> None:
    """Send a test message; if it is received, a paused webhook resumes.

    Raises:
        UsageError: there is no such webhook.
        NotReceived: the receiver did not accept it.
    """
    subscriber = subscriber_named(subscribers_of(Settings.load()), name)
    status = send_test(database, subscriber, clock.present())
    say(f"{name}: the test message was received ({status})")


def replay_webhook(database: Database, name: str, first: int) -> None:
    """Send a webhook the feed again, from the change with this id on.

    Raises:
        UsageError: there is no such webhook, or the feed does not have this change.
        NotReceived: the receiver did not accept it; the usual retries follow.
    """
    subscriber = subscriber_named(subscribers_of(Settings.load()), name)
    with database.reading() as connection:
        head = connection.scalar(select(func.max(changes.c.id))) or 0
    if not 1 <= first <= head:
        raise UsageError(f"--from {first}: the feed has the changes 1 to {head}" if head else "the feed is empty")
    begin(database, name)
    resume(database, name, after=first - 1)
    (delivered,) = deliver(database, [subscriber], Elapsing(clock.present()), MAX_WAIT)
    line = webhooks.line(delivered, clock.present())
    if delivered.delivery.attempts:
        raise NotReceived(line)
    say(line)
