"""What is no longer listed: held for a time, then cancelled, and reinstated under the same id when it returns."""

from __future__ import annotations

from datetime import timedelta

from calendars import DAY, HOUR, MELBOURNE, PORTIMAO, SAKHIR, Life, all_of, at, days_of_testing, jolpica, listed

from core.kinds import ChangeKind, ResultsState, Status


def test_imola_2023_is_cancelled_only_by_a_second_sync_six_hours_later(life: Life) -> None:
    stays = listed("Australian Grand Prix", "2023-04-02T15:00", MELBOURNE)
    imola = listed("Emilia Romagna Grand Prix", "2023-05-21T15:00", ("Italy", "Imola"), number=6)
    gone = at("2023-05-16T12:00")
    life.sync(at("2023-02-01"), stays, imola)
    assert life.sync(gone, stays) == set()
    assert "Emilia Romagna Grand Prix is no longer listed: cancelled if that is still so in 6 hours" in life.notes
    assert life.sync(gone + 6 * HOUR - timedelta(seconds=1), stays) == set()
    assert life.event("2023-emilia-romagna-grand-prix").status is Status.SCHEDULED
    assert life.sync(gone + 6 * HOUR, stays) == all_of("2023-emilia-romagna-grand-prix", "cancelled")
    change = life.change("2023-emilia-romagna-grand-prix", ChangeKind.CANCELLED)
    assert change.before == {"status": "scheduled", "round": 6}
    assert change.after == {"status": "cancelled", "round": None}
    assert not life.calendar.held
    assert life.sync(gone + 7 * DAY, stays) == set()


def test_force_cancels_at_once(life: Life) -> None:
    stays = listed("Australian Grand Prix", "2023-04-02T15:00", MELBOURNE)
    imola = listed("Emilia Romagna Grand Prix", "2023-05-21T15:00", ("Italy", "Imola"), number=6)
    life.sync(at("2023-02-01"), stays, imola)
    cancelled = all_of("2023-emilia-romagna-grand-prix", "cancelled")
    assert life.sync(at("2023-05-16T12:00"), stays, force=True) == cancelled


def test_the_holding_time_does_not_depend_on_the_number_of_runs(life: Life) -> None:
    """Two syncs without the event suffice, however far apart, and many within six hours do not."""
    stays = listed("Australian Grand Prix", "2023-04-02T15:00", MELBOURNE)
    imola = listed("Emilia Romagna Grand Prix", "2023-05-21T15:00", ("Italy", "Imola"), number=6)
    life.sync(at("2023-02-01"), stays, imola)
    for hours in range(6):
        assert life.sync(at("2023-05-16T12:00") + hours * HOUR, stays) == set()
    assert life.sync(at("2023-05-20T12:00"), stays)


def test_bahrain_2026_vanishes_and_returns_elsewhere(life: Life) -> None:
    australia = listed("Australian Grand Prix", "2026-03-08T15:00", MELBOURNE, number=1)
    bahrain = listed("Bahrain Grand Prix", "2026-04-12T18:00", SAKHIR, number=2)
    miami = listed("Miami Grand Prix", "2026-05-03T16:00", ("United States", "Miami"), number=3)
    second = listed("Miami Grand Prix", "2026-05-03T16:00", ("United States", "Miami"), number=2)
    back = listed("Bahrain Grand Prix", "2026-10-04T14:00", PORTIMAO, number=3)
    identity = "2026-bahrain-grand-prix"
    life.sync(at("2026-01-10"), australia, bahrain, miami, races=(jolpica(bahrain, "bahrain"),))
    assert life.event(identity).circuit_id == "bahrain"

    assert life.sync(at("2026-03-14T10:00"), australia, second) == {("2026-miami-grand-prix", "renumbered")}
    assert life.sync(at("2026-03-14T16:00"), australia, second) == all_of(identity, "cancelled")

    returned = life.sync(at("2026-07-20T10:00"), australia, second, back, races=(jolpica(back, "portimao"),))
    sessions = all_of(identity, "reinstated") | all_of(identity, "postponed")
    assert returned == sessions | {(identity, "relocated"), (identity, "renumbered")}
    assert len(life.calendar.events) == 3
    event = life.event(identity)
    assert (event.round, event.status, event.circuit_id) == (3, Status.SCHEDULED, "portimao")
    assert life.session(f"{identity}/race").starts_at == at("2026-10-04T13:00"), "Portugal's wall time"
    relocated = life.change(identity, ChangeKind.RELOCATED)
    assert relocated.before == {"country": "Bahrain", "locality": "Sakhir", "circuit_id": "bahrain"}
    assert relocated.after == {"country": "Portugal", "locality": "Portimão", "circuit_id": "portimao"}


def test_a_session_missing_for_nine_days_returns_under_its_id(life: Life) -> None:
    whole = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    short = listed("Bahrain Grand Prix", "2026-04-12T18:00", without=["Practice 3"])
    identity = "2026-bahrain-grand-prix/practice_3"
    life.sync(at("2026-03-01"), whole)
    assert life.sync(at("2026-03-10T00:00"), short) == set()
    assert "Practice 3 is no longer listed" in life.notes
    assert life.sync(at("2026-03-10T06:00"), short) == {(identity, "cancelled")}
    assert life.sync(at("2026-03-14"), short) == set()
    assert life.sync(at("2026-03-19"), whole) == {(identity, "reinstated")}
    assert life.session(identity).status is Status.SCHEDULED
    assert not life.calendar.held


def test_a_session_missing_for_an_hour_changes_nothing(life: Life) -> None:
    whole = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    short = listed("Bahrain Grand Prix", "2026-04-12T18:00", without=["Practice 3"])
    life.sync(at("2026-03-01"), whole)
    before = life.calendar
    assert life.sync(at("2026-03-10T00:00"), short) == set()
    assert life.sync(at("2026-03-10T01:00"), whole) == set()
    assert life.calendar == before
    assert life.sync(at("2026-03-11"), short) == set(), "a second absence has its own six hours"


def test_a_testing_weekend_missing_for_two_minutes_changes_nothing(life: Life) -> None:
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    test = days_of_testing("Pre-Season Testing", "2026-02-20T10:00")
    noon = at("2026-02-01T12:00")
    life.sync(noon, test, race)
    before = life.calendar
    assert life.sync(noon + DAY, race) == set()
    assert life.sync(noon + DAY + timedelta(minutes=2), test, race) == set()
    assert life.calendar == before, "nothing is held any more"
    assert life.sync(noon + 2 * DAY, race) == set(), "a second absence has its own six hours"
    assert life.event("2026-pre-season-testing").status is Status.SCHEDULED


def test_sessions_with_results_are_never_cancelled_by_absence(life: Life) -> None:
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    other = listed("Miami Grand Prix", "2026-05-03T16:00", ("United States", "Miami"), number=2)
    shorter = listed("Bahrain Grand Prix", "2026-04-12T18:00", without=["Practice 3", "Practice 2"])
    life.sync(at("2026-03-01"), race, other)
    life.has_results("2026-bahrain-grand-prix/practice_3", ResultsState.PROVISIONAL)
    gone = at("2026-04-13T12:00")
    assert life.sync(gone, other) == set()
    assert life.sync(gone + DAY, other, force=True) == set()

    life.sync(gone + 2 * DAY, shorter, other)
    cancelled = life.sync(gone + 3 * DAY, shorter, other)
    assert cancelled == {("2026-bahrain-grand-prix/practice_2", "cancelled")}


def test_an_event_listed_without_any_session_keeps_those_it_has(life: Life) -> None:
    """The blank slots of a half-filled file do not cancel a weekend's sessions."""
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    blank = race.model_copy(update={"sessions": ()})
    life.sync(at("2026-03-01"), race)
    before = life.calendar
    for day in (2, 3, 4):
        assert life.sync(at(f"2026-03-0{day}"), blank) == set()
    assert life.calendar == before
