"""Standings into the database: recomputed from results in the transaction that changes them, corrected by Jolpica's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Connection, Table, bindparam, case, delete, insert, or_, select, update

from core.database import Database
from core.records import (
    Change,
    ChangeKind,
    Competitor,
    Driver,
    Entity,
    Event,
    Held,
    HeldKind,
    SessionKind,
    Standing,
    Status,
    Team,
)
from core.rules.calendar.identity import season_of
from core.rules.confirmation import Confirmation
from core.rules.results.championship import Table as Published
from core.rules.results.championship import best_placed, competitors, examine_table, reason_of
from core.rules.results.standings import SCORING, RoundResult, differences, merged, standings
from core.schema import Instant, driver_standings, drivers, events, held, sessions, team_standings, teams
from core.upsert.rounds import OFFICIAL, Stop, read_rounds
from core.upsert.rows import read, read_records, write_changes, write_held, write_rows

FIRST_UNDROPPED_SEASON = 1991
"""Before, only a driver's best results counted: those standings are Jolpica's alone."""

EVENT_COLUMNS = [column for column in events.columns if column.name in Event.model_fields]
HOUR, WEEK, LONG_PAST = timedelta(hours=1), timedelta(days=7), timedelta(days=14)
SCORING_KINDS = tuple(kind.value for kind in SCORING)
TABLES: dict[Competitor, Table] = {"driver": driver_standings, "team": team_standings}


R = TypeVar("R", Driver, Team)
Named = tuple[Sequence[Driver], Sequence[Team]]
"""The drivers and teams that rows name."""


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
    named: Mapping[Competitor, Named] = MappingProxyType({}),
    flow_run_id: str | None = None,
) -> list[str]:
    """Let Jolpica's standings after an event win over ours, a championship's table whole or not at all.

    A table that cannot be is held with the reason, and ours stands, as it does where nothing is published; both
    championships are then asked for again. `named` are the drivers and teams in each table: of some no result may be
    known here.

    Returns:
        Where the two differ, a line a competitor; and why a table is refused.
    """
    said: list[str] = []
    refused: dict[Competitor, str] = {}
    differs = False
    with database.writing() as connection:
        event = Event(**read(connection, select(*EVENT_COLUMNS).where(events.c.id == event_id))[0])
        official, unseen = _until(connection, event)
        missing = sum(kind is SessionKind.RACE for kind in unseen)
        for competitor, theirs in published.items():
            if not theirs:
                continue
            table = Published(event.season, competitor, theirs, standings(official, competitor), unseen)
            if reasons := examine_table(table):
                refused[competitor] = reason_of(reasons)
                continue
            if missing and not said:
                said.append(f"{missing} earlier races have no official result here: Jolpica's standings are taken")
            write_competitors(connection, *named.get(competitor, ((), ())))
            ours = _found(connection, event_id, competitor)
            if ours and not missing:
                said += differences(ours, theirs)
            differs |= _replace(connection, event, competitor, merged(ours, best_placed(theirs)))
        is_whole = not refused and all(published.get(competitor) for competitor in competitors(event.season))
        _ask_again(connection, event, now, None if is_whole else _later(event, now))
        payload: dict[str, Any] = {competitor: _as_rows(published[competitor]) for competitor in refused}
        reasons_by_table = [f"{competitor} standings: {reason}" for competitor, reason in refused.items()]
        _hold(connection, event, now, payload, "; ".join(reasons_by_table))
        if differs and said:
            write_changes(connection, [_change(event, [event], said)], now, flow_run_id)
    return said + [f"refused, ours stand: {reason}" for reason in reasons_by_table]


def write_competitors(connection: Connection, listed: Sequence[Driver], listed_teams: Sequence[Team]) -> None:
    """Enter drivers and teams that are new, and what differs of those that are known; null replaces nothing."""
    wanted = {driver.id: driver for driver in listed}
    if wanted:
        known = {driver.id: driver for driver in read_records(connection, drivers, Driver, drivers.c.id.in_(wanted))}
        write_rows(connection, drivers, known, {id_: _completed(row, known.get(id_)) for id_, row in wanted.items()})
    wanted_teams = {team.id: team for team in listed_teams}
    if wanted_teams:
        known_teams = {team.id: team for team in read_records(connection, teams, Team, teams.c.id.in_(wanted_teams))}
        completed = {id_: _completed(row, known_teams.get(id_)) for id_, row in wanted_teams.items()}
        write_rows(connection, teams, known_teams, completed)


def _completed(listed: R, known: R | None) -> R:
    """A listed competitor with what is known of it and not listed."""
    lacking = {name: getattr(known, name) for name, value in listed if value is None} if known else {}
    return listed.model_copy(update=lacking)


def standings_owed(database: Database, now: datetime) -> list[Event]:
    """The events after which Jolpica's standings are due to be asked for."""
    with database.reading() as connection:
        return read_records(connection, events, Event, events.c.standings_due_at <= now)


def put_standings_off(database: Database, event: Event, now: datetime, refused: str | None = None) -> None:
    """Ask for an event's standings later; `refused` is why what was published cannot be read, and is held."""
    with database.writing() as connection:
        _ask_again(connection, event, now, _later(event, now))
        if refused is not None:
            _hold(connection, event, now, {}, refused)


def _later(event: Event, now: datetime) -> datetime:
    """In an hour; of what is long past in a week."""
    return now + (HOUR if now.date() - event.last_date < LONG_PAST else WEEK)


def _ask_again(connection: Connection, event: Event, now: datetime, at: datetime | None) -> None:
    connection.execute(update(events).where(events.c.id == event.id).values(standings_due_at=at))


def _hold(connection: Connection, event: Event, now: datetime, payload: dict[str, Any], reason: str) -> None:
    """Hold tables that are refused; without a reason, forget those that were."""
    of_event = held.c.entity_id == event.id, held.c.kind == HeldKind.STANDINGS_REJECTED.value
    confirmation = Confirmation({answer.key: answer for answer in read_records(connection, held, Held, *of_event)}, now)
    if reason:
        confirmation.hold_standings(event.id, payload, reason)
    else:
        confirmation.forget(Entity.EVENT, event.id, HeldKind.STANDINGS_REJECTED)
    write_held(connection, confirmation.found, confirmation.kept)


def _as_rows(published: Sequence[Standing]) -> list[dict[str, Any]]:
    return [standing.model_dump(mode="json", exclude={"source"}) for standing in published]


_latest: BindParameter[str] = bindparam("latest")
OWE = (
    update(events)
    .where(
        events.c.season == bindparam("of_season"), or_(events.c.id == _latest, events.c.standings_due_at.is_not(None))
    )
    .values(standings_due_at=case((events.c.id == _latest, bindparam("now", type_=Instant)), else_=None))
)


def _owe(connection: Connection, season: int, latest: str, now: datetime) -> None:
    """Jolpica's standings after the season's latest event are due, and no others: what is held of those is void."""
    connection.execute(OWE, {"of_season": season, "latest": latest, "now": now})
    others = held.c.entity_id.like(f"{season}-%"), held.c.entity_id != latest
    connection.execute(delete(held).where(held.c.kind == HeldKind.STANDINGS_REJECTED.value, *others))


def _change(event: Event | Stop, later: Sequence[Event | Stop], said: Sequence[str] = ()) -> Change:
    after = {"from_event": event.id, "events": len(later)}
    return Change(
        entity=Entity.SEASON,
        entity_id=str(event.season),
        kind=ChangeKind.STANDINGS,
        before=None,
        after={**after, "differences": list(said)} if said else after,
    )


def _key(event: Event | Stop) -> tuple[date, str]:
    return (event.first_date, event.id)


def _until(connection: Connection, event: Event) -> tuple[list[RoundResult], list[SessionKind]]:
    """The official results of a season up to an event, and the kinds of its races and sprints that have none."""
    rounds = [scored for scored in read_rounds(connection, event.season) if _key(scored.event) <= _key(event)]
    waiting = connection.execute(
        select(events.c.id, events.c.first_date, sessions.c.kind)
        .select_from(sessions.join(events, events.c.id == sessions.c.event_id))
        .where(
            events.c.season == event.season,
            sessions.c.kind.in_(SCORING_KINDS),
            sessions.c.status != Status.CANCELLED.value,
            sessions.c.results_state.not_in(OFFICIAL),
        )
    ).all()
    unseen = [SessionKind(row.kind) for row in waiting if (row.first_date, row.id) <= _key(event)]
    return [result for scored in rounds for result in scored.results], unseen


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
