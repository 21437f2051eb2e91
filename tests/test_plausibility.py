"""A change to an implausible share of the season at once is held for a day."""

from __future__ import annotations

from calendars import BAKU_CITY_ID, DAY, HOUR, MELBOURNE_ID, SAKHIR_ID, Life, all_of, at, listed, nine_races

from core.kinds import EventFormat, SessionKind, Status
from core.records import ListedEvent
from core.rules.calendar import identity


def test_a_third_of_the_season_vanishing_is_held_for_a_day(life: Life) -> None:
    life.sync(at("2026-03-01"), *nine_races())
    gone = at("2026-03-05T12:00")
    assert life.sync(gone, *nine_races()[3:]) == set()
    assert "fastf1 drops or moves 3 of 9 events at once" in life.notes
    assert "held for 24 hours" in life.notes
    assert life.sync(gone + 23 * HOUR, *nine_races()[3:]) == set()
    cancelled = life.sync(gone + 24 * HOUR, *nine_races()[3:])
    assert cancelled == {c for i in (MELBOURNE_ID, SAKHIR_ID, BAKU_CITY_ID) for c in all_of(i, "cancelled")}


def test_a_third_of_the_season_moving_soon_is_held_for_a_day(life: Life) -> None:
    life.sync(at("2026-03-20"), *nine_races())
    before, moved = life.calendar, at("2026-04-01T12:00")
    assert life.sync(moved, *nine_races(shifted=3)) == set()
    assert "fastf1 drops or moves 3 of 9 events at once" in life.notes
    assert "it moves with an implausible share of the season: moved if that is still so in 24 hours" in life.notes
    assert (life.calendar.events, life.calendar.sessions) == (before.events, before.sessions)
    assert life.sync(moved + 23 * HOUR, *nine_races(shifted=3)) == set()
    rescheduled = life.sync(moved + 24 * HOUR, *nine_races(shifted=3))
    assert rescheduled == {c for i in (MELBOURNE_ID, SAKHIR_ID, BAKU_CITY_ID) for c in all_of(i, "rescheduled")}
    assert not life.calendar.held


def test_a_third_of_the_season_moving_is_held_for_a_day_however_far_ahead(life: Life) -> None:
    life.sync(at("2026-01-01"), *nine_races())
    before, moved = life.calendar, at("2026-01-02T12:00")
    assert life.sync(moved, *nine_races(shifted=3)) == set()
    assert (life.calendar.events, life.calendar.sessions) == (before.events, before.sessions)
    assert life.notes.count("it moves with an implausible share of the season") == 3, "one line for each event"
    rescheduled = life.sync(moved + 24 * HOUR, *nine_races(shifted=3))
    assert rescheduled == {c for i in (MELBOURNE_ID, SAKHIR_ID, BAKU_CITY_ID) for c in all_of(i, "rescheduled")}
    assert not life.calendar.held


def test_returning_to_the_known_answer_drops_what_was_held(life: Life) -> None:
    """Two of the three are taken back within the day: the third is plausible by itself."""
    life.sync(at("2026-01-01"), *nine_races())
    life.sync(at("2026-01-02T12:00"), *nine_races(shifted=3))
    assert life.sync(at("2026-01-02T13:00"), *nine_races(shifted=1)) == all_of(MELBOURNE_ID, "rescheduled")
    assert not life.calendar.held


def test_implausibly_many_moved_dates_without_sessions_are_held_too(life: Life) -> None:
    """A future season of which only the dates are known."""
    bare = [race.model_copy(update={"sessions": ()}) for race in nine_races()]
    later = [race.model_copy(update={"last_date": race.last_date + 30 * DAY}) for race in bare]
    life.sync(at("2025-10-01"), *bare)
    before = life.calendar
    assert life.sync(at("2025-10-02"), *later) == set()
    assert life.calendar.events == before.events
    assert "it moves with an implausible share of the season" in life.notes
    assert life.sync(at("2025-10-02T06:00"), *bare) == set()
    assert life.calendar == before
    life.sync(at("2025-10-03"), *later)
    assert len(life.sync(at("2025-10-04"), *later)) == 9
    assert not life.calendar.held


def test_a_session_of_a_third_of_the_season_vanishing_is_held_for_a_day(life: Life) -> None:
    life.sync(at("2026-01-01"), *nine_races())
    raceless = [
        race.model_copy(update={"sessions": race.sessions[:-1], "last_date": race.sessions[-2].local_date})
        for race in nine_races()
    ]
    gone = at("2026-01-02T12:00")
    assert life.sync(gone, *raceless) == set()
    assert life.sync(gone + 23 * HOUR, *raceless) == set()
    cancelled = life.sync(gone + 24 * HOUR, *raceless)
    assert {happened for happened in cancelled if happened[1] == "cancelled"} == {
        (f"{race_id}/race", "cancelled") for race_id in life.calendar.events
    }


def test_a_third_of_the_season_with_other_sessions_is_held_for_a_day(life: Life) -> None:
    """One event's practice may become a sprint at once (Baku 2023), but not those of a third of the season."""

    def sprints(count: int) -> list[ListedEvent]:
        races = nine_races()
        for n, race in enumerate(races[:count]):
            slots = list(race.sessions)
            slots[2] = slots[2].model_copy(update={"kind": SessionKind.SPRINT, "name": "Sprint"})
            races[n] = race.model_copy(update={"sessions": tuple(slots), "format": EventFormat.SPRINT})
        return races

    life.sync(at("2026-01-01"), *nine_races())
    before = life.calendar
    assert life.sync(at("2026-01-02"), *sprints(3)) == set()
    assert life.calendar.sessions == before.sessions
    assert life.sync(at("2026-01-02T01:00"), *nine_races()) == set()
    assert life.calendar == before
    life.sync(at("2026-01-03"), *sprints(3))
    happened = life.sync(at("2026-01-04"), *sprints(3))
    assert {what for _, what in happened} == {"format_changed", "cancelled", "added"}
    assert (life.session(f"{BAKU_CITY_ID}/practice_3").status, len(happened)) == (Status.CANCELLED, 9)
    assert life.sync(at("2026-01-04T01:00"), *sprints(4)) != set(), "one more is plausible"


def test_past_sessions_sent_into_the_future_with_an_implausible_share_are_held(life: Life) -> None:
    """One past session without results is rescheduled at once (São Paulo 2024), but not those of a whole season."""
    later = [
        listed(race.name, f"{race.last_date + 120 * DAY}T15:00", (race.country, race.locality), number=race.round)
        for race in nine_races()
    ]
    life.sync(at("2026-01-01"), *nine_races())
    before = life.calendar
    assert life.sync(at("2026-06-01"), *later) == set()
    assert life.calendar.sessions == before.sessions


def test_a_glitch_in_a_third_of_the_season_has_no_effect(life: Life) -> None:
    life.sync(at("2026-03-20"), *nine_races())
    before = life.calendar
    assert life.sync(at("2026-04-01T12:00"), *nine_races(shifted=3)) == set()
    assert life.sync(at("2026-04-01T15:00"), *nine_races()) == set()
    assert life.calendar == before


def test_force_applies_an_implausible_share_at_once(life: Life) -> None:
    life.sync(at("2026-03-20"), *nine_races())
    happened = life.sync(at("2026-04-01T12:00"), *nine_races(shifted=3)[:6], force=True)
    assert all_of(MELBOURNE_ID, "rescheduled") <= happened
    assert len([what for _, what in happened if what == "cancelled"]) == 3 * 6
    assert not life.calendar.held


def test_two_races_moving_at_once_is_plausible(life: Life) -> None:
    life.sync(at("2026-03-20"), *nine_races())
    happened = life.sync(at("2026-04-01T12:00"), *nine_races(shifted=2))
    assert {identity.event_id_of(i) for i, _ in happened} == {MELBOURNE_ID, SAKHIR_ID}
    assert not life.calendar.held


def test_renumbering_seventeen_races_is_applied_at_once(life: Life) -> None:
    races = nine_races()
    life.sync(at("2026-03-01"), *races)
    renumbered = [race.model_copy(update={"round": n}) for n, race in enumerate(races[1:], 1)]
    assert {what for _, what in life.sync(at("2026-03-05"), *renumbered)} == {"renumbered"}
    assert "at once" not in life.notes
