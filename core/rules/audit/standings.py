"""Checks standings against the season's results. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from core.kinds import Source
from core.records import Standing
from core.rules.audit.season import AuditedSeason, Found
from core.rules.datasets import STANDINGS
from core.rules.results.championship import reason_of
from core.rules.results.points import SCORING
from core.rules.results.standings import Round, RoundEvent, RoundResult, rounds_of, standings_after
from core.text import counted, plain


def standings_unlike_results(season: AuditedSeason) -> Found:
    """Standings that differ from the season's rule and adjustments, or are missing after official results.

    A differing published table that stands while the season is under way is held for a person, and is not a finding.
    """
    left = dict(season.standings)
    held = {answer.entity_id for answer in season.held.values() if answer.kind in STANDINGS.held_kinds}
    for event, tables in standings_after(_rounds(season), season.adjustments):
        for competitor, computed in tables.items():
            there = left.pop((event.id, competitor), ())
            if said := _unlike(there, computed):
                is_published = any(standing.source == Source.JOLPICA.value for standing in there)
                if not (is_published and event.id in held):
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
    pairs = zip(_figures(stored), _figures(due), strict=True)
    said = ", ".join(f"{there} instead of {computed}" for there, computed in pairs if there != computed)
    return f"{competitor_id} has {said}" if said else ""


def _figures(standing: Standing) -> tuple[str, str, str]:
    place = "no place" if standing.position is None else f"place {standing.position}"
    return place, f"{plain(standing.points)} points", counted(standing.wins, "win")
