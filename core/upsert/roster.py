"""Reads known drivers and teams, and adds drivers to entries once Jolpica has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from core.database import Database
from core.kinds import ChangeKind, Entity, Source
from core.queries import in_season, read_records
from core.records import Change, Driver, Entry, Session, Team
from core.rules.calendar.identity import season_of
from core.rules.timing.roster import Roster, named_drivers
from core.schema import drivers, results, sessions, teams
from core.timing_records import LineUpEntry
from core.timing_schema import entries, laps
from core.upsert.evidence import read_numbers
from core.upsert.rows import write_changes


def read_roster(connection: Connection, session: Session, classified: Sequence[Entry]) -> Roster:
    """The known drivers, and the teams of a session's season and the one before."""
    season = season_of(session.id)
    recent = or_(*(in_season(results.c.session_id, year) for year in (season - 1, season)))
    official = {
        entry.car_number: (entry.driver_id, entry.team_id) for entry in classified if entry.source is Source.JOLPICA
    }
    return Roster(
        by_number=read_numbers(connection, session),
        drivers=read_records(connection, drivers, Driver, drivers.c.code.is_not(None)),
        teams=read_records(connection, teams, Team, teams.c.id.in_(select(results.c.team_id).where(recent))),
        own=official,
    )


def read_line_up_before(connection: Connection, session: Session) -> list[LineUpEntry]:
    """The entries of the last session before this one in its season that has any."""
    last = (
        select(sessions.c.id)
        .where(
            sessions.c.starts_at < session.starts_at,
            in_season(sessions.c.id, season_of(session.id)),
            select(entries.c.car_number).where(entries.c.session_id == sessions.c.id).exists(),
        )
        .order_by(sessions.c.starts_at.desc())
        .limit(1)
    )
    return read_records(connection, entries, LineUpEntry, entries.c.session_id == last.scalar_subquery())


def name_drivers(database: Database, now: datetime, *, flow_run_id: str | None = None) -> list[str]:
    """Give entries without a driver, and their laps, the driver that now has their code and name.

    Returns:
        One line per session and driver.
    """
    unnamed = entries.c.driver_id.is_(None), entries.c.driver_code.is_not(None)
    with database.reading() as connection:
        if connection.scalar(select(entries.c.car_number).where(*unnamed).limit(1)) is None:
            return []
    with database.writing() as connection:
        known = read_records(
            connection, drivers, Driver, drivers.c.code.in_(select(entries.c.driver_code).where(*unnamed))
        )
        rows = connection.execute(select(entries).where(*unnamed)).mappings().all()
        fields = LineUpEntry.model_fields
        of_sessions = [(row["session_id"], LineUpEntry(**{name: row[name] for name in fields})) for row in rows]
        named = named_drivers(of_sessions, known)
        for session_id, found in named.items():
            for car, driver in found.items():
                for table in (entries, laps):
                    own = table.c.session_id == session_id, table.c.car_number == car, table.c.driver_id.is_(None)
                    connection.execute(update(table).where(*own).values(driver_id=driver))
        changes = [
            Change(
                entity=Entity.SESSION,
                entity_id=session_id,
                kind=ChangeKind.DETAILED,
                before={"drivers": dict.fromkeys(found)},
                after={"drivers": found},
            )
            for session_id, found in named.items()
        ]
        write_changes(connection, changes, now, flow_run_id)
    return [
        f"{session_id}: car {car} is {driver}" for session_id, found in named.items() for car, driver in found.items()
    ]
