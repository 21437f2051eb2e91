"""Each webhook's cursor, the outcome of its message, and the lease for sending to it.

A lease lets one run at a time send to a subscriber. A run that finds it taken does not wait but leaves the work to the
holder. The lease is extended before each request and lasts longer than one, so another run gets it only if the holder
has died.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from core.database import Database
from core.queries import read_records
from core.rules.deliveries.schedule import Delivery, resumed
from core.schema import changes, columns, deliveries

LEASE = timedelta(seconds=60)


class Lost(Exception):
    """The lease has passed to another run, or a person has moved the cursor."""


class Lease:
    """The right to send to a subscriber, and its state as last written."""

    def __init__(self, database: Database, token: str, delivery: Delivery) -> None:
        self._database = database
        self._token = token
        self.delivery = delivery

    def write(self, delivery: Delivery, now: datetime) -> None:
        """Write the state, and extend the lease.

        Raises:
            Lost: the lease is no longer ours; nothing was written.
        """
        with self._database.writing() as connection:
            own = deliveries.c.subscriber == delivery.subscriber, deliveries.c.lease == self._token
            values = columns(deliveries, delivery) | {"leased_until": now + LEASE}
            if connection.execute(update(deliveries).where(*own).values(values)).rowcount == 0:
                raise Lost
        self.delivery = delivery

    def release(self) -> None:
        """Give up the lease."""
        with self._database.writing() as connection:
            own = deliveries.c.subscriber == self.delivery.subscriber, deliveries.c.lease == self._token
            connection.execute(update(deliveries).where(*own).values(lease=None, leased_until=None))


@contextmanager
def leased(database: Database, subscriber: str, now: datetime) -> Iterator[Lease | None]:
    """The lease of a subscriber, released at the end; None if another run has it."""
    token = uuid.uuid4().hex
    with database.writing() as connection:
        delivery = _begun(connection, subscriber)
        is_ours = deliveries.c.subscriber == subscriber
        # A lease that would outlast a new one was written by a machine whose clock is ahead, and is ignored.
        is_free = deliveries.c.lease.is_(None) | ~deliveries.c.leased_until.between(now, now + LEASE)
        taken = update(deliveries).where(is_ours, is_free).values(lease=token, leased_until=now + LEASE)
        lease = Lease(database, token, delivery) if connection.execute(taken).rowcount else None
    try:
        yield lease
    finally:
        if lease is not None:
            lease.release()


def read_delivery(connection: Connection, subscriber: str) -> Delivery | None:
    """A subscriber's state; None if nothing was sent to it yet."""
    return next(iter(read_records(connection, deliveries, Delivery, deliveries.c.subscriber == subscriber)), None)


def _begun(connection: Connection, subscriber: str) -> Delivery:
    """A subscriber's state; a new one starts at the present."""
    delivery = read_delivery(connection, subscriber)
    if delivery is None:
        head: int = connection.scalar(select(func.coalesce(func.max(changes.c.id), 0))) or 0
        delivery = Delivery(subscriber=subscriber, last_change_id=head)
        connection.execute(insert(deliveries).values(columns(deliveries, delivery)))
    return delivery


def begin(database: Database, subscriber: str) -> None:
    """Start a new subscriber at the present; a known one is not changed."""
    with database.reading() as connection:
        if read_delivery(connection, subscriber) is not None:
            return
    with database.writing() as connection:
        _begun(connection, subscriber)


def resume(database: Database, subscriber: str, *, after: int | None = None) -> None:
    """Allow the next message at once; `after`: it starts with the change after this one."""
    with database.writing() as connection:
        delivery = resumed(_begun(connection, subscriber))
        if after is not None:
            delivery = delivery.model_copy(update={"last_change_id": after, "message_last_id": None})
        values = columns(deliveries, delivery) | {"lease": None, "leased_until": None}
        connection.execute(update(deliveries).where(deliveries.c.subscriber == subscriber).values(values))
