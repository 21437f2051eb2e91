"""Checks of sessions' revisions against each other, results, sessions and the feed. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from core.records import ChangeKind, Entity, Entry, ResultsState
from core.rules.audit.classifications import Found
from core.rules.audit.season import AuditedSeason
from core.rules.results.differences import diff_entries, diff_text
from core.rules.results.known import in_order
from core.text import counted

RESULTS_KINDS = frozenset(
    {
        ChangeKind.RESULTS_PUBLISHED,
        ChangeKind.RESULTS_OFFICIAL,
        ChangeKind.RESULTS_REVISED,
        ChangeKind.RESULTS_RESTORED,
    }
)
"""The kinds of change that a revision causes."""


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
                yield session.id, f"{counted(len(entries), 'entry', 'entries')} and no revision"
            continue
        last = sorted(chain[-1].rows, key=in_order)
        if sorted(entries, key=in_order) != last:
            yield session.id, f"they differ from revision {chain[-1].revision}: {_difference(last, entries)}"


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
        elif change.entity is Entity.SESSION and change.kind in RESULTS_KINDS:
            announced.setdefault(change.entity_id, []).append((change.after or {}).get("revision", 0))
    for session in season.sessions.values():
        numbers = announced[session.id]
        for revision in season.revisions.get(session.id, ()):
            is_kept = season.feed_since is not None and revision.observed_at >= season.feed_since
            if is_kept and revision.revision not in numbers and revision.observed_at not in at_once:
                yield session.id, f"the feed has no change for revision {revision.revision}"
        for number in sorted(set(numbers)):
            if number > session.revision:
                yield session.id, f"the feed has a change for revision {number}, the session is at {session.revision}"
            if (times := numbers.count(number)) > 1:
                yield session.id, f"the feed has {times} changes for revision {number}"


def _difference(before: Sequence[Entry], after: Sequence[Entry]) -> str:
    return diff_text(diff_entries(before, after)) or "sources or ordinals differ"
