"""Polls of a session: reads what a decision depends on, and writes the decision."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from core.database import Database
from core.kinds import ResultsState, Status
from core.queries import in_season, read_held, records_of, season_ids, stored
from core.records import Session
from core.rules.calendar.identity import season_of
from core.rules.results.decide import Decision, decide_without_result
from core.rules.results.known import HELD_KINDS, KnownResults
from core.rules.results.polling import Cadence
from core.schema import held, result_revisions, sessions
from core.upsert.rows import write_changes, write_held, write_rows


def note_poll(
    database: Database,
    session_id: str,
    now: datetime,
    cadence: Cadence,
    *,
    error: str | None = None,
    document: str | None = None,
    not_before: datetime | None = None,
    flow_run_id: str | None = None,
) -> str:
    """Enter a poll that brought no result; see `decide_without_result`.

    Returns:
        A note for people, such as that a past session has no results; otherwise empty.
    """
    with database.writing() as connection:
        known = read_known(connection, session_id)
        decision = decide_without_result(known, now, cadence, error=error, document=document, not_before=not_before)
        write_session(connection, known, decision, now)
        write_changes(connection, decision.changes, now, flow_run_id)
    return "; ".join(decision.warnings)


def write_session(connection: Connection, known: KnownResults, decision: Decision, now: datetime) -> None:
    """Write a decision's session and held answers; `updated_at` ignores bookkeeping of polls."""
    before, after = known.session, decision.session
    write_rows(connection, sessions, {before.id: before}, {after.id: after}, stamp=now if decision.is_news else None)
    write_held(connection, known.held, decision.held)


_others = sessions.alias()
_own: BindParameter[str] = bindparam("session_id")
KNOWN = (
    records_of(sessions, Session)
    .where(sessions.c.id == _own)
    .add_columns(
        select(func.max(_others.c.local_date))
        .where(in_season(_others.c.event_id), _others.c.status != Status.CANCELLED.value)
        .scalar_subquery()
        .label("last_date"),
        select(func.min(result_revisions.c.observed_at))
        .where(result_revisions.c.session_id == _own, result_revisions.c.state == ResultsState.OFFICIAL.value)
        .scalar_subquery()
        .label("official_since"),
        select(func.count())
        .where(held.c.entity_id == _own, held.c.kind.in_(HELD_KINDS))
        .scalar_subquery()
        .label("holds"),
    )
)


def read_known(connection: Connection, session_id: str) -> KnownResults:
    """A session with what its next poll depends on: one query, and a second if anything of it is held."""
    named = {"session_id": session_id, **season_ids(season_of(session_id))}
    row = dict(connection.execute(KNOWN, named).mappings().one())
    last_date, official_since, holds = row.pop("last_date"), row.pop("official_since"), row.pop("holds")
    of_it = held.c.entity_id == session_id, held.c.kind.in_(HELD_KINDS)
    return KnownResults(stored(Session, row), last_date, official_since, read_held(connection, *of_it) if holds else {})
