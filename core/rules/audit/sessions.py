"""Checks of sessions: results that are missing, states and polls, and revisions, against results and the feed. Pure."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from core.kinds import ChangeKind, Entity, ResultsState, Status
from core.rules.audit.season import AuditedSeason, Found
from core.rules.results.decide import CHANGE_KINDS
from core.rules.results.differences import diff_entries, diff_text
from core.rules.results.known import in_order
from core.rules.results.polling import SESSIONS_OF_JOLPICA, over_at
from core.text import counted, moment

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


def revisions_not_whole(season: AuditedSeason) -> Found:
    """Revisions that are not numbered 1, 2, 3 up to the session's, each observed after the one before."""
    for session in season.sessions.values():
        chain = season.revisions.get(session.id, ())
        numbers = [revision.revision for revision in chain]
        if numbers != list(range(1, session.revision + 1)):
            known = ", ".join(map(str, numbers)) or "none"
            yield session.id, f"revisions known: {known}; the session is at revision {session.revision}"
        for before, after in pairwise(chain):
            if after.observed_at < before.observed_at:
                yield session.id, f"revision {after.revision} was seen before revision {before.revision}"


def results_unlike_last_revision(season: AuditedSeason) -> Found:
    """Results that differ from the last revision."""
    for session in season.sessions.values():
        entries, chain = season.entries.get(session.id, ()), season.revisions.get(session.id, ())
        if not chain:
            if entries and not session.has_results:
                yield session.id, f"{counted(len(entries), 'entry', 'entries')} but no revision"
            continue
        last = sorted(chain[-1].rows, key=in_order)
        if sorted(entries, key=in_order) != last:
            differences = diff_text(diff_entries(last, entries)) or "sources or ordinals differ"
            yield session.id, f"they differ from revision {chain[-1].revision}: {differences}"


def state_unlike_revisions(season: AuditedSeason) -> Found:
    """A results state that does not follow from the last revision."""
    for session in season.sessions.values():
        state, chain = session.results_state, season.revisions.get(session.id, ())
        if session.has_results and state is ResultsState.AWAITED:
            yield session.id, f"awaited, though at revision {session.revision}"
        elif not session.has_results and state in (ResultsState.PROVISIONAL, ResultsState.OFFICIAL):
            yield session.id, f"{state.value}, without any revision"
        elif chain and state is not ResultsState.SETTLED and chain[-1].state is not state:
            yield session.id, f"{state.value}, though revision {chain[-1].revision} is {chain[-1].state.value}"


def feed_unlike_revisions(season: AuditedSeason) -> Found:
    """A revision without a change in the feed, or with several, or a change for a revision that does not exist.

    A season stored at once has one change for all, at the same moment. Revisions older than the feed are not checked.
    """
    announced: dict[str, list[int]] = {session_id: [] for session_id in season.sessions}
    at_once = set()
    for change in season.feed:
        if change.entity is Entity.SEASON and change.kind is ChangeKind.ADDED:
            at_once.add(change.at)
        elif change.entity is Entity.SESSION and change.kind in CHANGE_KINDS.values():
            announced.setdefault(change.entity_id, []).append((change.after or {}).get("revision", 0))
    for session in season.sessions.values():
        numbers = announced[session.id]
        for revision in season.revisions.get(session.id, ()):
            is_kept = season.feed_since is not None and revision.observed_at >= season.feed_since
            if is_kept and revision.revision not in numbers and revision.observed_at not in at_once:
                yield session.id, f"the feed has no change for revision {revision.revision}"
        for number in sorted(set(numbers)):
            if number > session.revision:
                yield (
                    session.id,
                    f"the feed has a change for revision {number}, but the session is at {session.revision}",
                )
            if (times := numbers.count(number)) > 1:
                yield session.id, f"the feed has {times} changes for revision {number}"
