"""A season's official results, round by round, as its standings need them: three columns of twenty, and no records."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from sqlalchemy import BindParameter, Connection, Numeric, bindparam, or_, select, type_coerce

from core.records import ResultsState, SessionKind
from core.rules.results.standings import SCORING, RoundResult, Scored
from core.schema import events, results, sessions

OFFICIAL = (ResultsState.OFFICIAL.value, ResultsState.SETTLED.value)


class Stop(NamedTuple):
    """What of an event its standings need."""

    id: str
    season: int
    round: int | None
    first_date: date


class Round(NamedTuple):
    """An event with the official results of its sprint and race."""

    event: Stop
    results: list[RoundResult]


_of_season: BindParameter[str] = bindparam("of_season")
_points = type_coerce(results.c.points, Numeric(7, 3))
STOPS = select(*(events.c[name] for name in Stop._fields)).where(events.c.id.like(_of_season))
ENTRIES = (
    select(
        sessions.c.event_id,
        sessions.c.kind,
        *(_points if name == "points" else results.c[name] for name in Scored._fields),
    )
    .select_from(results.join(sessions))
    .where(
        sessions.c.event_id.like(_of_season),
        sessions.c.kind.in_([kind.value for kind in SCORING]),
        or_(sessions.c.results_state.in_(OFFICIAL), sessions.c.id == bindparam("session_id")),
    )
)


def read_rounds(connection: Connection, season: int, session_id: str | None = None) -> list[Round]:
    """A season's events with official results of a race or sprint, in the calendar's order.

    `session_id` is a session whose results are official though its own row does not say so yet.
    """
    named = {"of_season": f"{season}-%", "session_id": session_id}
    stops = [Stop(*row) for row in connection.execute(STOPS, {"of_season": named["of_season"]}).all()]
    entries: defaultdict[str, defaultdict[str, list[Scored]]] = defaultdict(lambda: defaultdict(list))
    for event_id, kind, *scored in connection.execute(ENTRIES, named).all():
        entries[event_id][kind].append(Scored(*scored))
    return [
        Round(stop, [RoundResult(stop.round or 0, SessionKind(kind), own) for kind, own in entries[stop.id].items()])
        for stop in sorted(stops, key=lambda stop: (stop.first_date, stop.id))
        if stop.id in entries
    ]
