"""A season's official results, round by round, as its standings need them: three columns of twenty, and no records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, Numeric, select, type_coerce

from core.queries import in_season, season_ids
from core.records import Event, ResultsState, SessionKind, Status
from core.rules.results.points import SCORING
from core.rules.results.standings import Round, RoundEvent, RoundResult, Scored
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
    .where(in_season(sessions.c.event_id), sessions.c.kind.in_(SCORING_KINDS), sessions.c.results_state.in_(OFFICIAL))
)


def read_rounds(connection: Connection, season: int) -> list[Round]:
    """A season's championship rounds in the calendar's order, with the official results of their race and sprint."""
    found = [RoundEvent(*row) for row in connection.execute(EVENTS, season_ids(season)).all()]
    entries: defaultdict[str, defaultdict[str, list[Scored]]] = defaultdict(lambda: defaultdict(list))
    for event_id, kind, *scored in connection.execute(ENTRIES, season_ids(season)).all():
        entries[event_id][kind].append(Scored(*scored))
    return [
        Round(event, [RoundResult(SessionKind(kind), own) for kind, own in entries[event.id].items()])
        for event in sorted(found, key=lambda event: event.in_order)
        if event.round is not None or event.id in entries
    ]


def read_unseen(connection: Connection, event: Event) -> Sequence[SessionKind]:
    """The kinds of the races and sprints up to an event that take place and have no official result."""
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
    return [SessionKind(row.kind) for row in waiting if (row.first_date, row.id) <= (event.first_date, event.id)]
