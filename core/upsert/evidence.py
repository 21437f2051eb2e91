"""Reads what a decision about a new classification needs: the season's numbers, and other sessions' tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select

from core.queries import in_season, read_entries, season_ids
from core.records import Entry, Session, SessionResult, Source
from core.rules.calendar.identity import season_of
from core.rules.results.known import Evidence, Identity, KnownResults, beginning, entry_counts
from core.rules.results.standings import Round
from core.schema import drivers, result_revisions, results, sessions

NUMBERS = (
    select(results.c.car_number, results.c.driver_id, results.c.team_id, func.max(sessions.c.local_date).label("at"))
    .join(sessions, sessions.c.id == results.c.session_id)
    .where(in_season(sessions.c.event_id), results.c.source == Source.JOLPICA.value)
    .group_by(results.c.car_number, results.c.driver_id, results.c.team_id)
    .order_by("at")
)


def read_evidence(
    connection: Connection, known: KnownResults, result: SessionResult, rounds: Sequence[Round]
) -> Evidence:
    """What a decision about a new result needs, skipping queries that cannot matter; `rounds` are `read_rounds`'s."""
    session = known.session
    own = result_revisions.c.session_id == session.id
    is_first_official = result.source is Source.JOLPICA and not session.results_state.is_official
    numbers = {entry.car_number for one in rounds for result in one.results for entry in result.entries}
    by_number = known.evidence.by_number
    if not numbers.issuperset(entry.car_number for entry in result.entries):
        # Another event's qualifying may have numbers that no race has: those of drivers who did not start.
        by_number = by_number or read_numbers(connection, session)
    return Evidence(
        by_number=by_number,
        numbers=numbers | by_number.keys(),
        alike=_alike(connection, session.id, result.entries),
        entry_counts=entry_counts(session, rounds) if is_first_official else (),
        revisions=connection.scalars(select(result_revisions.c.rows).where(own)).all() if session.has_results else (),
        names=_names(connection, [*known.entries, *result.entries]) if known.entries else {},
    )


def read_numbers(connection: Connection, session: Session) -> Mapping[str, Identity]:
    """Driver and team by car number, from the season's latest official results."""
    rows = connection.execute(NUMBERS, season_ids(season_of(session.id))).all()
    return {row.car_number: (row.driver_id, row.team_id) for row in rows if row.car_number}


def _alike(connection: Connection, session_id: str, entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The classifications of other sessions that begin with the same driver and time, by session id."""
    begins = beginning(entries)
    if begins is None:
        return {}
    driver_id, timed, time = begins
    same = results.c.driver_id == driver_id, results.c[timed] == time
    ids = connection.scalars(select(results.c.session_id).where(*same, results.c.session_id != session_id)).all()
    return {other: read_entries(connection, other) for other in ids}


def _names(connection: Connection, entries: Sequence[Entry]) -> dict[str, str]:
    ids = {entry.driver_id for entry in entries}
    rows = connection.execute(select(drivers.c.id, drivers.c.family_name).where(drivers.c.id.in_(ids)))
    return {row.id: row.family_name for row in rows}
