"""Reads a season's official results by round for its standings: a few columns, without records."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, Numeric, bindparam, select, type_coerce

from core.kinds import ResultsState, SessionKind, Source, Status
from core.queries import in_season, season_ids
from core.records import Event
from core.rules.calendar.times import date_over
from core.rules.results.decide_standings import Unseen
from core.rules.results.points import SCORING
from core.rules.results.standings import Round, RoundEvent, RoundResult, Scored, rounds_of
from core.schema import events, results, sessions

SCORING_KINDS = tuple(kind.value for kind in SCORING)
OFFICIAL = tuple(state.value for state in ResultsState if state.is_official)

_points = type_coerce(results.c.points, Numeric(7, 3))
EVENTS = select(*(events.c[name] for name in RoundEvent._fields)).where(in_season(events.c.id))
ENTRIES = (
    select(
        sessions.c.event_id,
        sessions.c.kind,
        *(_points if name == "points" else results.c[name] for name in Scored._fields),
    )
    .select_from(results.join(sessions))
    .where(
        in_season(sessions.c.event_id),
        sessions.c.kind.in_(SCORING_KINDS) | (sessions.c.event_id == bindparam("event_id")),
        results.c.source == Source.JOLPICA.value,
    )
)


SEASON_END = (
    select(events.c.ends_at, events.c.last_date)
    .where(
        events.c.season == bindparam("season"), events.c.round.is_not(None), events.c.status != Status.CANCELLED.value
    )
    .order_by(events.c.last_date.desc())
    .limit(1)
)


def read_rounds(connection: Connection, season: int, event_id: str | None = None) -> list[Round]:
    """A season's events in order, with official race and sprint results; the event of the id, if given, with all."""
    named = season_ids(season)
    found = [RoundEvent(*row) for row in connection.execute(EVENTS, named).all()]
    entries: defaultdict[str, defaultdict[str, list[Scored]]] = defaultdict(lambda: defaultdict(list))
    for row in connection.execute(ENTRIES, {"event_id": event_id, **named}).all():
        entries[row[0]][row[1]].append(Scored._make(row[2:]))
    by_event = {
        id_: [RoundResult(SessionKind(kind), own) for kind, own in by_kind.items()] for id_, by_kind in entries.items()
    }
    return rounds_of(found, by_event)


def read_unseen(connection: Connection, event: Event) -> Unseen:
    """The races and sprints up to an event that take place without an official result."""
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
    earlier = [SessionKind(row.kind) for row in waiting if (row.first_date, row.id) < event.in_order]
    return Unseen(earlier, [SessionKind(row.kind) for row in waiting if row.id == event.id])


def read_season_end(connection: Connection, season: int) -> datetime:
    """When a season's last championship event is over."""
    last = connection.execute(SEASON_END, {"season": season}).one()
    return last.ends_at or date_over(last.last_date)
