"""Which known event a listed one is: ids, slugs, and matching by name, place and dates."""

from __future__ import annotations

from datetime import date

import pytest
from calendars import (
    BARCELONA,
    KINDS,
    MADRID,
    MELBOURNE,
    MEXICO,
    SPIELBERG,
    TESTING,
    Life,
    all_of,
    at,
    days_of_testing,
    jolpica,
    listed,
)

from core.kinds import ChangeKind, SessionKind
from core.rules.calendar import identity


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("São Paulo Grand Prix", "sao-paulo-grand-prix"),
        ("70th Anniversary Grand Prix", "70th-anniversary-grand-prix"),
        ("  Emilia-Romagna  GP ", "emilia-romagna-gp"),
        ("グランプリ", "event"),
    ],
)
def test_slugs(name: str, expected: str) -> None:
    assert identity.slug(name) == expected


def test_an_id_once_taken_is_never_given_again() -> None:
    taken = ["2026-spanish-grand-prix", "2026-spanish-grand-prix-2", "2025-spanish-grand-prix-3"]
    assert identity.new_event_id(2026, "Spanish Grand Prix", taken) == "2026-spanish-grand-prix-3"
    assert identity.new_event_id(2027, "Spanish Grand Prix", taken) == "2027-spanish-grand-prix"
    assert identity.session_id("2026-a", SessionKind.SPRINT_QUALIFYING) == "2026-a/sprint_qualifying"


def test_two_tests_of_one_name_keep_their_ids(life: Life) -> None:
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    first = days_of_testing("Pre-Season Testing", "2026-02-13T10:00")
    second = days_of_testing("Pre-Season Testing", "2026-02-20T10:00")
    one, two = "2026-pre-season-testing", "2026-pre-season-testing-2"
    life.sync(at("2026-01-01"), first, second, race)
    assert life.event(one).last_date == date(2026, 2, 13)
    assert life.event(two).last_date == date(2026, 2, 20)
    assert life.sync(at("2026-01-02"), second, first, race) == set(), "in whatever order they are listed"

    assert life.sync(at("2026-01-03T00:00"), second, race) == set()
    kinds = [KINDS[label] for label in TESTING]
    assert life.sync(at("2026-01-03T06:00"), second, race) == all_of(one, "cancelled", *kinds)
    assert life.event(two).last_date == date(2026, 2, 20), "the second keeps its id"
    assert life.sync(at("2026-01-09"), first, second, race) == all_of(one, "reinstated", *kinds)


def test_two_tests_of_one_name_that_both_move_are_matched_by_their_dates(life: Life) -> None:
    dates = ("2026-02-13", "2026-02-23"), ("2026-02-16", "2026-02-26")
    before, after = ([days_of_testing("Pre-Season Testing", f"{day}T10:00") for day in days] for days in dates)
    life.sync(at("2026-01-01"), *before)
    moved = life.sync(at("2026-01-02"), *reversed(after))
    assert {what for _, what in moved} == {"postponed"}
    assert life.event("2026-pre-season-testing").last_date == date(2026, 2, 16)
    assert life.event("2026-pre-season-testing-2").last_date == date(2026, 2, 26)


def test_testing_is_never_matched_with_the_race_at_its_place(life: Life) -> None:
    """FastF1's fuzzy matching finds Pre-Season Testing for \"Bahrain Grand Prix\"."""
    test = days_of_testing("Bahrain Grand Prix", "2026-04-11T18:00")
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    life.sync(at("2026-01-01"), race)
    life.sync(at("2026-01-02"), test)
    assert len(life.calendar.events) == 2
    assert [answer.entity_id for answer in life.calendar.held.values()] == ["2026-bahrain-grand-prix"]


def test_two_races_of_one_name_keep_their_ids(life: Life) -> None:
    spring = listed("Bahrain Grand Prix", "2026-04-12T18:00", number=4)
    autumn = listed("Bahrain Grand Prix", "2026-11-29T18:00", number=22)
    one, two = "2026-bahrain-grand-prix", "2026-bahrain-grand-prix-2"
    life.sync(at("2026-01-01"), spring, autumn)
    assert life.event(two).round == 22
    assert life.sync(at("2026-01-02"), autumn, spring) == set()
    life.sync(at("2026-01-03"), autumn)
    assert life.sync(at("2026-01-04"), autumn) == all_of(one, "cancelled")
    assert life.event(two).round == 22


def test_the_red_bull_ring_2020_has_two_races_in_successive_weeks(life: Life) -> None:
    austria = listed("Austrian Grand Prix", "2020-07-05T15:10", SPIELBERG, number=1)
    styria = listed("Styrian Grand Prix", "2020-07-12T15:10", SPIELBERG, number=2)
    life.sync(at("2020-06-01"), austria)
    assert ("2020-styrian-grand-prix", "added") in life.sync(at("2020-06-02"), austria, styria)
    assert life.event("2020-austrian-grand-prix").last_date == date(2020, 7, 5)


def test_mexican_grand_prix_renamed_keeps_its_id(life: Life) -> None:
    life.sync(at("2021-01-01"), listed("Mexican Grand Prix", "2021-11-07T13:00", MEXICO))
    happened = life.sync(at("2021-01-12"), listed("Mexico City Grand Prix", "2021-11-07T13:00", MEXICO))
    assert happened == {("2021-mexican-grand-prix", "renamed")}
    change = life.change("2021-mexican-grand-prix", ChangeKind.RENAMED)
    assert (change.before, change.after) == ({"name": "Mexican Grand Prix"}, {"name": "Mexico City Grand Prix"})


def test_the_spanish_name_moved_to_madrid(life: Life) -> None:
    """Place and date outweigh the name: Barcelona's race is renamed, and Madrid's takes its old name."""
    barcelona = listed("Spanish Grand Prix", "2026-06-14T15:00", BARCELONA, number=9)
    madrid = listed("Madrid Grand Prix", "2026-09-13T15:00", MADRID, number=16)
    life.sync(at("2025-12-01"), barcelona, madrid)
    happened = life.sync(
        at("2025-12-12"),
        listed("Barcelona-Catalunya Grand Prix", "2026-06-14T15:00", BARCELONA, number=9),
        listed("Spanish Grand Prix", "2026-09-13T15:00", MADRID, number=16),
    )
    assert happened == {("2026-spanish-grand-prix", "renamed"), ("2026-madrid-grand-prix", "renamed")}
    assert life.event("2026-spanish-grand-prix").locality == "Barcelona"
    assert life.event("2026-madrid-grand-prix").name == "Spanish Grand Prix"


def test_the_spanish_name_given_to_a_new_race(life: Life) -> None:
    life.sync(at("2025-12-01"), listed("Spanish Grand Prix", "2026-06-14T15:00", BARCELONA, number=9))
    happened = life.sync(
        at("2025-12-12"),
        listed("Spanish Grand Prix", "2026-09-13T15:00", MADRID, number=16),
        listed("Barcelona-Catalunya Grand Prix", "2026-06-14T15:00", BARCELONA, number=9),
    )
    assert happened == {("2026-spanish-grand-prix", "renamed"), *all_of("2026-spanish-grand-prix-2", "added")}
    assert life.event("2026-spanish-grand-prix-2").locality == "Madrid"


def test_moved_and_renamed_a_week_away_is_still_the_race_of_its_place(life: Life) -> None:
    life.sync(at("2026-01-01"), listed("Grand Prix of Bahrain", "2026-04-12T18:00"))
    happened = life.sync(at("2026-01-02"), listed("Bahrain Grand Prix", "2026-04-19T18:00"))
    assert happened == all_of("2026-grand-prix-of-bahrain", "postponed") | {("2026-grand-prix-of-bahrain", "renamed")}


def test_events_are_not_matched_by_round(life: Life) -> None:
    one = listed("Bahrain Grand Prix", "2026-04-12T18:00", number=1)
    two = listed("Australian Grand Prix", "2026-04-19T15:00", MELBOURNE, number=2)
    life.sync(at("2026-01-01"), one, two)
    happened = life.sync(at("2026-01-02"), one.model_copy(update={"round": 2}), two.model_copy(update={"round": 1}))
    assert happened == {("2026-bahrain-grand-prix", "renumbered"), ("2026-australian-grand-prix", "renumbered")}


def test_a_relocated_event_keeps_its_id(life: Life) -> None:
    """Same name, same wall times, another circuit."""
    before = listed("Iberian Grand Prix", "2026-06-14T15:00", BARCELONA)
    after = listed("Iberian Grand Prix", "2026-06-14T15:00", MADRID)
    life.sync(at("2026-01-01"), before, races=(jolpica(before, "catalunya"),))
    assert life.sync(at("2026-01-02"), after) == {("2026-iberian-grand-prix", "relocated")}
    assert life.event("2026-iberian-grand-prix").circuit_id is None, "the old circuit is not that of the new place"


def test_another_spelling_of_a_place_is_not_a_relocation(life: Life) -> None:
    life.sync(at("2026-01-01"), listed("British Grand Prix", "2026-07-05T15:00", ("Great Britain", "Silverstone")))
    happened = life.sync(at("2026-01-02"), listed("British Grand Prix", "2026-07-05T15:00", ("UK", "Silverstone")))
    assert {what for _, what in happened} <= {"detailed"}
