"""Reads about what happened on track: due archives and laps, and the states of sessions' datasets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, and_, func, or_, select

from core.database import Database
from core.documents import WHOLE_SEASON
from core.kinds import Entity, ResultsState, SessionKind, Source, Status
from core.queries import read_records, with_events
from core.records import Session
from core.rules.calendar.season import FIRST_LIVETIMING_SEASON
from core.rules.datasets import DatasetState
from core.rules.results.due_polls import DuePoll
from core.rules.timing.due import gates_due
from core.rules.timing.gates import GATES
from core.rules.timing.listed import RaceDue, tables_due
from core.schema import backfill_pages, dataset_states, events, results, sessions

ARCHIVED = [gate.dataset.name for gate in GATES]
"""The datasets that live timing's archive gives."""

LAPS_OF_RESULTS = (
    select(results.c.session_id, func.sum(results.c.laps))
    .where(results.c.source == Source.JOLPICA.value, results.c.laps.is_not(None))
    .group_by(results.c.session_id)
)
PAGES_OF_RACES = (
    select(backfill_pages.c.season, backfill_pages.c["round"], func.count().label("pages"))
    .where(backfill_pages.c["round"] != WHOLE_SEASON)
    .group_by(backfill_pages.c.season, backfill_pages.c["round"])
)


def read_due_timing(database: Database, now: datetime) -> list[DuePoll]:
    """The sessions with a due dataset of live timing's archive, oldest first: a line-up depends on the one before."""
    own = and_(dataset_states.c.entity_id == sessions.c.id, dataset_states.c.dataset.in_(ARCHIVED))
    asked = select(func.count()).select_from(dataset_states).where(own).correlate(sessions).scalar_subquery()
    again = select(dataset_states.c.entity_id).where(own, dataset_states.c.next_poll_at <= now).correlate(sessions)
    begun = sessions.c.starts_at.between(datetime(FIRST_LIVETIMING_SEASON, 1, 1, tzinfo=UTC), now)
    with database.reading() as connection:
        found = read_records(
            connection,
            sessions,
            Session,
            sessions.c.status != Status.CANCELLED.value,
            begun,
            or_(asked < len(ARCHIVED), again.exists()),
        )
        states = read_states(connection, [session.id for session in found])
        due = [session for session in found if gates_due(session, states.get(session.id, {}), now)]
        ordered = sorted(due, key=lambda session: (session.starts_at or now, session.id))
        return with_events(connection, ordered)


def read_races_due(database: Database, first: int, last: int, now: datetime) -> list[RaceDue]:
    """The races of some seasons whose laps or pit stops are to be fetched from Jolpica, newest first."""
    official = [state.value for state in ResultsState if state.is_official]
    in_seasons = select(events.c.id).where(events.c.season.between(first, last), events.c["round"].is_not(None))
    with database.reading() as connection:
        found = read_records(
            connection,
            sessions,
            Session,
            sessions.c.kind == SessionKind.RACE.value,
            sessions.c.results_state.in_(official),
            sessions.c.event_id.in_(in_seasons),
        )
        states = read_states(connection, [session.id for session in found])
        laps: dict[str, int] = dict(connection.execute(LAPS_OF_RESULTS).tuples().all())
        kept = {(row.season, row.round): row.pages for row in connection.execute(PAGES_OF_RACES)}
        due = []
        for one in with_events(connection, found):
            session, event = one.session, one.event
            listings = tables_due(session, event.season, states.get(session.id, {}), now)
            if listings and event.round is not None and session.id in laps:
                pages = kept.get((event.season, event.round), 0)
                due.append(RaceDue(session.id, event.season, event.round, listings, laps[session.id], pages))
        return sorted(due, key=lambda race: (race.season, race.round), reverse=True)


def read_states(connection: Connection, session_ids: Sequence[str]) -> dict[str, dict[str, DatasetState]]:
    """The states of sessions' datasets, by session and name."""
    found: dict[str, dict[str, DatasetState]] = {}
    wanted = dataset_states.c.entity == Entity.SESSION.value, dataset_states.c.entity_id.in_(session_ids)
    for state in read_records(connection, dataset_states, DatasetState, *wanted):
        found.setdefault(state.entity_id, {})[state.dataset] = state
    return found
