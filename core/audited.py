"""The rows that an audit examines, read season by season: one query per table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, func, select, union

from core.bounds import FIRST_SEASON, LAST_SEASON
from core.database import Database
from core.errors import UsageError
from core.queries import about_season, in_season, read_held, read_records, read_season_entries, stored
from core.records import Competitor, Event, Session, Standing
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
    connection: Connection, season: int, now: datetime, ids: Mapping[str, frozenset[str]], feed_since: datetime | None
) -> AuditedSeason:
    """A season's rows, chosen by the season that their ids begin with."""
    found_events = read_records(connection, events, Event, in_season(events.c.id, season))
    found_sessions = read_records(connection, sessions, Session, in_season(sessions.c.id, season))
    feed = read_records(connection, changes, StoredChange, about_season(changes.c.entity_id, season))
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
        held=read_held(connection, about_season(held.c.entity_id, season)),
        states=read_records(connection, dataset_states, DatasetState, in_season(dataset_states.c.entity_id, season)),
        feed=sorted(feed, key=lambda change: change.id),
        feed_since=feed_since,
        ids=ids,
    )


def _revisions(connection: Connection, season: int) -> dict[str, list[StoredRevision]]:
    own = in_season(result_revisions.c.session_id, season)
    found = read_records(connection, result_revisions, StoredRevision, own)
    ordered = sorted(found, key=lambda one: (one.session_id, one.revision))
    return {session_id: list(chain) for session_id, chain in groupby(ordered, key=lambda one: one.session_id)}


def _standings(
    connection: Connection, season: int, competitor: Competitor
) -> Iterator[tuple[tuple[str, Competitor], list[Standing]]]:
    table = STANDINGS_OF[competitor]
    identity = table.c[f"{competitor}_id"].label("competitor_id")
    own = select(table, identity).where(in_season(table.c.event_id, season)).order_by(table.c.event_id)
    for event_id, rows in groupby(connection.execute(own), key=lambda row: row.event_id):
        yield (
            (event_id, competitor),
            [stored(Standing, {name: getattr(row, name) for name in Standing.model_fields}) for row in rows],
        )
