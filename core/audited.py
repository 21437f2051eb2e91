"""The rows that an audit examines, read season by season: one query a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, select, union

from core.bounds import FIRST_SEASON, LAST_SEASON
from core.database import Database
from core.errors import UsageError
from core.queries import in_season, read_records, read_season_entries, season_ids, stored
from core.records import Change, Competitor, Entry, Event, Held, ResultsState, Session, Standing
from core.rules.audit.checks import examine_season
from core.rules.audit.season import AuditedSeason, Finding, StoredChange, StoredRevision
from core.rules.datasets import DatasetState
from core.schema import (
    STANDINGS_OF,
    changes,
    circuits,
    dataset_states,
    driver_standings,
    drivers,
    events,
    held,
    result_revisions,
    results,
    sessions,
    team_standings,
    teams,
)
from core.upsert.adjustments import read_adjustments

IDENTIFIED = (circuits, drivers, teams, events, sessions)
SEASONED = (
    events.c.id,
    sessions.c.id,
    results.c.session_id,
    result_revisions.c.session_id,
    driver_standings.c.event_id,
    team_standings.c.event_id,
    dataset_states.c.entity_id,
    held.c.entity_id,
)
"""The columns of ids that begin with a season."""


class Audited(NamedTuple):
    """The result of an audit; `sessions` counts those that have results."""

    seasons: tuple[int, ...]
    sessions: int
    findings: tuple[Finding, ...]


def audit_seasons(database: Database, seasons: Sequence[int], now: datetime) -> Audited:
    """Examine some seasons, or all in the database, as of one moment.

    Raises:
        UsageError: the database has nothing of a season.
        DatabaseError: the database does not answer, or refuses.
    """
    with database.reading(snapshot=True) as connection:
        known = stored_seasons(connection)
        if unknown := sorted(set(seasons) - set(known)):
            raise UsageError(f"nothing of season {unknown[0]} is in {database.name}")
        asked = tuple(sorted(set(seasons) or known))
        ids = {table.name: frozenset(connection.scalars(select(table.c.id))) for table in IDENTIFIED}
        feed_since = connection.scalar(select(func.min(changes.c.at)))
        findings: list[Finding] = []
        with_results = 0
        for season in asked:
            rows = read_season(connection, season, now, ids, feed_since)
            with_results += sum(session.has_results for session in rows.sessions.values())
            findings += examine_season(rows)
    return Audited(asked, with_results, tuple(findings))


def stored_seasons(connection: Connection) -> list[int]:
    """The seasons that any row of the database belongs to, oldest first, including those of ids that name nothing."""
    digits = len(str(LAST_SEASON))
    years = union(*(select(func.substr(column, 1, digits)) for column in SEASONED))
    found = {int(year) for year in connection.scalars(years) if year.isascii() and year.isdigit()}
    return sorted(season for season in found if FIRST_SEASON <= season <= LAST_SEASON)


def read_season(
    connection: Connection,
    season: int,
    now: datetime,
    ids: Mapping[str, frozenset[str]],
    feed_since: datetime | None,
) -> AuditedSeason:
    """A season's rows, chosen by the season that their ids begin with."""
    named = season_ids(season)
    found_events = read_records(connection, events, Event, in_season(events.c.id), **named)
    found_sessions = read_records(connection, sessions, Session, in_season(sessions.c.id), **named)
    answers = read_records(connection, held, Held, _about(held.c.entity_id, season), **named)
    own = select(changes).where(_about(changes.c.entity_id, season)).order_by(changes.c.id)
    return AuditedSeason(
        season=season,
        now=now,
        events={event.id: event for event in found_events},
        sessions={session.id: session for session in found_sessions},
        entries=read_season_entries(connection, season),
        revisions=_revisions(connection, season),
        adjustments=read_adjustments(connection, season),
        standings={
            key: table for competitor in STANDINGS_OF for key, table in _standings(connection, season, competitor)
        },
        held={answer.key: answer for answer in answers},
        states=read_records(connection, dataset_states, DatasetState, in_season(dataset_states.c.entity_id), **named),
        feed=[StoredChange(row.at, stored(Change, _fields(row))) for row in connection.execute(own, named)],
        feed_since=feed_since,
        ids=ids,
    )


def _about(entity_id: ColumnElement[str], season: int) -> ColumnElement[bool]:
    """Whether an entity is a season, or an event or session of it."""
    return in_season(entity_id) | (entity_id == str(season))


def _revisions(connection: Connection, season: int) -> dict[str, list[StoredRevision]]:
    own = select(result_revisions).where(in_season(result_revisions.c.session_id))
    ordered = own.order_by(result_revisions.c.session_id, result_revisions.c.revision)
    rows = connection.execute(ordered, season_ids(season)).all()
    return {
        session_id: [
            StoredRevision(
                number=row.revision,
                observed_at=row.observed_at,
                state=ResultsState(row.state),
                entries=[stored(Entry, entry) for entry in row.rows],
            )
            for row in chain
        ]
        for session_id, chain in groupby(rows, key=lambda row: row.session_id)
    }


def _standings(
    connection: Connection, season: int, competitor: Competitor
) -> Iterator[tuple[tuple[str, Competitor], list[Standing]]]:
    table = STANDINGS_OF[competitor]
    own = select(table).where(in_season(table.c.event_id)).order_by(table.c.event_id)
    for event_id, rows in groupby(connection.execute(own, season_ids(season)), key=lambda row: row.event_id):
        yield (event_id, competitor), [_standing(row, f"{competitor}_id") for row in rows]


def _standing(row: Row[Any], competitor_id: str) -> Standing:
    fields = {name: getattr(row, name) for name in ("position", "points", "wins", "source")}
    return stored(Standing, {"competitor_id": getattr(row, competitor_id), **fields})


def _fields(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Change.model_fields}
