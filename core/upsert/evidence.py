"""Reads what a decision about a new classification needs: the season's numbers, and other sessions' tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, func, select

from core.kinds import Source
from core.queries import in_season, read_entries, season_ids
from core.records import Entry, Session, SessionResult
from core.rules.calendar.identity import season_of
from core.rules.results.known import Beginning, Evidence, Identity, KnownResults, beginning, entry_counts
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
    """What a decision about a new result needs, without queries that cannot affect it; `rounds` are `read_rounds`'s."""
    session, begins = known.session, beginning(result.entries)
    own = result_revisions.c.session_id == session.id
    is_first_official = result.source is Source.JOLPICA and not session.results_state.is_official
    numbers = {entry.car_number for one in rounds for result in one.results for entry in result.entries}
    by_number = known.evidence.by_number
    if not numbers.issuperset(entry.car_number for entry in result.entries):
        # Qualifying of another event may have numbers that are in no race: those of drivers who did not start.
        by_number = by_number or read_numbers(connection, session)
    return Evidence(
        by_number=by_number,
        numbers=numbers | by_number.keys(),
        alike=read_alike(connection, {begins}, without=session.id)[begins] if begins else {},
        entry_counts=entry_counts(session, rounds) if is_first_official else (),
        revisions=connection.scalars(select(result_revisions.c.rows).where(own)).all() if session.has_results else (),
        names=_names(connection, [*known.entries, *result.entries]) if known.entries else {},
    )


def read_numbers(connection: Connection, session: Session) -> Mapping[str, Identity]:
    """Driver and team by car number, from the season's latest official results."""
    rows = connection.execute(NUMBERS, season_ids(season_of(session.id))).all()
    return {row.car_number: (row.driver_id, row.team_id) for row in rows if row.car_number}


def read_alike(
    connection: Connection, wanted: Collection[Beginning], without: str = ""
) -> Mapping[Beginning, Mapping[str, Sequence[Entry]]]:
    """The classifications with these drivers' times, by driver and time, then by session; `without` is left out."""
    found: defaultdict[Beginning, dict[str, Sequence[Entry]]] = defaultdict(dict)
    for name in {name for _, name, _ in wanted}:
        column = results.c[name]
        query = select(results.c.session_id, results.c.driver_id, column).where(
            results.c.driver_id.in_({driver_id for driver_id, timed, _ in wanted if timed == name}),
            column.in_({time for _, timed, time in wanted if timed == name}),
            results.c.session_id != without,
        )
        for session_id, driver_id, time in connection.execute(query).all():
            if (driver_id, name, time) in wanted:
                found[driver_id, name, time][session_id] = read_entries(connection, session_id)
    return found


def _names(connection: Connection, entries: Sequence[Entry]) -> dict[str, str]:
    ids = {entry.driver_id for entry in entries}
    rows = connection.execute(select(drivers.c.id, drivers.c.family_name).where(drivers.c.id.in_(ids)))
    return {row.id: row.family_name for row in rows}
