"""Standings: the countback, sprints, and what a published deduction makes of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from recorded import published_after, rounds_of
from recording import RECORDED, needs_recording

from core.kinds import SessionKind, Source
from core.records import Entry, Standing
from core.rules.results.disagreements import differences, merged
from core.rules.results.standings import Round, RoundEvent, RoundResult, standings_after

RACE, SPRINT = SessionKind.RACE, SessionKind.SPRINT


@needs_recording
def test_a_published_deduction_is_reported_and_applied() -> None:
    [(_, tables)] = standings_after(rounds_of(RECORDED / "ergast" / "2020"), from_event="2020-17")
    table = published_after(RECORDED / "ergast" / "2020", "team")[17]
    assert [str(one) for one in differences(2020, tables["team"], table)] == [
        "mclaren: position 4 by results, 3 published",
        "racing_point: points 210 by results, 195 published; position 3 by results, 4 published",
    ]
    assert [(s.competitor_id, s.points, s.source) for s in merged(tables["team"], table)][2:4] == [
        ("mclaren", 202, "jolpica"),
        ("racing_point", 195, "jolpica"),
    ]


def race(number: int, *places: str | None, kind: SessionKind = RACE, out: tuple[str, ...] = ()) -> Round:
    """A race of 2024 with these drivers in this order, without points, and those that retired after them."""
    entries = [
        Entry(
            car_number=str(place),
            driver_id=driver,
            listed_position=place,
            position=place if driver not in out else None,
            points=Decimal(0),
            source=Source.JOLPICA,
        )
        for place, driver in enumerate([*places, *out], start=1)
    ]
    event = RoundEvent(f"2024-{number}", 2024, number, date(2024, 1, number))
    return Round(event, [RoundResult(kind, entries)])


def drivers(*rounds: Round) -> list[Standing]:
    """The drivers' standings after the last of these rounds."""
    return list(standings_after(rounds)[-1][1]["driver"])


def order(*rounds: Round) -> list[tuple[str, int | None, int]]:
    return [(s.competitor_id, s.position, s.wins) for s in drivers(*rounds)]


def test_countback_goes_from_wins_downwards() -> None:
    # b and a each have a second place, b a third; c's win comes before both.
    found = order(race(1, "c", "a", "x", "b"), race(2, "x", "b", "c", "y"), race(3, "y", "x", "b", "a"))
    assert [driver for driver, _, _ in found] == ["x", "c", "y", "b", "a"]


def test_sprints_give_neither_wins_nor_countback() -> None:
    found = order(race(1, "a", "b"), race(2, "b", "a"), race(2, "b", "a", kind=SPRINT))
    assert found == [("a", 1, 1), ("b", 2, 1)]


def test_a_competitor_never_classified_has_no_position() -> None:
    assert order(race(1, "a", out=("b", "c"))) == [("a", 1, 1), ("b", None, 0), ("c", None, 0)]


def test_an_unknown_driver_has_no_standing() -> None:
    assert order(race(1, "a", None)) == [("a", 1, 1)]


def test_without_published_standings_ours_are_kept() -> None:
    computed = drivers(race(1, "a", "b"))
    assert merged(computed, []) == computed
    assert differences(2024, computed, computed) == []


def test_a_competitor_that_is_not_published_keeps_points_but_no_position() -> None:
    computed = drivers(race(1, "a", "b"))
    found = merged(computed, computed[:1])
    assert [(s.competitor_id, s.position, s.source) for s in found] == [("a", 1, "jolpica"), ("b", None, "results")]
    assert [str(one) for one in differences(2024, computed, computed[:1])] == ["b: not published"]
