"""Writes a season's history, decided in memory, if the database has nothing of the season."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from core.database import Database
from core.kinds import Entity, Source
from core.queries import read_calendar, read_records
from core.records import Circuit
from core.rules.calendar.season import Calendar
from core.rules.datasets import STANDINGS, DatasetState, with_next_poll
from core.rules.history import HISTORY, SeasonAnswer, SeasonHistory, beginnings, is_over, is_settled, season_history
from core.rules.results.polling import Cadence
from core.schema import STANDINGS_OF, circuits, columns, dataset_states, events, result_revisions, results, sessions
from core.upsert.adjustments import mark_applied, read_adjustments
from core.upsert.bulk import copy_rows
from core.upsert.competitors import write_competitors
from core.upsert.evidence import read_alike
from core.upsert.pages import drop_pages
from core.upsert.results import entry_rows, revision_row
from core.upsert.rows import write_changes, write_held, write_rows
from core.upsert.standings import settle_standings, standings_rows
from core.upsert.states import read_season_states


def write_history(
    database: Database, answer: SeasonAnswer, now: datetime, cadence: Cadence, *, flow_run_id: str | None = None
) -> SeasonHistory | None:
    """Write an unknown season; if an event of it exists, write nothing and return None.

    The rows are those of a sync and a poll, with one change for all of them.
    """
    season = answer.season
    with database.writing() as connection:
        known = read_calendar(connection, season)
        if known.events or known.held:
            return None
        listed = [one for of_kind in answer.results.values() for one in of_kind]
        adjustments, elsewhere = read_adjustments(connection, season), read_alike(connection, beginnings(listed))
        history = season_history(answer, known.circuits, adjustments, elsewhere, now, cadence)
        write_season(connection, history, known.circuits, now, flow_run_id)
    return history


def write_season(
    connection: Connection,
    history: SeasonHistory,
    known_circuits: Mapping[str, Circuit],
    now: datetime,
    flow_run_id: str | None,
) -> None:
    """Write all rows of an unknown season, and drop its pages."""
    calendar, stamp = history.calendar, {"updated_at": now}
    write_rows(connection, circuits, known_circuits, calendar.circuits)
    write_competitors(connection, list(history.drivers.values()), list(history.teams.values()))
    copy_rows(connection, events, [columns(events, one) | stamp for one in calendar.events.values()])
    copy_rows(connection, sessions, [columns(sessions, one) | stamp for one in calendar.sessions.values()])
    _write_results(connection, history, now)
    _write_standings(connection, history)
    copy_rows(connection, dataset_states, [columns(dataset_states, one) | stamp for one in history.states.values()])
    write_held(connection, {}, calendar.held)
    mark_applied(connection, history.season)
    _finish(connection, calendar, history.season, now)
    write_changes(connection, [history.change], now, flow_run_id)


def finish_season(database: Database, season: int, now: datetime, *, flow_run_id: str | None = None) -> None:
    """Finish a season written session by session: write standings, mark it if it is over, drop its pages."""
    with database.writing() as connection:
        calendar = read_calendar(connection, season)
        if is_settled(calendar, now):
            write_changes(connection, settle_standings(connection, season), now, flow_run_id)
        _finish(connection, calendar, season, now)


def whole_seasons(database: Database) -> set[int]:
    """The seasons whose history is complete."""
    query = select(dataset_states.c.entity_id).where(
        dataset_states.c.entity == Entity.SEASON.value, dataset_states.c.dataset == HISTORY
    )
    with database.reading() as connection:
        return {int(season) for season in connection.scalars(query)}


def _finish(connection: Connection, calendar: Calendar, season: int, now: datetime) -> None:
    """Drop the pages; mark a season that is over. Once it is settled, ours win and no standings are due."""
    drop_pages(connection, season)
    if not is_over(calendar, now):
        return
    mark = DatasetState(entity=Entity.SEASON, entity_id=str(season), dataset=HISTORY, source=Source.JOLPICA)
    own = dataset_states.c.entity_id == mark.entity_id, dataset_states.c.dataset == HISTORY
    there = read_records(connection, dataset_states, DatasetState, *own)
    write_rows(connection, dataset_states, {one.entity_id: one for one in there}, {mark.entity_id: mark}, stamp=now)
    if is_settled(calendar, now):
        before = read_season_states(connection, STANDINGS, season)
        after = {event_id: with_next_poll(one, None) for event_id, one in before.items()}
        write_rows(connection, dataset_states, before, after, stamp=now)


def _write_results(connection: Connection, history: SeasonHistory, now: datetime) -> None:
    accepted = history.accepted.items()
    copy_rows(connection, results, [row for id_, one in accepted for row in entry_rows(id_, one.result)])
    revisions = [revision_row(id_, one.revision, one.result, now) for id_, one in accepted]
    copy_rows(connection, result_revisions, revisions)


def _write_standings(connection: Connection, history: SeasonHistory) -> None:
    for competitor, table in STANDINGS_OF.items():
        rows = [
            row
            for event, tables in history.standings
            for row in standings_rows(event, competitor, tables.get(competitor, ()))
        ]
        copy_rows(connection, table, rows)
