"""Reads needed in more than one place: records, a season's calendar, due polls, classifications."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, or_, select

from core.bounds import STORED
from core.database import Database
from core.errors import UsageError
from core.kinds import ResultsState, SessionKind, Status
from core.records import Circuit, Entry, Event, Held, Record, Session
from core.rules.calendar import names
from core.rules.calendar.identity import season_prefix
from core.rules.calendar.season import Calendar
from core.rules.changes import FeedChange
from core.rules.confirmation import Key
from core.rules.results import polling
from core.rules.results.due_polls import DuePoll
from core.rules.results.known import in_order
from core.schema import changes, circuits, events, held, result_revisions, results, sessions
from core.views import changes_in_words

R = TypeVar("R", bound=Record)


def read_records(
    connection: Connection, table: Table, record: type[R], *conditions: ColumnElement[bool], **named: Any
) -> list[R]:
    """A table's rows as records, reading only the record's columns; `named` are the query's parameters."""
    rows = connection.execute(records_of(table, record).where(*conditions), named).mappings().all()
    return [stored(record, row) for row in rows]


def read_held(connection: Connection, *conditions: ColumnElement[bool], **named: Any) -> dict[Key, Held]:
    """Held answers, by key."""
    return {answer.key: answer for answer in read_records(connection, held, Held, *conditions, **named)}


def stored(record: type[R], row: Mapping[Any, Any]) -> R:
    """A row as a record, without the checks of text that an earlier version stored unchecked."""
    return record.model_validate(dict(row), context=STORED)


@lru_cache(maxsize=64)
def records_of(table: Table, record: type[Record]) -> Select[Any]:
    """The query for a record's columns of a table."""
    return select(*(column for column in table.columns if column.name in record.model_fields))


FEED = (
    select(
        *(changes.c[name] for name in ("id", "at", "entity", "entity_id", "kind", "before", "after")),
        *(changes_in_words.c[name] for name in ("event_id", "session_id", "subject", "words")),
    )
    .join(changes_in_words, changes_in_words.c.id == changes.c.id)
    .order_by(changes.c.id)
)


def read_feed(connection: Connection, *conditions: ColumnElement[bool], limit: int | None = None) -> list[FeedChange]:
    """The changes that meet the conditions, in the order of their ids, at most `limit`."""
    return [stored(FeedChange, row) for row in connection.execute(FEED.where(*conditions).limit(limit)).mappings()]


def in_season(column: ColumnElement[str], season: int | None = None) -> ColumnElement[bool]:
    """Whether an event's or session's id is of a season; without one, of that of the parameters `season_ids`."""
    return column.like(bindparam("season_ids") if season is None else f"{season_prefix(season)}%")


def about_season(column: ColumnElement[str], season: int) -> ColumnElement[bool]:
    """Whether an entity's id is the season's, or its event's or session's."""
    return in_season(column, season) | (column == str(season))


def season_ids(season: int) -> dict[str, str]:
    """The parameter of `in_season`."""
    return {"season_ids": f"{season_prefix(season)}%"}


def read_calendar(connection: Connection, season: int) -> Calendar:
    """A season's events, sessions and held answers, and all seasons' circuits: one query per table."""
    return Calendar(
        events={event.id: event for event in read_records(connection, events, Event, events.c.season == season)},
        sessions={
            session.id: session
            for session in read_records(connection, sessions, Session, in_season(sessions.c.event_id, season))
        },
        circuits={circuit.id: circuit for circuit in read_records(connection, circuits, Circuit)},
        held=read_held(connection, about_season(held.c.entity_id, season)),
    )


SEASON_ENTRIES = records_of(results, Entry).add_columns(results.c.session_id).where(in_season(results.c.session_id))
ENTRIES = records_of(results, Entry).where(results.c.session_id == bindparam("session_id"))


def read_entries(connection: Connection, session_id: str) -> list[Entry]:
    """A session's current entries, in upstream's order."""
    rows = connection.execute(ENTRIES, {"session_id": session_id}).mappings().all()
    return sorted((stored(Entry, row) for row in rows), key=in_order)


def read_season_entries(connection: Connection, season: int) -> dict[str, list[Entry]]:
    """The current entries of a season's sessions, in upstream's order, by session."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for row in connection.execute(SEASON_ENTRIES, season_ids(season)).mappings().all():
        fields = dict(row)
        found[fields.pop("session_id")].append(stored(Entry, fields))
    return {session_id: sorted(rows, key=in_order) for session_id, rows in found.items()}


def results_as_of(connection: Connection, session_id: str, moment: datetime) -> tuple[int, str, list[Entry]] | None:
    """A session's classification at a moment: revision, state and entries; None before the first result."""
    until = result_revisions.c.session_id == session_id, result_revisions.c.observed_at <= moment
    row = connection.execute(
        select(result_revisions).where(*until).order_by(result_revisions.c.revision.desc()).limit(1)
    ).first()
    if row is None:
        return None
    return row.revision, row.state, [stored(Entry, entry) for entry in row.rows]


def read_due_polls(database: Database, now: datetime, delay: timedelta) -> list[DuePoll]:
    """The sessions whose results are due, the longest due first."""
    asked_before = sessions.c.next_poll_at <= now
    never_asked = and_(
        sessions.c.next_poll_at.is_(None),
        sessions.c.poll_attempts == 0,
        or_(sessions.c.ends_at <= now, and_(sessions.c.ends_at.is_(None), sessions.c.local_date <= now.date())),
    )
    with database.reading() as connection:
        found = read_records(
            connection,
            sessions,
            Session,
            sessions.c.status != Status.CANCELLED.value,
            sessions.c.results_state != ResultsState.SETTLED.value,
            or_(asked_before, never_asked),
        )
        if not found:
            return []
        return with_events(connection, polling.due(found, now, delay))


def read_event_polls(database: Database, event_id: str, kind: SessionKind | None) -> list[DuePoll]:
    """An event's sessions that can have results, in order, whether due or not.

    Raises:
        UsageError: there is no such event (the message names the nearest ids), or it has no such session.
    """
    with database.reading() as connection:
        if not read_records(connection, events, Event, events.c.id == event_id):
            raise UsageError(unknown(connection, event_id))
        found = read_records(connection, sessions, Session, sessions.c.event_id == event_id)
        wanted = [session for session in found if kind in (None, session.kind)]
        if kind is not None and not wanted:
            raise UsageError(names.without_session(event_id, kind, found))
        ordered = sorted(wanted, key=lambda session: (session.local_date, session.id))
        return with_events(connection, ordered)


def unknown(connection: Connection, identity: str) -> str:
    """The message for an unknown id, with the nearest known ones."""
    return names.unknown(identity, connection.scalars(select(events.c.id)).all())


def with_events(connection: Connection, found: Sequence[Session]) -> list[DuePoll]:
    """The sessions that can have results, with their events, in the same order."""
    ids = {session.event_id for session in found}
    by_id = {event.id: event for event in read_records(connection, events, Event, events.c.id.in_(ids))}
    return [one for session in found if (one := DuePoll(session, by_id[session.event_id])).is_polled]
