"""Checks of sessions' polls, and for missing results. Pure functions."""

from __future__ import annotations

from datetime import timedelta

from core.records import ResultsState, Status
from core.rules.audit.classifications import Found
from core.rules.audit.season import AuditedSeason
from core.rules.results.polling import SESSIONS_OF_JOLPICA, over_at
from core.text import moment

PUBLISHED_AFTER = timedelta(days=1)
"""Official results are published within twelve hours."""


def results_missing(season: AuditedSeason) -> Found:
    """A race, sprint or qualifying that ended more than a day ago and has no results."""
    for session in season.sessions.values():
        takes_place = session.status is not Status.CANCELLED and session.kind in SESSIONS_OF_JOLPICA
        if takes_place and not session.has_results and season.now >= over_at(session) + PUBLISHED_AFTER:
            why = f": {session.last_error}" if session.last_error else ""
            yield session.id, f"over since {session.local_date} and has no results{why}"


def poll_unlike_state(season: AuditedSeason) -> Found:
    """A settled session with a next poll, one not settled without a next poll, or faults without a reason."""
    for session in season.sessions.values():
        is_settled = session.results_state is ResultsState.SETTLED
        if is_settled and session.next_poll_at is not None:
            yield session.id, f"settled, but polled next at {moment(session.next_poll_at, year=True)}"
        waits = session.status is not Status.CANCELLED and not is_settled
        if waits and session.next_poll_at is None and session.poll_attempts:
            yield session.id, f"{session.results_state.value}, but never polled again"
        if session.poll_faults and session.last_error is None:
            yield session.id, f"{session.poll_faults} faults in a row, without a reason"
    for state in season.states:
        if state.poll_faults and state.last_error is None:
            yield state.entity_id, f"{state.dataset}: {state.poll_faults} faults in a row, without a reason"
        if state.poll_faults and state.next_poll_at is None:
            yield state.entity_id, f"{state.dataset}: failed, but never polled again"


def status_unlike_results(season: AuditedSeason) -> Found:
    """A session with results that is still scheduled or live."""
    for session in season.sessions.values():
        if session.has_results and session.status not in (Status.COMPLETED, Status.CANCELLED):
            yield session.id, f"{session.status.value}, though it has results"
