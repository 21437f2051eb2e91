"""Reads everything for a season's page, in one snapshot of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from core.database import Database
from core.errors import UsageError
from core.kinds import ChangeKind
from core.queries import in_season, read_calendar, read_feed, read_records, read_season_entries, unknown
from core.records import Competitor, Driver, Entry, Team
from core.rules.calendar.season import Calendar
from core.rules.changes import FeedChange
from core.schema import changes, drivers, result_revisions, teams
from core.timing_schema import entries, stints
from core.views import results_freshness, standings_with_names
from flows.output.stints import RaceStints, read_stints

MOVES = (
    ChangeKind.RESCHEDULED,
    ChangeKind.POSTPONED,
    ChangeKind.BROUGHT_FORWARD,
    ChangeKind.RELOCATED,
    ChangeKind.CANCELLED,
    ChangeKind.REINSTATED,
)
"""The changes of the calendar that a page shows."""


@dataclass(frozen=True)
class SeasonFacts:
    """A season's rows; results, revisions, freshness and stints by session, the rest as named.

    `standings` are rows by competitor and event, best first; `colors` six hexadecimal digits by team, from live timing.
    """

    season: int
    calendar: Calendar
    entries: Mapping[str, Sequence[Entry]]
    revisions: Mapping[str, Sequence[Row[Any]]]
    moves: Sequence[FeedChange]
    standings: Mapping[Competitor, Mapping[str, Sequence[Row[Any]]]]
    freshness: Mapping[str, Row[Any]]
    stints: Mapping[str, RaceStints]
    drivers: Mapping[str, Driver]
    teams: Mapping[str, Team]
    colors: Mapping[str, str]


def read_season(database: Database, season: int) -> SeasonFacts:
    """A season's facts.

    Raises:
        UsageError: the database has nothing of the season.
    """
    with database.reading(snapshot=True) as connection:
        calendar = read_calendar(connection, season)
        if not calendar.events:
            raise UsageError(unknown(connection, str(season)))
        is_move = changes.c.kind.in_([kind.value for kind in MOVES])
        fresh = select(results_freshness).where(in_season(results_freshness.c.session_id, season))
        return SeasonFacts(
            season=season,
            calendar=calendar,
            entries=read_season_entries(connection, season),
            revisions=_revisions(connection, season),
            moves=read_feed(connection, in_season(changes.c.entity_id, season), is_move),
            standings=_standings(connection, season),
            freshness={row.session_id: row for row in connection.execute(fresh)},
            stints=_stints(connection, season),
            drivers={driver.id: driver for driver in read_records(connection, drivers, Driver)},
            teams={team.id: team for team in read_records(connection, teams, Team)},
            colors=_colors(connection, season),
        )


def _revisions(connection: Connection, season: int) -> dict[str, list[Row[Any]]]:
    own = select(result_revisions).where(in_season(result_revisions.c.session_id, season))
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(own.order_by(result_revisions.c.revision)):
        found[row.session_id].append(row)
    return found


def _standings(connection: Connection, season: int) -> dict[Competitor, dict[str, list[Row[Any]]]]:
    view = standings_with_names.c
    own = select(standings_with_names).where(view.season == season)
    found: dict[Competitor, dict[str, list[Row[Any]]]] = {"driver": {}, "team": {}}
    for row in connection.execute(own.order_by(view.position.is_(None), view.position, view.competitor_id)):
        found[row.competitor].setdefault(row.event_id, []).append(row)
    return found


def _stints(connection: Connection, season: int) -> dict[str, RaceStints]:
    having = select(stints.c.session_id).where(in_season(stints.c.session_id, season)).distinct()
    return {session: read_stints(connection, session) for session in connection.scalars(having).all()}


def _colors(connection: Connection, season: int) -> dict[str, str]:
    own = select(entries.c.team_id, entries.c.team_color).where(
        in_season(entries.c.session_id, season), entries.c.team_id.is_not(None), entries.c.team_color.is_not(None)
    )
    return {row.team_id: row.team_color for row in connection.execute(own)}
