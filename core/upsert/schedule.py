"""Writes a season's schedule: reads, reconciles and writes in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.database import Database
from core.kinds import Source, Status
from core.queries import read_calendar
from core.records import ListedEvent, ListedResult, Record, ScheduleAnswer
from core.rules.calendar.reconcile import reconcile
from core.rules.changes import FeedChange
from core.schema import circuits, events, sessions
from core.upsert.rows import write_feed, write_held, write_rows


class SeasonSummary(Record):
    """The outcome of a sync: the numbers of events and sessions that take place, changes, and notes for people."""

    season: int
    source: str
    events: int
    sessions: int
    cancelled: int
    changes: tuple[FeedChange, ...]
    notes: tuple[str, ...]


def upsert_schedule(
    database: Database,
    answer: ScheduleAnswer,
    races: Sequence[ListedEvent],
    now: datetime,
    *,
    qualifying: Sequence[ListedResult] = (),
    rejected: Mapping[Source, str] | None = None,
    force: bool = False,
    flow_run_id: str | None = None,
) -> SeasonSummary:
    """Apply a source's answer to a season; the arguments are `reconcile`'s.

    Only differences are written; every change has its entry in `changes`, in the same transaction.
    """
    with database.writing() as connection:
        known = read_calendar(connection, answer.season)
        result = reconcile(known, answer, now, races=races, qualifying=qualifying, rejected=rejected, force=force)
        after = result.calendar
        write_rows(connection, circuits, known.circuits, after.circuits)
        write_rows(connection, events, known.events, after.events, stamp=now)
        write_rows(connection, sessions, known.sessions, after.sessions, stamp=now)
        write_held(connection, known.held, after.held)
        happened = write_feed(connection, result.changes, now, flow_run_id)
    taking_place = [event for event in after.events.values() if event.status is not Status.CANCELLED]
    return SeasonSummary(
        season=answer.season,
        source=answer.source.value,
        events=len(taking_place),
        sessions=sum(session.status is not Status.CANCELLED for session in after.sessions.values()),
        cancelled=len(after.events) - len(taking_place),
        changes=happened,
        notes=result.notes,
    )
