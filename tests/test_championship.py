"""Gates of published standings: each rejects its case, and every recorded table passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from recorded import SEASONS, document, published_after, rounds_of
from recording import needs_recording

from core.kinds import SessionKind
from core.records import Competitor, Standing
from core.rules.results.championship import (
    ADJUSTED_AT_MOST,
    REASONS_SHOWN,
    Table,
    best_placed,
    competitors,
    examine_table,
    reason_of,
)
from core.rules.results.standings import standings_after

RACE, SPRINT = SessionKind.RACE, SessionKind.SPRINT


@needs_recording
@pytest.mark.parametrize("folder", SEASONS, ids=lambda folder: folder.name)
def test_every_recorded_table_passes(folder: Path) -> None:
    season, checked = int(folder.name), 0
    for event, tables in standings_after(rounds_of(folder)):
        for competitor, computed in tables.items():
            published = published_after(folder, competitor)[event.round or 0]
            whole = Table(season, competitor, published, computed, ())
            assert examine_table(whole) == [], f"{competitor}s after round {event.round}"
            checked += 1
    assert checked == len(competitors(season)) * len(document(folder, "races"))


POINTS = (44, 36, 30, 25, 20, 16, 12, 9, 2, 0)


def ours() -> list[Standing]:
    """Ten competitors after two races, the last one without points; the first won both."""
    return [
        Standing(competitor_id=f"c{place}", position=place, points=points, wins=2 * (place == 1), source="results")
        for place, points in enumerate(POINTS, start=1)
    ]


def changed(number: int, **fields: Any) -> list[Standing]:
    """The table with one competitor's value changed."""
    found = ours()
    found[number - 1] = found[number - 1].model_copy(update=fields)
    return found


def swapped() -> list[Standing]:
    found = ours()
    found[3], found[4] = (
        found[3].model_copy(update={"position": 5}),
        found[4].model_copy(update={"position": 4}),
    )
    return found


def earlier() -> list[Standing]:
    """The standings after the first of the two races, under the second one's header."""
    return [s.model_copy(update={"points": s.points // 2, "wins": s.wins // 2}) for s in ours()]


def relabelled() -> list[Standing]:
    return [s.model_copy(update={"competitor_id": f"x{s.competitor_id}"}) if s.position == 10 else s for s in ours()]


def examined(
    published: Sequence[Standing],
    season: int = 2024,
    competitor: Competitor = "driver",
    unseen: Sequence[SessionKind] = (),
) -> list[str]:
    return examine_table(Table(season, competitor, published, ours(), unseen))


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        (lambda: ours()[:5], "5 listed; missing: c6, c7, c8, c9, c10"),
        (lambda: ours()[:9], "missing: c10"),
        (lambda: ours()[1:], "c2 in place 2, expected place 1"),
        (lambda: changed(1, points=Decimal(999)), "c1 has 999 points (possible: 0 to 54)"),
        (lambda: changed(1, points=Decimal("44.5")), "0.5 points more than were paid: c1 0.5"),
        (lambda: changed(10, points=Decimal(-1)), "c10 has -1 points"),
        (lambda: changed(2, wins=2), "c2 has 2 wins (at most 1 possible)"),
        (lambda: changed(2, wins=1), "3 wins (at most 2 possible)"),
        (lambda: changed(2, position=1), "c2 in place 1, expected place 2"),
        (lambda: changed(10, position=12), "c10 in place 12"),
        (lambda: [*ours(), ours()[0]], "c1 is listed 2 times"),
        (swapped, "c4 has 25 points in place 5, c5 20 in place 4"),
        (earlier, "58 points fewer than were paid: c3 15, c4 13, c5 10, c6 8, c7 6, c8 5, c9 1"),
        (relabelled, "xc10 was in no race"),
        (lambda: [s.model_copy(update={"position": None}) for s in ours()], "no competitor has a place"),
        (
            lambda: [s.model_copy(update={"position": None}) if (s.position or 0) > 6 else s for s in ours()],
            "4 without a place: c7, c8, c9, c10",
        ),
    ],
)
def test_an_implausible_table_is_rejected(published: Callable[[], list[Standing]], reason: str) -> None:
    assert reason in "; ".join(examined(published()))


def test_a_table_that_equals_our_results_is_accepted() -> None:
    assert examined(ours()) == []


def test_deductions_and_exclusions_of_two_competitors_are_accepted() -> None:
    docked = changed(3, points=Decimal(26))
    assert examined(docked) == []
    excluded = [s.model_copy(update={"position": {2: None}.get(n, n - (n > 2))}) for n, s in enumerate(ours(), start=1)]
    assert examined(excluded) == [], "it keeps its points, and has no place"
    nothing = [*excluded[:1], excluded[1].model_copy(update={"points": Decimal(0)}), *excluded[2:]]
    assert examined(nothing) == []
    three = [s.model_copy(update={"points": s.points - 1}) if n in (1, 2, 3) else s for n, s in enumerate(ours())]
    assert len([s for s in three if s not in ours()]) == ADJUSTED_AT_MOST + 1
    assert examined(three) == ["1 points fewer than were paid: c4 1"]


def test_a_correction_in_only_one_table_moves_points() -> None:
    moved = {1: Decimal(37), 2: Decimal(43)}
    first, second, *others = [s.model_copy(update={"points": moved.get(n, s.points)}) for n, s in enumerate(ours(), 1)]
    above, below = [
        second.model_copy(update={"position": 1, "wins": 1}),
        first.model_copy(update={"position": 2, "wins": 1}),
    ]
    assert examined([above, below, *others]) == []


def test_points_of_sessions_without_results_are_possible() -> None:
    more = changed(1, points=Decimal(54 + 26 + 8), wins=3)
    assert examined(more, unseen=(RACE, SPRINT)) == []
    assert examined(more, unseen=(RACE,)) == ["c1 has 88 points (possible: 0 to 80)"]
    both_cars = changed(1, points=Decimal(54 + 52))
    assert examined(both_cars, unseen=(RACE,)) != []
    assert examined(both_cars, competitor="team", unseen=(RACE,)) == []
    assert examined(relabelled(), unseen=(RACE,)) == ["10 listed; missing: c10"]


def test_before_1991_only_the_best_rounds_count() -> None:
    assert examined(earlier(), season=1988) == []
    assert examined(changed(1, points=Decimal(60)), season=1988) == ["c1 has 60 points (possible: 0 to 49)"]


def test_a_chassis_with_two_engines_was_two_constructors() -> None:
    climax = ours()[8].model_copy(update={"competitor_id": "c1"})
    table = [*ours()[:8], climax, ours()[9]]
    assert examined(table, season=1967, competitor="team") == []
    assert "c1 is listed 2 times" in examined(table, season=1981, competitor="team")
    assert [standing.competitor_id for standing in best_placed(table)].count("c1") == 1


def test_a_reason_names_the_first_and_counts_the_others() -> None:
    assert reason_of(["one", "two"]) == "one; two"
    assert reason_of([str(n) for n in range(REASONS_SHOWN + 2)]) == "0; 1; 2; and 2 more"
