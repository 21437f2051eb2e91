"""Writes live timing's archive of a session, or Jolpica's tables of a race, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from core.database import Database
from core.documents import Listing
from core.queries import read_entries, read_held, read_records
from core.records import Record, Session
from core.rules.datasets import ENTRIES, DatasetState, initial_state
from core.rules.results.polling import is_filed
from core.rules.timing.decide import (
    KnownDataset,
    TimingDecision,
    decide_fault,
    decide_incomplete,
    decide_listed,
    decide_timing,
)
from core.rules.timing.due import gates_due
from core.rules.timing.evidence import Evidence
from core.rules.timing.gates import GATES, Gate
from core.rules.timing.listed import OF_RACE, RaceDue, of_cars, tables_due
from core.rules.timing.outcome import SyncedTiming
from core.rules.timing.roster import driver_of
from core.schema import columns, dataset_states, held, metadata, sessions
from core.timing_queries import read_states
from core.timing_records import LineUpEntry
from core.transform.archive.answers import Archive
from core.upsert.competitors import write_team_colors
from core.upsert.keys import write_keys
from core.upsert.pages import drop_pages
from core.upsert.roster import read_line_up_before, read_roster
from core.upsert.rows import replace_rows, write_changes, write_held, write_rows

REFUSED = [gate.dataset.rejected.value for gate in GATES]

Decide = Callable[[Gate, KnownDataset], TimingDecision]


def accept_archive(
    database: Database,
    session_id: str,
    archive: Archive,
    now: datetime,
    *,
    by_name: bool = False,
    flow_run_id: str | None = None,
) -> SyncedTiming:
    """Write an archive's keys, and each due dataset that `decide_timing` accepts.

    Args:
        by_name: include datasets that are not due.
    """
    with database.writing() as connection:
        session, states = _known(connection, session_id)
        evidence = _evidence(connection, session, archive)
        is_whole = archive.is_complete or is_filed(session, now)

        def decide(gate: Gate, known: KnownDataset) -> TimingDecision:
            answer = archive.answers[gate.dataset.name]
            if not is_whole and not gate.from_start:
                return decide_incomplete(gate, known, session, now)
            return decide_timing(gate, known, answer.rows, answer.fault, evidence, now)

        gates = gates_due(session, states, now, by_name=by_name)
        write_keys(connection, session, archive.keys, evidence.drivers)
        return _decide(connection, session, gates, states, decide, now, flow_run_id)


def put_archive_off(
    database: Database, session_id: str, now: datetime, error: str | None, *, by_name: bool = False
) -> SyncedTiming:
    """Enter a poll that brought no archive: it does not exist yet, or fetching it failed with `error`."""
    with database.writing() as connection:
        session, states = _known(connection, session_id)

        def decide(gate: Gate, known: KnownDataset) -> TimingDecision:
            if error is None:
                return decide_incomplete(gate, known, session, now)
            return decide_fault(gate, known, error, now)

        gates = gates_due(session, states, now, by_name=by_name)
        return _decide(connection, session, gates, states, decide, now, None)


def accept_listed(
    database: Database,
    race: RaceDue,
    tables: Mapping[Listing, Sequence[Any]],
    now: datetime,
    *,
    flow_run_id: str | None = None,
) -> SyncedTiming:
    """Write Jolpica's tables that a race still lacks, if they are accepted, and drop their pages."""
    with database.writing() as connection:
        session, states = _known(connection, race.session_id)
        entries = read_entries(connection, session.id)
        evidence = Evidence(session, entries, {one.car_number: one.driver_id for one in entries if one.driver_id})
        found = of_cars(tables, evidence)
        due = tables_due(session, race.season, states, now)
        answers = {OF_RACE[listing].dataset.name: found[listing] for listing in due if listing in found}

        def decide(gate: Gate, known: KnownDataset) -> TimingDecision:
            return decide_listed(gate, known, *answers[gate.dataset.name], evidence, now)

        gates = [gate for gate in GATES if gate.dataset.name in answers]
        drop_pages(connection, race.season, race.round)
        return _decide(connection, session, gates, states, decide, now, flow_run_id)


def _decide(
    connection: Connection,
    session: Session,
    gates: Sequence[Gate],
    states: Mapping[str, DatasetState],
    decide: Decide,
    now: datetime,
    flow_run_id: str | None,
) -> SyncedTiming:
    """Decide about each dataset, and write the decisions."""
    before = read_held(connection, held.c.entity_id == session.id, held.c.kind.in_(REFUSED))
    kept, decisions = before, list[TimingDecision]()
    for gate in gates:
        name = gate.dataset.name
        state = states.get(name) or initial_state(gate.dataset, session.id)
        decision = decide(gate, KnownDataset(state, kept, _rows(connection, gate, state)))
        kept = dict(decision.held)
        if decision.rows is not None:
            _replace(connection, gate, state, decision.rows)
        decisions.append(decision)
    rows = [row for one in decisions for row in one.rows or ()]
    if colored := {row.team_id for row in rows if isinstance(row, LineUpEntry) and row.team_id is not None}:
        write_team_colors(connection, colored)
    write_rows(connection, dataset_states, states, {one.state.dataset: one.state for one in decisions}, stamp=now)
    write_held(connection, before, kept)
    write_changes(connection, [change for one in decisions for change in one.changes], now, flow_run_id)
    return SyncedTiming(session.id, tuple(one.outcome for one in decisions))


def _rows(connection: Connection, gate: Gate, state: DatasetState) -> list[Any]:
    if not state.revision:
        return []
    table = metadata.tables[gate.dataset.tables[0]]
    return read_records(connection, table, gate.record, table.c.session_id == state.entity_id)


def _replace(connection: Connection, gate: Gate, state: DatasetState, rows: Sequence[Record]) -> None:
    table = metadata.tables[gate.dataset.tables[0]]
    key, gone = gate.dataset.key, [(state.entity_id,)] if state.revision else []
    replace_rows(
        connection, table, (key,), gone, [{key: state.entity_id, **columns(table, row)} for row in rows], by_copy=True
    )


def _known(connection: Connection, session_id: str) -> tuple[Session, dict[str, DatasetState]]:
    """A session, and the states of its datasets by name."""
    (session,) = read_records(connection, sessions, Session, sessions.c.id == session_id)
    return session, read_states(connection, [session_id]).get(session_id, {})


def _evidence(connection: Connection, session: Session, archive: Archive) -> Evidence:
    answers = {name: answer.rows for name, answer in archive.answers.items() if answer.rows is not None}
    entries = read_entries(connection, session.id)
    roster = read_roster(connection, session, entries)
    drivers = {listed.car_number: driver_of(listed, roster) for listed in answers.get(ENTRIES.name, ())}
    known = {car: driver for car, driver in drivers.items() if driver is not None}
    return Evidence(session, entries, known, answers, roster, read_line_up_before(connection, session))
