"""Assigns the keys in live timing's archive of a session to our ids. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.records import Session
from core.timing_records import ArchiveKeys, ExternalKey


def keys_of(
    session: Session, circuit_id: str | None, keys: ArchiveKeys, drivers: Mapping[str, str]
) -> Iterator[ExternalKey]:
    """The keys of a session, its event, the event's circuit and the session's drivers, if both key and id are known.

    Args:
        drivers: ids by car number.
    """
    if keys.session is not None:
        yield ExternalKey(entity="session", entity_id=session.id, external_id=str(keys.session))
    if keys.event is not None:
        yield ExternalKey(entity="event", entity_id=session.event_id, external_id=str(keys.event))
    if keys.circuit is not None and circuit_id is not None:
        yield ExternalKey(entity="circuit", entity_id=circuit_id, external_id=str(keys.circuit))
    for car, reference in keys.drivers.items():
        if car in drivers:
            yield ExternalKey(entity="driver", entity_id=drivers[car], external_id=reference)
