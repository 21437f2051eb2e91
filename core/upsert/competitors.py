"""Writes drivers and teams."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, bindparam, select, update

from core.queries import records_of, stored
from core.records import Driver, Team
from core.schema import drivers, sessions, teams
from core.timing_schema import entries
from core.upsert.rows import write_rows

R = TypeVar("R", Driver, Team)


def write_competitors(connection: Connection, listed: Sequence[Driver], listed_teams: Sequence[Team]) -> None:
    """Insert new drivers and teams, and update those that differ; null never replaces a value."""
    _write(connection, drivers, Driver, listed)
    _write(connection, teams, Team, listed_teams)


def write_team_colors(connection: Connection, team_ids: Collection[str]) -> None:
    """Give teams the color from the last session whose entries have one."""
    known = (
        select(entries.c.team_id, entries.c.team_color)
        .join(sessions, sessions.c.id == entries.c.session_id)
        .where(entries.c.team_id.in_(team_ids), entries.c.team_color.is_not(None))
        .order_by(sessions.c.local_date, sessions.c.starts_at)
    )
    for team_id, color in dict(connection.execute(known).tuples().all()).items():
        other = teams.c.id == team_id, teams.c.color.is_distinct_from(color)
        connection.execute(update(teams).where(*other).values(color=color))


def _write(connection: Connection, table: Table, record: type[R], listed: Sequence[R]) -> None:
    wanted = {one.id: one for one in listed}
    if wanted:
        rows = connection.execute(_listed(table, record), {"ids": list(wanted)}).mappings().all()
        known = {row["id"]: stored(record, row) for row in rows}
        write_rows(connection, table, known, {id_: row.completed(known.get(id_)) for id_, row in wanted.items()})


@lru_cache(maxsize=2)
def _listed(table: Table, record: type[Driver | Team]) -> Select[Any]:
    return records_of(table, record).where(table.c.id.in_(bindparam("ids", expanding=True)))
