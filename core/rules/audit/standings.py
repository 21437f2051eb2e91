"""The check of standings against what the season's results give. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from core.records import Source, Standing
from core.rules.audit.classifications import Found
from core.rules.audit.season import AuditedSeason
from core.rules.results.standings import plain, standings_after
from core.text import counted

SHOWN = 3
"""How many differences of one table are told one by one."""


def standings_unlike_results(season: AuditedSeason) -> Found:
    """Standings that the season's rule and adjustments do not give, or none after an event with official results.

    Where a published table that differs stands, while the season is under way, the difference is held for a person:
    that is no finding.
    """
    left = dict(season.standings)
    for event, tables in standings_after(season.rounds, season.adjustments):
        for competitor, computed in tables.items():
            there = left.pop((event.id, competitor), ())
            if said := _unlike(there, computed):
                is_published = any(standing.source == Source.JOLPICA.value for standing in there)
                if not (is_published and _is_held(season, event.id)):
                    yield event.id, f"{competitor} standings: {said}"
    for (event_id, competitor), table in left.items():
        if table:
            yield event_id, f"{competitor} standings, and no official results to compute them from"


def _unlike(there: Sequence[Standing], computed: Sequence[Standing]) -> str:
    """How stored standings differ from the computed ones, in words; empty where they do not."""
    if not there:
        return "none" if computed else ""
    stored, due = ({standing.competitor_id: standing for standing in table} for table in (there, computed))
    said = [
        f"{id_}: {_words(stored.get(id_))}, by results {_words(due.get(id_))}"
        for id_ in {**due, **stored}
        if _facts(stored.get(id_)) != _facts(due.get(id_))
    ]
    more = [f"and {len(said) - SHOWN} more"] if len(said) > SHOWN else []
    return "; ".join([*said[:SHOWN], *more])


def _facts(standing: Standing | None) -> tuple[object, ...] | None:
    return None if standing is None else (standing.position, standing.points, standing.wins)


def _words(standing: Standing | None) -> str:
    if standing is None:
        return "not there"
    place = f"place {standing.position}" if standing.position is not None else "no place"
    return f"{place}, {plain(standing.points)} points, {counted(standing.wins, 'win')}"


def _is_held(season: AuditedSeason, event_id: str) -> bool:
    return any(held.entity_id == event_id and held.kind.value.startswith("standings") for held in season.held.values())
