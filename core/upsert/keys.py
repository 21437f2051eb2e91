"""Writes Formula 1's own keys."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from core.queries import read_records
from core.records import Session
from core.rules.timing.keys import keys_of
from core.schema import events, external_keys
from core.timing_records import ArchiveKeys, ExternalKey
from core.upsert.rows import write_rows


def write_keys(connection: Connection, session: Session, keys: ArchiveKeys, drivers: Mapping[str, str]) -> None:
    """Add the new keys from a session's archive; existing ones are not replaced.

    Args:
        drivers: ids by car number.
    """
    circuit_id = connection.scalar(select(events.c.circuit_id).where(events.c.id == session.event_id))
    given = {key: key for key in keys_of(session, circuit_id, keys, drivers)}
    of_these = external_keys.c.entity_id.in_({key.entity_id for key in given})
    known = {key: key for key in read_records(connection, external_keys, ExternalKey, of_these)}
    write_rows(connection, external_keys, known, given)
