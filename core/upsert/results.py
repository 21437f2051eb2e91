"""Writes a session's results: entries, revision, session, standings and changes in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from core.database import Database
from core.kinds import Source
from core.queries import read_entries
from core.records import SessionResult
from core.rules.calendar.identity import season_of
from core.rules.results.decide import Revision, decide
from core.rules.results.known import Evidence, identified
from core.rules.results.outcome import Polled
from core.rules.results.polling import Cadence
from core.rules.results.standings import Round, with_result
from core.schema import columns, result_revisions, results
from core.upsert.competitors import write_competitors
from core.upsert.evidence import read_evidence, read_numbers
from core.upsert.polls import read_known, write_session
from core.upsert.rounds import read_rounds
from core.upsert.rows import replace_rows, write_changes
from core.upsert.standings import recompute_standings


def accept_result(
    database: Database,
    session_id: str,
    result: SessionResult,
    now: datetime,
    cadence: Cadence,
    *,
    flow_run_id: str | None = None,
    force: bool = False,
) -> Polled:
    """Make a result the session's next revision, unless it is unchanged, held or rejected: see `decide`."""
    with database.writing() as connection:
        known = read_known(connection, session_id)
        if known.session.has_results:
            known = replace(known, entries=read_entries(connection, session_id))
        if result.source is not Source.JOLPICA:
            known = replace(known, evidence=Evidence(by_number=read_numbers(connection, known.session)))
            result = identified(result, known.evidence.by_number)
        rounds: list[Round] = []
        if not known.is_unchanged_by(result):
            rounds = read_rounds(connection, season_of(session_id), known.session.event_id)
            known = replace(known, evidence=read_evidence(connection, known, result, rounds))
        decision = decide(known, result, now, cadence, force=force)
        if decision.outcome.is_accepted:
            write_competitors(connection, result.drivers, result.teams)
        changes = list(decision.changes)
        if decision.revision is not None:
            gone = [(session_id,)] if known.entries else []
            replace_rows(connection, results, ("session_id",), gone, entry_rows(session_id, result))
            connection.execute(insert(result_revisions), revision_row(session_id, decision.revision, result, now))
        write_session(connection, known, decision, now)
        if decision.changes_standings:
            rounds = with_result(rounds, known.session.event_id, known.session.kind, result.entries)
            changes += recompute_standings(connection, known.session, rounds, now)
        write_changes(connection, changes, now, flow_run_id)
    return decision.polled(len(known.entries))


def entry_rows(session_id: str, result: SessionResult) -> list[dict[str, Any]]:
    """A session's entries as rows of `results`."""
    return [{**columns(results, entry), "session_id": session_id} for entry in result.entries]


def revision_row(session_id: str, revision: Revision, result: SessionResult, now: datetime) -> dict[str, Any]:
    """A revision as a row of `result_revisions`."""
    return {
        "session_id": session_id,
        "revision": revision.number,
        "observed_at": now,
        "source": result.source.value,
        "state": revision.state.value,
        "rows": revision.rows,
        "diff": revision.differences,
    }
