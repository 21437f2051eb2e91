"""Sessions and events that move: at once, after a wait, or never."""

from __future__ import annotations

from datetime import date, datetime

from calendars import (
    AUSTIN,
    AUSTIN_ID,
    AUSTIN_REWRITTEN,
    AUSTIN_TRUE,
    INTERLAGOS,
    MEXICO,
    SAO_PAULO,
    Life,
    all_of,
    at,
    jolpica,
    listed,
)

from core.kinds import ChangeKind, ResultsState, SessionKind, Source, Status
from core.records import ListedEvent, ListedSession


def test_a_race_moves_three_hours_earlier_on_its_morning(life: Life) -> None:
    race = listed("Miami Grand Prix", "2026-05-03T16:00", ("United States", "Miami"))
    early = listed(
        "Miami Grand Prix", "2026-05-03T16:00", ("United States", "Miami"), moved={"Race": "2026-05-03T13:00"}
    )
    identity = "2026-miami-grand-prix"
    life.sync(at("2026-03-01"), race)
    life.refresh(at("2026-05-03T12:30"))
    assert life.sync(at("2026-05-03T12:30"), early) == {(identity, "rescheduled"), (f"{identity}/race", "rescheduled")}
    moved = life.change(f"{identity}/race", ChangeKind.RESCHEDULED)
    assert moved.before == {"starts_at": "2026-05-03T20:00:00+00:00", "ends_at": "2026-05-03T22:00:00+00:00"}
    assert moved.after == {"starts_at": "2026-05-03T17:00:00+00:00", "ends_at": "2026-05-03T19:00:00+00:00"}
    assert life.event(identity).ends_at == at("2026-05-03T19:00")


def test_las_vegas_2023_practice_is_rescheduled_after_its_planned_start(life: Life) -> None:
    vegas = ("United States", "Las Vegas")
    planned = listed("Las Vegas Grand Prix", "2023-11-18T22:00", vegas, moved={"Practice 2": "2023-11-17T00:00"})
    later = listed("Las Vegas Grand Prix", "2023-11-18T22:00", vegas, moved={"Practice 2": "2023-11-17T02:00"})
    identity = "2023-las-vegas-grand-prix/practice_2"
    life.sync(at("2023-02-01"), planned)
    life.edit(identity, status=Status.LIVE)
    assert life.sync(at("2023-11-17T09:39"), later) == {(identity, "rescheduled"), (identity, "status")}
    assert life.session(identity).starts_at == at("2023-11-17T10:00")


def test_austin_2024_rewritten_and_reverted_next_day_moves_nothing(life: Life) -> None:
    life.sync(at("2024-02-01"), AUSTIN_TRUE)
    life.refresh(at("2024-10-25T08:00"))
    before = life.calendar
    assert life.sync(at("2024-10-25T08:00"), AUSTIN_REWRITTEN) == set()
    assert "its time has passed, and upstream gives it another past time" in life.notes
    assert {key[1] for key in life.calendar.held} == set(before.sessions)
    assert life.sync(at("2024-10-26T08:00"), AUSTIN_TRUE) == set()
    assert life.calendar == before
    assert life.sync(at("2024-10-27T08:00"), AUSTIN_REWRITTEN) == set(), "the holding time starts again"


def test_austin_2024_rewritten_and_still_so_two_days_later_moves(life: Life) -> None:
    life.sync(at("2024-02-01"), AUSTIN_TRUE)
    life.refresh(at("2024-10-25T08:00"))
    life.sync(at("2024-10-25T08:00"), AUSTIN_REWRITTEN)
    assert life.sync(at("2024-10-27T07:59"), AUSTIN_REWRITTEN) == set()
    assert life.sync(at("2024-10-27T08:00"), AUSTIN_REWRITTEN) == all_of(AUSTIN_ID, "rescheduled")
    assert life.session(f"{AUSTIN_ID}/race").starts_at == at("2024-10-20T20:00")
    assert not life.calendar.held


def test_austin_2024_rewritten_twice_is_held_from_the_later_times_on(life: Life) -> None:
    """Only an unchanged answer is accepted: another past time has its own holding time."""
    again = listed("United States Grand Prix", "2024-10-20T13:00", AUSTIN)
    life.sync(at("2024-02-01"), AUSTIN_TRUE)
    life.refresh(at("2024-10-25T08:00"))
    life.sync(at("2024-10-25T08:00"), AUSTIN_REWRITTEN)
    assert life.sync(at("2024-10-27T08:00"), again) == set()
    assert life.sync(at("2024-10-29T08:00"), again) == all_of(AUSTIN_ID, "rescheduled")


def test_a_past_date_without_a_time_waits_like_a_past_time(life: Life) -> None:
    """Older seasons have dates only; the rule holds for them as well."""

    def race(day: str) -> ListedEvent:
        slot = ListedSession(kind=SessionKind.RACE, name="Race", local_date=date.fromisoformat(day))
        return listed("Italian Grand Prix", f"{day}T00:00", ("Italy", "Monza")).model_copy(update={"sessions": (slot,)})

    identity = "1975-italian-grand-prix/race"
    life.sync(at("2026-01-01"), race("1975-09-07"), source=Source.JOLPICA)
    assert life.sync(at("2026-02-01"), race("1975-09-06"), source=Source.JOLPICA) == set()
    life.sync(at("2026-02-03"), race("1975-09-06"), source=Source.JOLPICA)
    assert life.session(identity).local_date == date(1975, 9, 6)


def test_a_past_date_is_corrected_although_there_are_results(life: Life) -> None:
    """A session with results may get another date in the past, though none in the future."""

    def race(day: str) -> ListedEvent:
        slot = ListedSession(kind=SessionKind.RACE, name="Race", local_date=date.fromisoformat(day))
        return listed("Italian Grand Prix", f"{day}T00:00", ("Italy", "Monza")).model_copy(update={"sessions": (slot,)})

    identity = "1975-italian-grand-prix/race"
    life.sync(at("2026-01-01"), race("1975-09-07"), source=Source.JOLPICA)
    life.has_results(identity, ResultsState.SETTLED)
    life.sync(at("2026-02-01"), race("1975-09-06"), source=Source.JOLPICA)
    assert "a future time" not in life.notes
    life.sync(at("2026-02-04"), race("1975-09-06"), source=Source.JOLPICA)
    assert life.session(identity).local_date == date(1975, 9, 6)


RAINED_OFF = listed("São Paulo Grand Prix", "2024-11-03T14:00", INTERLAGOS, moved={"Qualifying": "2024-11-02T15:00"})
NEXT_MORNING = listed(
    "São Paulo Grand Prix",
    "2024-11-03T14:00",
    INTERLAGOS,
    moved={"Qualifying": "2024-11-03T07:30", "Race": "2024-11-03T12:30"},
)


def test_sao_paulo_2024_rained_off_qualifying_is_scheduled_again(life: Life) -> None:
    life.sync(at("2024-02-01"), RAINED_OFF)
    life.edit(f"{SAO_PAULO}/qualifying", status=Status.COMPLETED)
    happened = life.sync(at("2024-11-02T20:30"), NEXT_MORNING)
    assert {(i, what) for i, what in happened if i != SAO_PAULO} == {
        (f"{SAO_PAULO}/qualifying", "status"),
        (f"{SAO_PAULO}/qualifying", "postponed"),
        (f"{SAO_PAULO}/race", "rescheduled"),
    }
    qualifying = life.session(f"{SAO_PAULO}/qualifying")
    assert (qualifying.status, qualifying.starts_at) == (Status.SCHEDULED, at("2024-11-03T10:30"))
    assert qualifying.local_date == date(2024, 11, 3)


def test_a_session_with_results_never_moves_into_the_future(life: Life) -> None:
    life.sync(at("2024-02-01"), RAINED_OFF)
    life.has_results(f"{SAO_PAULO}/qualifying", ResultsState.OFFICIAL)
    before = life.session(f"{SAO_PAULO}/qualifying")
    for now in ("2024-11-02T20:30", "2024-11-03T08:00"):
        life.sync(at(now), NEXT_MORNING)
        assert life.session(f"{SAO_PAULO}/qualifying") == before
    assert "it has results, but upstream gives it a future time: kept where it is" in life.notes


def test_two_days_later_is_postponed_and_earlier_is_brought_forward(life: Life) -> None:
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    later = listed("Bahrain Grand Prix", "2026-04-14T18:00")
    life.sync(at("2026-01-01"), race)
    assert life.sync(at("2026-01-02"), later) == all_of("2026-bahrain-grand-prix", "postponed")
    assert life.sync(at("2026-01-03"), race) == all_of("2026-bahrain-grand-prix", "brought_forward")
    same_day = listed("Bahrain Grand Prix", "2026-04-12T19:00")
    assert life.sync(at("2026-01-04"), same_day) == all_of("2026-bahrain-grand-prix", "rescheduled")


def test_a_time_that_becomes_known_is_a_detail_and_not_a_move(life: Life) -> None:
    def slots(wall: datetime | None) -> ListedEvent:
        slot = ListedSession(kind=SessionKind.RACE, name="Race", local_date=date(2026, 4, 12), wall_time=wall)
        return listed("Bahrain Grand Prix", "2026-04-12T18:00").model_copy(update={"sessions": (slot,)})

    identity = "2026-bahrain-grand-prix"
    life.sync(at("2026-01-01"), slots(None))
    assert life.session(f"{identity}/race").starts_at is None, "a date is never turned into a midnight"
    happened = life.sync(at("2026-01-02"), slots(datetime(2026, 4, 12, 18)))
    assert happened == {(identity, "detailed"), (f"{identity}/race", "detailed")}
    assert life.session(f"{identity}/race").starts_at == at("2026-04-12T15:00")


def test_null_never_replaces_a_value(life: Life) -> None:
    whole = listed("Bahrain Grand Prix", "2026-04-12T18:00", official_name="FORMULA 1 BAHRAIN GRAND PRIX 2026")
    timeless = listed(
        "Bahrain Grand Prix", "2026-04-12T18:00", ("", ""), moved=dict.fromkeys(("Practice 2", "Qualifying"))
    )
    dates_only = tuple(slot.model_copy(update={"wall_time": None}) for slot in whole.sessions)
    life.sync(at("2026-01-01"), whole)
    before = life.calendar
    assert life.sync(at("2026-01-02"), timeless) == set()
    assert life.sync(at("2026-01-03"), whole.model_copy(update={"sessions": dates_only})) == set()
    assert life.calendar == before


def test_a_blank_place_takes_no_circuit_away(life: Life) -> None:
    whole = listed("Mexico City Grand Prix", "2022-10-30T14:00", MEXICO)
    blank = listed("Mexico City Grand Prix", "2022-10-30T14:00", ("", ""))
    life.sync(at("2022-02-01"), whole, races=(jolpica(whole, "rodriguez"),))
    before = life.calendar
    assert life.event("2022-mexico-city-grand-prix").circuit_id == "rodriguez"
    assert life.sync(at("2022-02-02"), blank) == set()
    assert life.calendar == before
