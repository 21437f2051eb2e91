"""A session of which live timing has results: polled by name, and what is stored of it."""

from __future__ import annotations

from datetime import datetime

from conftest import poll_by_name

from core.database import Database
from core.kinds import SessionKind
from core.queries import read_records
from core.records import Entry, Session
from core.schema import sessions
from core.upsert.results import Polled, read_entries


def stored(database: Database, session_id: str) -> tuple[Session, list[Entry]]:
    with database.reading() as connection:
        (session,) = read_records(connection, sessions, Session, sessions.c.id == session_id)
        return session, read_entries(connection, session_id)


def poll(event: str, kind: SessionKind, now: datetime) -> Polled:
    (polled,) = poll_by_name(event=event, session=kind, now=now)
    return polled
