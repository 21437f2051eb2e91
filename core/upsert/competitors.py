"""Drivers and teams into the database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, bindparam

from core.queries import records_of, stored
from core.records import Driver, Team
from core.schema import drivers, teams
from core.upsert.rows import write_rows

R = TypeVar("R", Driver, Team)


def write_competitors(connection: Connection, listed: Sequence[Driver], listed_teams: Sequence[Team]) -> None:
    """Insert drivers and teams that are new, and update those that differ; null replaces nothing."""
    _write(connection, drivers, Driver, listed)
    _write(connection, teams, Team, listed_teams)


def _write(connection: Connection, table: Table, record: type[R], listed: Sequence[R]) -> None:
    wanted = {one.id: one for one in listed}
    if wanted:
        rows = connection.execute(_listed(table, record), {"ids": list(wanted)}).mappings().all()
        known = {row["id"]: stored(record, row) for row in rows}
        write_rows(connection, table, known, {id_: _completed(row, known.get(id_)) for id_, row in wanted.items()})


@lru_cache(maxsize=2)
def _listed(table: Table, record: type[Driver | Team]) -> Select[Any]:
    return records_of(table, record).where(table.c.id.in_(bindparam("ids", expanding=True)))


def _completed(listed: R, known: R | None) -> R:
    """A listed competitor, with what is known of it where nothing is listed."""
    lacking = {name: getattr(known, name) for name, value in listed if value is None} if known else {}
    return listed.model_copy(update=lacking) if lacking else listed
