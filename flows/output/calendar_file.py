"""A season's sessions as an iCalendar file (RFC 5545), for calendar programs to subscribe to.

A program identifies a session by its UID, and replaces it by a version with a higher SEQUENCE. SEQUENCE counts the
changes in the feed that the file shows, so results and statuses make no new version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import icalendar
from sqlalchemy import Connection, select

from core.database import Database
from core.errors import F1FlowsError, UsageError
from core.kinds import ChangeKind, Entity, SessionKind, Status
from core.queries import about_season, in_season, read_calendar
from core.records import Circuit, Event, Session
from core.schema import changes, sessions
from core.text import counted
from flows.output.text import venue_time

SHOWN = {
    Entity.EVENT.value: {"name", "official_name", "country", "locality", "circuit_id"},
    Entity.SESSION.value: {"name", "local_date", "starts_at", "ends_at", "utc_offset_minutes", "status"},
}
"""The shown fields of an event or a session; the status shows only whether it is cancelled."""

REFRESH = timedelta(hours=1)
"""How often subscribers are asked to reload: the schedule is synced hourly."""


Version = Sequence[datetime]
"""When an event, session or season was added, and when each of its shown changes since was made."""


def write_calendar(database: Database, season: int, kinds: Collection[SessionKind], file: Path) -> str:
    """Write a season's sessions of some kinds to a file, completely or not at all; returns a line that says what.

    Raises:
        UsageError: nothing is known of the season.
        F1FlowsError: the file cannot be written.
        DatabaseError: the database cannot be read.
    """
    shown = calendar_of(database, season, kinds)
    partial = file.with_name(f"{file.name}.partial")
    try:
        partial.write_bytes(shown.to_ical())
        partial.replace(file)
    except OSError as error:
        raise F1FlowsError(f"{file} cannot be written: {error.strerror}") from error
    cancelled = sum(event.status == "CANCELLED" for event in shown.events)
    return f"{file}: {counted(len(shown.events), 'session')} of {season}, {cancelled} cancelled"


def calendar_of(database: Database, season: int, kinds: Collection[SessionKind]) -> icalendar.Calendar:
    """A season's sessions of some kinds, cancelled ones included, by date.

    Raises:
        UsageError: nothing is known of the season.
    """
    with database.reading(snapshot=True) as connection:
        known = read_calendar(connection, season)
        versions = _versions(connection, season)
        updated = select(sessions.c.id, sessions.c.updated_at).where(in_season(sessions.c.event_id, season))
        updated_at = dict(connection.execute(updated).tuples().all())
    if not known.events:
        raise UsageError(f"nothing is known of {season}: run python -m flows.sync_schedule {season} first")
    made = icalendar.Calendar()
    made.add("prodid", "-//f1-flows//calendar//EN")
    made.add("version", "2.0")
    made.add("name", f"Formula 1 {season}")
    made.add("x-wr-calname", f"Formula 1 {season}")
    made.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    for session in sorted(known.sessions.values(), key=_order):
        if session.kind in kinds:
            event = known.events[session.event_id]
            circuit = known.circuits.get(event.circuit_id or "")
            found = [versions[identity] for identity in (session.id, event.id, str(season)) if identity in versions]
            made.add_component(_entry(session, event, circuit, found or [[updated_at[session.id]]]))
    return made


def _order(session: Session) -> tuple[date, datetime, str]:
    return session.local_date, session.starts_at or datetime.min.replace(tzinfo=UTC), session.id


def _versions(connection: Connection, season: int) -> Mapping[str, Version]:
    """The versions of a season, its events and its sessions, by id."""
    query = select(changes).where(about_season(changes.c.entity_id, season), changes.c.kind != ChangeKind.STATUS.value)
    found: dict[str, list[datetime]] = {}
    for row in connection.execute(query.order_by(changes.c.id)):
        if row.kind == ChangeKind.ADDED.value:
            found[row.entity_id] = [row.at]
        elif SHOWN.get(row.entity, set()) & set(row.after or ()):
            found.setdefault(row.entity_id, [row.at]).append(row.at)
    return found


def _entry(session: Session, event: Event, circuit: Circuit | None, versions: Collection[Version]) -> icalendar.Event:
    """A session as an entry; `versions` are its own, its event's and its season's."""
    changed = max(map(max, versions))
    made = icalendar.Event()
    made.add("uid", session.id)
    made.add("sequence", sum(len(version) - 1 for version in versions))
    made.add("dtstamp", changed)
    made.add("last-modified", changed)
    made.add("summary", f"{event.name}: {session.name}")
    made.add("status", "CANCELLED" if session.status is Status.CANCELLED else "CONFIRMED")
    made.add("location", ", ".join((*([circuit.name] if circuit else []), event.locality, event.country)))
    if circuit and circuit.latitude is not None and circuit.longitude is not None:
        made.add("geo", (circuit.latitude, circuit.longitude))
    if session.starts_at is None:
        made.add("dtstart", session.local_date)
        made.add("dtend", session.local_date + timedelta(days=1))
    else:
        made.add("dtstart", session.starts_at)
        made.add("dtend", session.ends_at or session.starts_at)
    made.add("transp", "TRANSPARENT")
    made.add("description", "\n".join(_described(session, event, circuit)))
    made.add("categories", [session.kind.value])
    return made


def _described(session: Session, event: Event, circuit: Circuit | None) -> Iterator[str]:
    """The entry's text: the event's full name, and the time at the venue with its zone."""
    if event.official_name:
        yield event.official_name
    zone = circuit.time_zone if circuit else None
    if session.starts_at is None:
        yield "Only the date is known"
    elif session.utc_offset_minutes is not None:
        starts = venue_time(session.starts_at, session.utc_offset_minutes)
        yield f"Starts on {starts} at the venue{f' ({zone})' if zone else ''}"
