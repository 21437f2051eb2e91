"""All checks, and the function that runs them on a season. Pure functions."""

from __future__ import annotations

from collections.abc import Callable

from core.rules.audit import classifications, references, sessions, standings
from core.rules.audit.season import AuditedSeason, Finding, Found

Check = Callable[[AuditedSeason], Found]
"""Yields an id and a message for each fault; a finding is named after its function."""

CHECKS: tuple[Check, ...] = (
    references.unknown_id,
    references.id_unlike_row,
    sessions.results_missing,
    classifications.winner_missing,
    classifications.points_unlike_rule,
    classifications.gaps_not_rising,
    classifications.driver_in_two_cars,
    sessions.revisions_not_whole,
    sessions.results_unlike_last_revision,
    sessions.state_unlike_revisions,
    sessions.status_unlike_results,
    sessions.poll_unlike_state,
    sessions.feed_unlike_revisions,
    standings.standings_unlike_results,
)


def examine_season(season: AuditedSeason) -> tuple[Finding, ...]:
    """The findings of all checks in a season, in the table's order."""
    return tuple(
        Finding(check=check.__name__, season=season.season, entity_id=entity_id, message=message)
        for check in CHECKS
        for entity_id, message in check(season)
    )
