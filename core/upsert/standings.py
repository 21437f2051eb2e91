"""Standings into the database: recomputed from results in the transaction that changes them, corrected by Jolpica's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Connection, Table, bindparam, case, delete, func, insert, or_, select, update

from core.database import Database
from core.identity import season_of
from core.records import (
    Change,
    ChangeKind,
    Driver,
    Entity,
    Event,
    SessionKind,
    Standing,
    Team,
)
from core.schema import Instant, driver_standings, drivers, events, sessions, team_standings, teams
from core.standings import Competitor, RoundResult, differences, merged, standings
from core.upsert.rounds import OFFICIAL, Stop, read_rounds
from core.upsert.rows import read, read_records, write_changes, write_rows

FIRST_UNDROPPED_SEASON = 1991
"""Before, only a driver's best results counted: those standings are Jolpica's alone."""

EVENT_COLUMNS = [column for column in events.columns if column.name in Event.model_fields]
HOUR, WEEK, LONG_PAST = timedelta(hours=1), timedelta(days=7), timedelta(days=14)
TABLES: dict[Competitor, Table] = {"driver": driver_standings, "team": team_standings}


def recompute_standings(connection: Connection, session_id: str, now: datetime) -> list[Change]:
    """Both championships after an event and after all that follow it, from official results.

    Jolpica's standings after the season's latest event are owed from then on, for whatever results do not tell.
    `session_id` is the session whose results were just written, official though its own row does not say so yet.

    Returns:
        One change where anything differs: the season's, from this event on.
    """
    event_id = session_id.split("/")[0]
    scored = read_rounds(connection, season_of(event_id), session_id)
    event = next(round_.event for round_ in scored if round_.event.id == event_id)
    _owe(connection, event.season, scored[-1].event.id, now)
    if event.season < FIRST_UNDROPPED_SEASON:
        return []
    so_far: list[RoundResult] = []
    changed: list[Stop] = []
    differs = False
    for round_ in scored:
        so_far += round_.results
        if _key(round_.event) >= _key(event):
            changed.append(round_.event)
            for competitor in TABLES:
                differs |= _replace(connection, round_.event, competitor, standings(so_far, competitor))
    return [_change(event, changed)] if differs else []


def accept_standings(
    database: Database,
    event_id: str,
    published: Mapping[Competitor, Sequence[Standing]],
    now: datetime,
    *,
    named: tuple[Sequence[Driver], Sequence[Team]] = ((), ()),
    flow_run_id: str | None = None,
) -> list[str]:
    """Let Jolpica's standings after an event win over ours; where it has none, ours stay.

    `named` are the drivers and teams in them: of some no result may be known here.

    Once both championships are published they are no longer owed.

    Returns:
        Where the two differ, a line a competitor.
    """
    said: list[str] = []
    differs = False
    with database.writing() as connection:
        event = Event(**read(connection, select(*EVENT_COLUMNS).where(events.c.id == event_id))[0])
        write_competitors(connection, *named)
        missing = _missing_races(connection, event)
        if missing:
            said.append(f"{missing} earlier races have no official result here: Jolpica's standings are taken")
        for competitor, theirs in published.items():
            ours = _found(connection, event_id, competitor)
            if theirs:
                if ours and not missing:
                    said += differences(ours, theirs)
                differs |= _replace(connection, event, competitor, merged(ours, theirs))
        if all(published.values()):
            connection.execute(update(events).where(events.c.id == event_id).values(standings_due_at=None))
        if differs and said:
            write_changes(connection, [_change(event, [event], said)], now, flow_run_id)
    return said


def write_competitors(connection: Connection, listed: Sequence[Driver], listed_teams: Sequence[Team]) -> None:
    """Enter drivers and teams that are new, and what differs of those that are known."""
    wanted = {driver.id: driver for driver in listed}
    if wanted:
        known = read_records(connection, drivers, Driver, drivers.c.id.in_(wanted))
        write_rows(connection, drivers, {driver.id: driver for driver in known}, wanted)
    wanted_teams = {team.id: team for team in listed_teams}
    if wanted_teams:
        known_teams = read_records(connection, teams, Team, teams.c.id.in_(wanted_teams))
        write_rows(connection, teams, {team.id: team for team in known_teams}, wanted_teams)


def standings_owed(database: Database, now: datetime) -> list[Event]:
    """The events after which Jolpica's standings are due to be asked for."""
    with database.reading() as connection:
        return read_records(connection, events, Event, events.c.standings_due_at <= now)


def put_standings_off(database: Database, event: Event, now: datetime) -> None:
    """Ask again in an hour, of what is long past in a week."""
    wait = HOUR if now.date() - event.last_date < LONG_PAST else WEEK
    with database.writing() as connection:
        connection.execute(update(events).where(events.c.id == event.id).values(standings_due_at=now + wait))


_latest: BindParameter[str] = bindparam("latest")
OWE = (
    update(events)
    .where(
        events.c.season == bindparam("of_season"), or_(events.c.id == _latest, events.c.standings_due_at.is_not(None))
    )
    .values(standings_due_at=case((events.c.id == _latest, bindparam("now", type_=Instant)), else_=None))
)


def _owe(connection: Connection, season: int, latest: str, now: datetime) -> None:
    """Jolpica's standings after the season's latest event are due, and after no other."""
    connection.execute(OWE, {"of_season": season, "latest": latest, "now": now})


def _change(event: Event | Stop, later: Sequence[Event | Stop], said: Sequence[str] = ()) -> Change:
    after = {"from_event": event.id, "events": len(later)}
    return Change(
        entity=Entity.SEASON,
        entity_id=str(event.season),
        kind=ChangeKind.STANDINGS,
        before=None,
        after={**after, "differences": list(said)} if said else after,
    )


def _key(event: Event | Stop) -> tuple[object, str]:
    return (event.first_date, event.id)


def _missing_races(connection: Connection, event: Event) -> int:
    """How many races up to an event have no official result in the database."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(sessions.join(events, events.c.id == sessions.c.event_id))
            .where(
                events.c.season == event.season,
                events.c.round <= event.round,
                sessions.c.kind == SessionKind.RACE.value,
                sessions.c.results_state.not_in(OFFICIAL),
            )
        )
        or 0
    )


FOUND = {
    competitor: select(
        table.c[f"{competitor}_id"].label("competitor_id"),
        table.c.position,
        table.c.points,
        table.c.wins,
        table.c.source,
    ).where(table.c.event_id == bindparam("event"))
    for competitor, table in TABLES.items()
}


def _found(connection: Connection, event_id: str, competitor: Competitor) -> list[Standing]:
    rows = connection.execute(FOUND[competitor], {"event": event_id}).mappings().all()
    return [Standing(**row) for row in rows]


def _replace(connection: Connection, event: Event | Stop, competitor: Competitor, wanted: Sequence[Standing]) -> bool:
    """Make an event's standings the wanted ones; whether that took any writing."""
    table = TABLES[competitor]
    there = {standing.competitor_id: standing for standing in _found(connection, event.id, competitor)}
    if there == {standing.competitor_id: standing for standing in wanted}:
        return False
    if there:
        connection.execute(delete(table).where(table.c.event_id == event.id))
    rows = [
        {
            "event_id": event.id,
            f"{competitor}_id": standing.competitor_id,
            "season": event.season,
            "round": event.round,
            "position": standing.position,
            "points": standing.points,
            "wins": standing.wins,
            "source": standing.source,
        }
        for standing in wanted
    ]
    if rows:
        connection.execute(insert(table), rows)
    return True
