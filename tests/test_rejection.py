"""Events of a schedule that cannot be read: they stay as they are, and are not absent."""

from __future__ import annotations

from calendars import MELBOURNE_ID, SAKHIR_ID, Life, at, nine_races

from core.kinds import HeldKind, Source, Status
from core.records import MalformedEvent


def unread(name: str | None, reason: str = "round: too large") -> MalformedEvent:
    return MalformedEvent(name=name, reason=reason, document="{}")


def test_a_known_event_that_cannot_be_read_is_not_absent(life: Life) -> None:
    races = nine_races()
    life.sync(at("2026-01-01"), *races)
    before = life.calendar
    for day in ("2026-01-02", "2026-01-03", "2026-01-04"):
        assert life.sync(at(day), *races[1:], malformed=(unread("Melbourne Grand Prix"),)) == set()
        assert (life.calendar.events, life.calendar.sessions) == (before.events, before.sessions)
    [kept] = life.calendar.held.values()
    assert (kept.entity_id, kept.kind, kept.times_seen) == (MELBOURNE_ID, HeldKind.SCHEDULE_REJECTED, 3)
    assert life.notes == "Melbourne Grand Prix: left as it is: round: too large"
    assert life.sync(at("2026-01-05"), *races) == set()
    assert life.calendar == before


def test_force_does_not_apply_a_malformed_event(life: Life) -> None:
    races = nine_races()
    life.sync(at("2026-01-01"), *races)
    assert life.sync(at("2026-01-02"), *races[1:], malformed=(unread("Melbourne Grand Prix"),), force=True) == set()
    assert [kept.kind for kept in life.calendar.held.values()] == [HeldKind.SCHEDULE_REJECTED]


def test_another_absent_event_is_still_cancelled(life: Life) -> None:
    races = nine_races()
    life.sync(at("2026-01-01"), *races)
    for day in ("2026-01-02", "2026-01-03"):
        life.sync(at(day), *races[2:], malformed=(unread("Melbourne Grand Prix"),))
    assert life.event(SAKHIR_ID).status is Status.CANCELLED
    assert life.event(MELBOURNE_ID).status is Status.SCHEDULED


def test_with_a_malformed_event_without_name_no_event_is_absent(life: Life) -> None:
    races = nine_races()
    life.sync(at("2026-01-01"), *races)
    before = life.calendar
    for day in ("2026-01-02", "2026-01-03"):
        assert life.sync(at(day), *races[1:], malformed=(unread(None),)) == set()
    assert (life.calendar.events, life.calendar.sessions) == (before.events, before.sessions)
    assert [key[1] for key in life.calendar.held] == ["2026-event"]
    assert "an event without a name: left out" in life.notes


def test_an_absent_event_that_is_now_malformed_is_no_longer_absent(life: Life) -> None:
    races = nine_races()
    life.sync(at("2026-01-01"), *races)
    life.sync(at("2026-01-02"), *races[1:])
    life.sync(at("2026-01-03"), *races[1:], malformed=(unread("Melbourne Grand Prix"),))
    assert life.sync(at("2026-01-03T01:00"), *races[1:]) == set(), "the six hours start again"


def test_a_lesser_source_keeps_the_malformed_event_of_a_better_one(life: Life) -> None:
    races = nine_races()
    life.sync(at("2026-01-01"), *races)
    life.sync(at("2026-01-02"), *races[1:], malformed=(unread("Melbourne Grand Prix"),))
    life.sync(at("2026-01-03"), *races, source=Source.JOLPICA)
    assert [kept.kind for kept in life.calendar.held.values()] == [HeldKind.SCHEDULE_REJECTED]
