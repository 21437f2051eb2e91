"""All checks, and the function that runs them on a season. Pure functions."""

from __future__ import annotations

from collections.abc import Callable

from core.rules.audit.classifications import (
    Found,
    driver_in_two_cars,
    gaps_not_rising,
    points_unlike_rule,
    winner_missing,
)
from core.rules.audit.references import id_unlike_row, unknown_id
from core.rules.audit.revisions import (
    feed_unlike_revisions,
    results_unlike_last_revision,
    revisions_not_whole,
    state_unlike_revisions,
)
from core.rules.audit.season import AuditedSeason, Finding
from core.rules.audit.standings import standings_unlike_results
from core.rules.audit.states import poll_unlike_state, results_missing, status_unlike_results

Check = Callable[[AuditedSeason], Found]
"""Yields an id and a message for each fault; a finding is named after its function."""

CHECKS: tuple[Check, ...] = (
    unknown_id,
    id_unlike_row,
    results_missing,
    winner_missing,
    points_unlike_rule,
    gaps_not_rising,
    driver_in_two_cars,
    revisions_not_whole,
    results_unlike_last_revision,
    state_unlike_revisions,
    status_unlike_results,
    poll_unlike_state,
    feed_unlike_revisions,
    standings_unlike_results,
)


def examine_season(season: AuditedSeason) -> tuple[Finding, ...]:
    """The findings of all checks in a season, in the table's order."""
    return tuple(
        Finding(check=check.__name__, season=season.season, entity_id=entity_id, message=message)
        for check in CHECKS
        for entity_id, message in check(season)
    )
