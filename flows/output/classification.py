"""A session's classification as a table: the current one, or the one known at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from core.database import Database
from core.errors import F1FlowsError, UsageError
from core.kinds import RACED, SessionKind
from core.queries import read_records, results_as_of, unknown
from core.records import Driver, Entry, Event, Session
from core.rules.calendar.names import event_and_kind, without_session
from core.rules.results.differences import LETTERS
from core.schema import drivers, events, result_revisions, sessions, teams
from core.text import counted, duration, moment, plain
from flows.output.text import NOTHING, Column, Row, markdown_table, print_table, screen, shown, styled

LEFT = ("driver", "team")
DROPPED = ("team", "car", "laps", "grid", "+/-", "Q1", "Q2", "Q3")
"""The columns that a narrow terminal drops, the last one first."""


@dataclass(frozen=True)
class Classification:
    """A session's classification as text: its title, column titles, and a row per entry, best first.

    `headline` is a one-line summary: Max Verstappen wins, official; 3 revisions.
    """

    heading: str
    headline: str
    state: str
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read_classification(
    database: Database, identity: str, as_of: datetime | None = None, kind: SessionKind | None = None
) -> Classification:
    """A session's current results, or those known at `as_of`.

    Args:
        identity: the session's id, or its event's, with `kind` or for the last session that has results.

    Raises:
        UsageError: there is no such session; the nearest events are named.
        F1FlowsError: it has no results, or had none at that time.
    """
    until = as_of or datetime.max.replace(tzinfo=UTC)
    with database.reading() as connection:
        session, event = _session_and_event(connection, identity, kind, until)
        then = results_as_of(connection, session.id, until)
        if then is None:
            raise F1FlowsError(f"{session.id} has no results{' at that time' if as_of else ' yet'}")
        revision, state, entries = then
        known = select(result_revisions.c.revision, result_revisions.c.observed_at)
        revisions = connection.execute(known.where(result_revisions.c.session_id == session.id)).all()
        own = drivers.c.id.in_({entry.driver_id for entry in entries})
        names = {driver.id: driver.full_name for driver in read_records(connection, drivers, Driver, own)}
        team_names = {row.id: row.name for row in connection.execute(select(teams))}
    observed = next(row.observed_at for row in revisions if row.revision == revision)
    raced = session.kind in RACED
    facts = ("grid", "+/-", "laps", "time", "points") if raced else ("Q1", "Q2", "Q3", "best")
    most = most_laps(entries)
    first = next((entry for entry in entries if entry.position == 1), None)
    leader = _driver(first, names) if first else "nobody"
    return Classification(
        heading=f"{event.name} {event.season}, {session.name}",
        headline=f"{leader} {'wins' if raced else 'is first'}, {state}; {counted(len(revisions), 'revision')}",
        state=f"revision {revision} of {len(revisions)}, {state}, known since {moment(observed, year=True)}",
        titles=("", "car", *LEFT, *facts),
        rows=tuple(
            (
                place_text(entry),
                entry.car_number,
                _driver(entry, names),
                team_names.get(entry.team_id or "", NOTHING),
                *(_raced(entry, most) if raced else _timed(entry)),
            )
            for entry in entries
        ),
    )


def _session_and_event(
    connection: Connection, identity: str, kind: SessionKind | None, until: datetime
) -> tuple[Session, Event]:
    event_id, kind = event_and_kind(identity, kind)
    event = read_records(connection, events, Event, events.c.id == event_id)
    if not event:
        raise UsageError(unknown(connection, identity))
    own = read_records(connection, sessions, Session, sessions.c.event_id == event_id)
    if kind is None:
        known = select(result_revisions.c.session_id).where(result_revisions.c.observed_at <= until)
        having = set(connection.scalars(known.where(result_revisions.c.session_id.in_([one.id for one in own]))))
        found = [session for session in own if session.id in having]
        if not found:
            raise F1FlowsError(f"{event_id}: none of its sessions has results")
        return max(found, key=lambda session: (session.local_date, session.starts_at or until, session.id)), event[0]
    found = [session for session in own if session.kind is kind]
    if not found:
        raise UsageError(without_session(event_id, kind, own))
    return found[0], event[0]


def print_classification(
    database: Database, identity: str, as_of: datetime | None = None, kind: SessionKind | None = None
) -> None:
    """Print a session's classification on the terminal; arguments and errors as `read_classification`."""
    classification = read_classification(database, identity, as_of, kind)
    columns = [
        Column(title, DROPPED.index(title) + 1 if title in DROPPED else 0, "left" if title in LEFT else "right")
        for title in classification.titles
    ]
    styles = {"1": "bold yellow", "2": "bold", "3": "bold"}
    rows = [Row(row, styles.get(row[0], "" if row[0].isdigit() else "dim")) for row in classification.rows]
    console = screen()
    console.print(styled((classification.heading, "bold")))
    console.print(styled(classification.state))
    print_table(columns, rows)


def markdown(classification: Classification) -> list[str]:
    """A classification's table as lines of markdown."""
    titles = classification.titles
    return markdown_table(titles, classification.rows, right=[title for title in titles if title not in LEFT])


def _driver(entry: Entry, names: Mapping[str, str]) -> str:
    return names.get(entry.driver_id or "", entry.driver_code or NOTHING)


def most_laps(entries: Iterable[Entry]) -> int:
    """The most laps of an entry."""
    return max((entry.laps or 0 for entry in entries), default=0)


def place_text(entry: Entry) -> str:
    """The classified place, or the reason for none: ret, DSQ."""
    letter = LETTERS.get(entry.classification or "", entry.classification)
    return letter or (str(entry.position) if entry.position else NOTHING)


def _raced(entry: Entry, most: int) -> tuple[str, ...]:
    """Grid, places gained, laps, time, points."""
    grid = "pit" if entry.grid == 0 else shown(entry.grid)
    gained = f"{entry.grid - entry.position:+d}" if entry.grid and entry.position else ""
    points = "" if entry.points == 0 else shown(entry.points, plain)
    return grid, "" if gained == "+0" else gained, shown(entry.laps), race_time(entry, most), points


def _timed(entry: Entry) -> tuple[str, ...]:
    """The times of qualifying's parts, and the best lap."""
    return tuple(shown(ms, duration) for ms in (entry.q1_ms, entry.q2_ms, entry.q3_ms, entry.best_lap_ms))


def race_time(entry: Entry, most: int) -> str:
    """The winner's time, the others' gaps; laps for the lapped, and the reason for the retired."""
    behind = most - (entry.laps or 0)
    if entry.position and behind:
        return f"+{counted(behind, 'lap')}"
    if entry.gap_ms:
        return f"+{duration(entry.gap_ms)}"
    return entry.status or NOTHING if entry.time_ms is None else duration(entry.time_ms)
