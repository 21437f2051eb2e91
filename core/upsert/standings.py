"""Standings into the database: recomputed from results in the transaction that changes them, corrected by Jolpica's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Table, delete, func, insert, or_, select

from core.database import Database
from core.records import Change, ChangeKind, Entity, Entry, Event, ResultsState, SessionKind, Source, Standing
from core.schema import driver_standings, events, results, sessions, team_standings
from core.standings import Competitor, RoundResult, differences, merged, standings
from core.upsert.rows import read, write_changes

FIRST_UNDROPPED_SEASON = 1991
"""Before, only a driver's best results counted: those standings are Jolpica's alone."""

EVENT_COLUMNS = [column for column in events.columns if column.name in Event.model_fields]
TABLES: dict[Competitor, Table] = {"driver": driver_standings, "team": team_standings}


def recompute_standings(connection: Connection, event: Event, session_id: str) -> list[Change]:
    """Both championships after an event and after all that follow it, from official results.

    `session_id` is the session whose results were just written, official though its own row does not say so yet.

    Returns:
        One change where anything differs: the season's, from this event on.
    """
    if event.season < FIRST_UNDROPPED_SEASON:
        return []
    scored = _scored(connection, event.season, session_id)
    later = [other for other, _ in scored if (other.first_date, other.id) >= (event.first_date, event.id)]
    differs = False
    for after in later:
        so_far = [result for other, own in scored for result in own if (other.first_date, other.id) <= _key(after)]
        for competitor in TABLES:
            differs |= _replace(connection, after, competitor, standings(so_far, competitor))
    return [_change(event, later)] if differs else []


def accept_standings(
    database: Database,
    event_id: str,
    published: Mapping[Competitor, Sequence[Standing]],
    now: datetime,
    *,
    flow_run_id: str | None = None,
) -> list[str]:
    """Let Jolpica's standings after an event win over ours; where it has none, ours stay.

    Returns:
        Where the two differ, a line a competitor.
    """
    said: list[str] = []
    differs = False
    with database.writing() as connection:
        event = Event(**read(connection, select(*EVENT_COLUMNS).where(events.c.id == event_id))[0])
        missing = _missing_races(connection, event)
        if missing:
            said.append(f"{missing} earlier races have no official result here: Jolpica's standings are taken")
        for competitor, theirs in published.items():
            ours = _found(connection, event_id, competitor)
            if theirs:
                if ours and not missing:
                    said += differences(ours, theirs)
                differs |= _replace(connection, event, competitor, merged(ours, theirs))
        if differs and said:
            write_changes(connection, [_change(event, [event], said)], now, flow_run_id)
    return said


def lacks_published(database: Database, event_id: str) -> bool:
    """Whether an event's standings are ours alone, or none."""
    published = select(driver_standings.c.driver_id).where(
        driver_standings.c.event_id == event_id, driver_standings.c.source == Source.JOLPICA.value
    )
    with database.reading() as connection:
        return connection.scalar(published.limit(1)) is None


def _change(event: Event, later: Sequence[Event], said: Sequence[str] = ()) -> Change:
    after = {"from_event": event.id, "events": len(later)}
    return Change(
        entity=Entity.SEASON,
        entity_id=str(event.season),
        kind=ChangeKind.STANDINGS,
        before=None,
        after={**after, "differences": list(said)} if said else after,
    )


def _key(event: Event) -> tuple[object, str]:
    return (event.first_date, event.id)


def _scored(connection: Connection, season: int, session_id: str) -> list[tuple[Event, list[RoundResult]]]:
    """A season's events with official results of a race or sprint, in the calendar's order, with those results."""
    official = (ResultsState.OFFICIAL.value, ResultsState.SETTLED.value)
    scoring = (SessionKind.RACE.value, SessionKind.SPRINT.value)
    entries = read(
        connection,
        select(results, sessions.c.event_id, sessions.c.kind.label("kind"))
        .join(sessions, sessions.c.id == results.c.session_id)
        .where(
            sessions.c.event_id.like(f"{season}-%"),
            sessions.c.kind.in_(scoring),
            or_(sessions.c.results_state.in_(official), sessions.c.id == session_id),
        ),
    )
    rows: dict[str, dict[str, list[Entry]]] = {}
    for row in entries:
        kinds = rows.setdefault(row.pop("event_id"), {})
        kinds.setdefault(row.pop("kind"), []).append(Entry.model_construct(**row))
    found = [Event(**row) for row in read(connection, select(*EVENT_COLUMNS).where(events.c.id.in_(rows)))]
    return [
        (
            event,
            [
                RoundResult.model_construct(round=event.round or 0, kind=SessionKind(kind), entries=tuple(entries))
                for kind, entries in rows[event.id].items()
            ],
        )
        for event in sorted(found, key=_key)
    ]


def _missing_races(connection: Connection, event: Event) -> int:
    """How many races up to an event have no official result in the database."""
    official = (ResultsState.OFFICIAL.value, ResultsState.SETTLED.value)
    return (
        connection.scalar(
            select(func.count())
            .select_from(sessions.join(events, events.c.id == sessions.c.event_id))
            .where(
                events.c.season == event.season,
                events.c.round <= event.round,
                sessions.c.kind == SessionKind.RACE.value,
                sessions.c.results_state.not_in(official),
            )
        )
        or 0
    )


def _found(connection: Connection, event_id: str, competitor: Competitor) -> list[Standing]:
    table = TABLES[competitor]
    rows = read(connection, select(table).where(table.c.event_id == event_id))
    return [
        Standing(
            competitor_id=row[f"{competitor}_id"],
            position=row["position"],
            points=row["points"],
            wins=row["wins"],
            source=row["source"],
        )
        for row in rows
    ]


def _replace(connection: Connection, event: Event, competitor: Competitor, wanted: Sequence[Standing]) -> bool:
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
