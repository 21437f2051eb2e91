"""Drivers and teams into the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Connection, Table

from core.queries import read_records
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
        known = {one.id: one for one in read_records(connection, table, record, table.c.id.in_(wanted))}
        write_rows(connection, table, known, {id_: _completed(row, known.get(id_)) for id_, row in wanted.items()})


def _completed(listed: R, known: R | None) -> R:
    """A listed competitor, with what is known of it where nothing is listed."""
    lacking = {name: getattr(known, name) for name, value in listed if value is None} if known else {}
    return listed.model_copy(update=lacking)
