"""Checks standings against the season's results. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from core.records import Source, Standing
from core.rules.audit.classifications import Found
from core.rules.audit.season import AuditedSeason
from core.rules.results.championship import reason_of
from core.rules.results.points import SCORING
from core.rules.results.standings import Round, RoundEvent, RoundResult, rounds_of, standings_after
from core.text import counted, plain


def standings_unlike_results(season: AuditedSeason) -> Found:
    """Standings that differ from the season's rule and adjustments, or are missing after official results.

    A differing published table that stands while the season is under way is held for a person, and is not a finding.
    """
    left = dict(season.standings)
    for event, tables in standings_after(_rounds(season), season.adjustments):
        for competitor, computed in tables.items():
            there = left.pop((event.id, competitor), ())
            if said := _unlike(there, computed):
                is_published = any(standing.source == Source.JOLPICA.value for standing in there)
                if not (is_published and _is_held(season, event.id)):
                    yield event.id, f"{competitor} standings: {said}"
    for (event_id, competitor), table in left.items():
        if table:
            yield event_id, f"{competitor} standings without official results"


def _rounds(season: AuditedSeason) -> list[Round]:
    """The season's events in order, with the official results of their races and sprints."""
    results: defaultdict[str, list[RoundResult]] = defaultdict(list)
    for session, entries in season.official(*SCORING):
        results[session.event_id].append(RoundResult(session.kind, entries))
    return rounds_of(map(RoundEvent.of, season.events.values()), results)


def _unlike(there: Sequence[Standing], computed: Sequence[Standing]) -> str:
    """How stored standings differ from the computed ones, in words; empty if they do not."""
    if not there:
        return "none" if computed else ""
    stored, due = ({standing.competitor_id: standing for standing in table} for table in (there, computed))
    in_order = sorted({**due, **stored}, key=lambda id_: _has_due_points(stored.get(id_), due.get(id_)))
    said = [said for id_ in in_order if (said := _difference(id_, stored.get(id_), due.get(id_)))]
    return reason_of(said)


def _has_due_points(stored: Standing | None, due: Standing | None) -> bool:
    """Whether points are equal: a difference of places only, caused by another's points, is listed last."""
    return stored is not None and due is not None and stored.points == due.points


def _difference(competitor_id: str, stored: Standing | None, due: Standing | None) -> str:
    if stored is None or due is None:
        return f"{competitor_id} is missing" if stored is None else f"{competitor_id} is in no result"
    said = [
        f"{words(stored)} instead of {words(due)}" for words in (_place, _points, _wins) if words(stored) != words(due)
    ]
    return f"{competitor_id} has {', '.join(said)}" if said else ""


def _place(standing: Standing) -> str:
    return "no place" if standing.position is None else f"place {standing.position}"


def _points(standing: Standing) -> str:
    return f"{plain(standing.points)} points"


def _wins(standing: Standing) -> str:
    return counted(standing.wins, "win")


def _is_held(season: AuditedSeason, event_id: str) -> bool:
    return any(held.entity_id == event_id and held.kind.value.startswith("standings") for held in season.held.values())
