"""Writes standings: recomputed in the transaction that changes results, or accepted from Jolpica."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, literal, select, union_all

from core.database import Database
from core.queries import read_records, records_of, stored
from core.records import Change, Competitor, Driver, Event, Session, Standing, Team
from core.rules.calendar.identity import season_of
from core.rules.datasets import STANDINGS
from core.rules.results.decide_standings import (
    KnownStandings,
    decide_standings,
    latest_due,
    ours_win,
    standings_change,
    standings_unread,
)
from core.rules.results.standings import Round, RoundEvent, Tables, standings_after
from core.schema import STANDINGS_OF, dataset_states, events, held
from core.upsert.adjustments import mark_applied, read_adjustments, unapplied
from core.upsert.competitors import write_competitors
from core.upsert.rounds import read_rounds, read_season_end, read_unseen
from core.upsert.rows import replace_rows, write_changes, write_rows
from core.upsert.states import read_season_states, read_state, write_state

FOUND = union_all(
    *(
        records_of(table, Standing)
        .add_columns(table.c[f"{competitor}_id"].label("competitor_id"), literal(competitor).label("competitor"))
        .where(table.c.event_id == bindparam("event"))
        for competitor, table in STANDINGS_OF.items()
    )
)

Computed = Sequence[tuple[RoundEvent, Tables]]
"""The standings after events, in order."""

Named = tuple[Sequence[Driver], Sequence[Team]]
"""The drivers and teams that rows name."""


def recompute_standings(
    connection: Connection, session: Session, rounds: Sequence[Round], now: datetime
) -> list[Change]:
    """Recompute both championships from a session's event on, from the season's official results.

    Jolpica's standings after the season's latest event become due, since results do not show deductions.

    Returns:
        One change of the season if anything differs, from this event on.
    """
    season = season_of(session.id)
    latest = max(one.event.in_order for one in rounds if one.results)[-1]
    _latest_due(connection, season, latest, now)
    computed = standings_after(rounds, read_adjustments(connection, season), from_event=session.event_id)
    return _write_computed(connection, computed)


def settle_standings(connection: Connection, season: int) -> list[Change]:
    """Replace all standings of a settled season by ours, computed with the current rules and adjustments."""
    computed = standings_after(read_rounds(connection, season), read_adjustments(connection, season))
    mark_applied(connection, season)
    return _write_computed(connection, computed)


def _write_computed(connection: Connection, computed: Computed) -> list[Change]:
    """Write computed standings where they differ; published ones with equal figures are kept."""
    differing: list[int] = []
    for number, (event, tables) in enumerate(computed):
        found = _found(connection, event.id)
        for competitor, wanted in tables.items():
            if _figures(found[competitor]) != _figures(wanted):
                _replace(connection, event, competitor, wanted, replaces=bool(found[competitor]))
                differing.append(number)
    return [standings_change(computed[differing[0]][0], len(computed) - differing[0])] if differing else []


def accept_standings(
    database: Database,
    event_id: str,
    published: Mapping[Competitor, Sequence[Standing]],
    named: Mapping[Competitor, Named],
    now: datetime,
    *,
    flow_run_id: str | None = None,
) -> list[str]:
    """Accept Jolpica's standings after an event, if `decide_standings` does.

    Args:
        named: the drivers and teams in each table, some of which may have no result here.

    Returns:
        The differences, one line per competitor, and why a table is refused.
    """
    with database.writing() as connection:
        [event] = read_records(connection, events, Event, events.c.id == event_id)
        stored = read_state(connection, STANDINGS, event_id)
        computed = standings_after(
            read_rounds(connection, event.season, event_id), read_adjustments(connection, event.season)
        )
        season_end, unseen = read_season_end(connection, event.season), read_unseen(connection, event)
        changes: list[Change] = []
        if mark_applied(connection, event.season) or ours_win(season_end, unseen, now):
            changes += _write_computed(connection, computed)
        known = KnownStandings(
            event=event,
            season_end=season_end,
            state=stored.state,
            held=stored.held,
            computed=next((tables for one, tables in computed if one.id == event_id), {}),
            unseen=unseen,
            tables=_found(connection, event_id),
        )
        decision = decide_standings(known, published, now)
        for competitor in decision.accepted:
            write_competitors(connection, *named[competitor])
        for competitor, wanted in decision.tables.items():
            _replace(connection, event, competitor, wanted, replaces=True)
        write_state(connection, stored, decision.state, decision.held, now)
        write_changes(connection, [*changes, *decision.changes], now, flow_run_id)
    return list(decision.messages)


def standings_due(database: Database, now: datetime) -> list[Event]:
    """The events after which Jolpica's standings are due, including those due because of a new adjustment."""
    of_standings = dataset_states.c.dataset == STANDINGS.name
    due = select(dataset_states.c.entity_id).where(of_standings, dataset_states.c.next_poll_at <= now)
    put_off = select(dataset_states.c.entity_id).where(of_standings, dataset_states.c.next_poll_at > now)
    with database.reading() as connection:
        adjusted = events.c.id.in_(unapplied(connection).values()) & events.c.id.not_in(put_off)
        return read_records(connection, events, Event, events.c.id.in_(due) | adjusted)


def put_standings_off(database: Database, event: Event, now: datetime, error: str, *, is_refused: bool) -> None:
    """Poll an event's standings later; `is_refused`: the published ones are unreadable, and are held with the error."""
    with database.writing() as connection:
        stored = read_state(connection, STANDINGS, event.id)
        end = read_season_end(connection, event.season)
        state, kept = standings_unread(stored.state, stored.held, event, end, now, error, is_refused=is_refused)
        write_state(connection, stored, state, kept, now)


def _latest_due(connection: Connection, season: int, latest: str, now: datetime) -> None:
    """Make only the standings after the season's latest event due, and drop what is held for the others."""
    before = read_season_states(connection, STANDINGS, season)
    write_rows(connection, dataset_states, before, latest_due(before, latest, now), stamp=now)
    others = [one for one, state in before.items() if (state.next_poll_at or state.last_error) and one != latest]
    if others:
        void = held.c.entity_id.in_(others), held.c.kind.in_([kind.value for kind in STANDINGS.held_kinds])
        connection.execute(delete(held).where(*void))


def _figures(standings: Sequence[Standing]) -> dict[str, tuple[object, ...]]:
    return {one.competitor_id: (one.position, one.points, one.wins) for one in standings}


def _found(connection: Connection, event_id: str) -> dict[Competitor, list[Standing]]:
    found: dict[Competitor, list[Standing]] = {competitor: [] for competitor in STANDINGS_OF}
    for row in connection.execute(FOUND, {"event": event_id}).mappings().all():
        named = dict(row)
        found[named.pop("competitor")].append(stored(Standing, named))
    return found


def _replace(
    connection: Connection,
    event: Event | RoundEvent,
    competitor: Competitor,
    wanted: Sequence[Standing],
    *,
    replaces: bool,
) -> None:
    rows = standings_rows(event, competitor, wanted)
    replace_rows(connection, STANDINGS_OF[competitor], (STANDINGS.key,), [(event.id,)] if replaces else [], rows)


def standings_rows(
    event: Event | RoundEvent, competitor: Competitor, wanted: Sequence[Standing]
) -> list[dict[str, object]]:
    """An event's standings as rows of the championship's table."""
    return [
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
