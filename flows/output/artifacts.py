"""Prefect's artifacts: markdown and tables beside a run in the UI, from the database's rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec

import httpx
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException
from sqlalchemy import ColumnElement, Row, select

from core.database import Database
from core.errors import DatabaseError
from core.kinds import ChangeKind, SessionKind, Status
from core.queries import in_season, read_calendar
from core.records import Event, Session
from core.rules.calendar.identity import event_id_of, kind_of, slug
from core.rules.calendar.season import Calendar
from core.rules.results.outcome import Polled
from core.text import counted, lapse, printable
from core.upsert.schedule import SeasonSummary
from core.views import results_freshness
from flows.output import report
from flows.output.changes import changes_markdown
from flows.output.classification import markdown, read_classification
from flows.output.next_session import read_next
from flows.output.standings import read_championships
from flows.output.text import cell, markdown_table, shown
from flows.runtime.logs import present_flow_run

logger = logging.getLogger(__name__)

SHOWN_KINDS = (SessionKind.QUALIFYING, SessionKind.SPRINT, SessionKind.RACE)
SHOWN_SESSIONS = 10
MILESTONES = {
    "seconds_to_provisional": "provisional",
    "seconds_to_official": "official",
    "seconds_to_last_revision": "last revision",
}

P = ParamSpec("P")


def best_effort(show: Callable[P, None]) -> Callable[P, None]:
    """Decorate a function that only shows something: a failure is logged, because the rows are already committed."""

    @wraps(show)
    def tried(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            show(*arguments, **options)
        except (httpx.HTTPError, PrefectException, DatabaseError) as error:
            logger.warning("not shown in Prefect's UI: %s: %s", type(error).__name__, error)

    return tried


@best_effort
def tag_run(seasons: Iterable[int]) -> None:
    """Tag the current flow run, if there is one, with its seasons."""
    if (flow_run := present_flow_run()) is None or not (wanted := {str(season) for season in seasons}):
        return
    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, tags=sorted({*flow_run.tags, *wanted}))


@best_effort
def show_sync(database: Database, summary: SeasonSummary, now: datetime) -> None:
    """Show a sync: its summary, what changed, what is held, and how fresh the season's latest results are."""
    lines = [f"# {summary.season}", "", cell(report.season_line(summary)), ""]
    if changed := [change for change in summary.changes if change.kind is not ChangeKind.ADDED]:
        lines += [*changes_markdown(changed), ""]
    lines += [f"- held: {cell(note)}" for note in summary.notes]
    of_season = in_season(results_freshness.c.session_id, summary.season)
    lines += ["", *freshness_lines(_read_freshness(database, of_season), now)]
    _create_markdown(f"schedule-{summary.season}", report.season_line(summary), lines)


def freshness_lines(fresh: Sequence[Row[Any]], now: datetime) -> list[str]:
    """A table of how long after their scheduled ends the latest sessions' results were available."""
    over = [row for row in fresh if row.ends_at <= now and kind_of(row.session_id) in SHOWN_KINDS]
    if all(row.seconds_to_last_revision is None for row in over):
        return []
    rows = [
        (row.session_id, *(shown(getattr(row, column), lapse) for column in MILESTONES))
        for row in over[-SHOWN_SESSIONS:]
    ]
    table = markdown_table(("session", *MILESTONES.values()), rows, right=MILESTONES.values())
    return ["## How fresh results are", "", "After the scheduled end:", "", *table]


@best_effort
def show_season(database: Database, season: int) -> None:
    """Show the season: a row per event, with its status and results so far."""
    with database.reading() as connection:
        calendar = read_calendar(connection, season)
    create_table_artifact(season_table(calendar), key=f"season-{season}", description=season_headline(calendar))


def season_headline(calendar: Calendar) -> str:
    """A season's progress: 14 of 24 races driven, 14 official; next: Dutch Grand Prix, 2024-08-23."""
    races = [session for session in calendar.sessions.values() if session.kind is SessionKind.RACE]
    held = [session for session in races if session.status is not Status.CANCELLED]
    driven = [session for session in held if session.status is Status.COMPLETED]
    official = sum(session.results_state.is_official for session in driven)
    line = f"{len(driven)} of {counted(len(held), 'race')} driven, {official} official"
    coming = [event for event in calendar.events.values() if event.status in (Status.SCHEDULED, Status.LIVE)]
    if not coming:
        return line
    first = min(coming, key=lambda event: event.in_order)
    return f"{line}; next: {cell(first.name)}, {first.first_date}"


def season_table(calendar: Calendar) -> list[dict[str, Any]]:
    """A row per event by date; its sessions have their results' state and revisions."""
    rows = []
    for event in calendar.events_in_order:
        known = calendar.sessions_of(event.id)
        held = sum(event_id_of(answer.entity_id) == event.id for answer in calendar.held.values())
        name, first = printable(event.name), str(event.first_date)
        row = {"round": event.round or "", "event": name, "from": first, "status": event.status}
        row |= {kind.value: _state(known[kind]) if kind in known else "" for kind in SHOWN_KINDS}
        rows.append(row | {"held": held or ""})
    return rows


def _state(session: Session) -> str:
    if session.revision:
        again = f" ({session.revision} revisions)" if session.revision > 1 else ""
        return f"{session.results_state.value}{again}"
    return session.results_state.value if session.status is Status.COMPLETED else session.status.value


@best_effort
def show_result(database: Database, polled: Polled) -> None:
    """Show an accepted result: the classification with places gained, the revision, how fresh it is."""
    found = read_classification(database, polled.session_id)
    lines = [f"# {cell(found.heading)}", "", f"{cell(polled.session_id)}: {cell(found.state)}.", ""]
    if polled.diff:
        lines += [f"Revised: {cell(polled.diff)}", ""]
    lines += markdown(found)
    for row in _read_freshness(database, results_freshness.c.session_id == polled.session_id):
        lines += ["", f"Known {shown(row.seconds_to_last_revision, lapse)} after the scheduled end.", ""]
    lines += [f"- {cell(warning)}" for warning in polled.warnings]
    _create_markdown(slug(polled.session_id), found.headline, lines)


@best_effort
def show_standings(database: Database, events: Iterable[Event]) -> None:
    """Show both championships after each given event that has standings, in the order of the events' dates."""
    for event in sorted({event.id: event for event in events}.values(), key=lambda event: event.in_order):
        if (found := read_championships(database, event.id)) is not None:
            _create_markdown(f"standings-{event.id}", found.headline, found.lines)


@best_effort
def show_next_session(database: Database, now: datetime) -> None:
    """Show the next session, and those after it."""
    if (card := read_next(database, now)) is not None:
        _create_markdown("next-session", card.headline, card.lines)


def _create_markdown(key: str, headline: str, lines: Sequence[str]) -> None:
    create_markdown_artifact("\n".join(lines), key=key, description=cell(headline))


def _read_freshness(database: Database, condition: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """How fresh the results of some sessions are, in the order of the sessions' ends."""
    fresh = select(results_freshness).where(condition).order_by(results_freshness.c.ends_at)
    with database.reading() as connection:
        return connection.execute(fresh).all()
