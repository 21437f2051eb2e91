"""Which sources are asked for a season, and what a lesser one may change."""

from __future__ import annotations

from datetime import date

from calendars import (
    AUSTIN,
    AUSTIN_ID,
    AUSTIN_TRUE,
    BAKU,
    BARCELONA,
    CONVENTIONAL,
    INTERLAGOS,
    KINDS,
    MELBOURNE,
    MELBOURNE_ID,
    MEXICO,
    PLACES,
    PORTIMAO,
    SAKHIR,
    SPIELBERG,
    Life,
    all_of,
    at,
    days_of_testing,
    jolpica,
    listed,
    nine_races,
)

from core.kinds import SessionKind, Source, Status
from core.records import ListedEvent, ListedSession, ScheduleAnswer
from core.rules.calendar.season import CircuitsNeed, begun, circuits_need, sources_of


def test_a_lesser_source_overwrites_nothing(life: Life) -> None:
    known = listed("Bahrain Grand Prix", "2026-04-12T18:00", official_name="FORMULA 1 BAHRAIN GRAND PRIX 2026")
    other = jolpica(listed("Grand Prix of Bahrain", "2026-04-12T20:00", number=7), "bahrain")
    life.sync(at("2026-01-01"), known, races=(jolpica(known, "bahrain"),))
    before = life.calendar
    assert life.sync(at("2026-01-02"), other, source=Source.JOLPICA) == set()
    assert life.sync(at("2026-01-03"), other, source=Source.JOLPICA, force=True) == set()
    assert life.calendar == before


def test_a_lesser_source_adds_what_is_missing(life: Life) -> None:
    slot = ListedSession(kind=SessionKind.RACE, name="Race", local_date=date(2026, 4, 12))
    vague = listed("Bahrain Grand Prix", "2026-04-12T18:00").model_copy(update={"sessions": (slot,)})
    race = listed("Bahrain Grand Prix", "2026-04-12T15:00")
    new = jolpica(listed("Miami Grand Prix", "2026-05-03T20:00", ("USA", "Miami"), number=2), "miami")
    life.sync(at("2026-01-01"), vague)
    happened = life.sync(at("2026-01-02"), jolpica(race, "bahrain"), new, source=Source.JOLPICA)
    assert all_of("2026-miami-grand-prix", "added") <= happened
    event, session = life.event("2026-bahrain-grand-prix"), life.session("2026-bahrain-grand-prix/race")
    assert (event.circuit_id, event.source) == ("bahrain", Source.FASTF1)
    assert (session.starts_at, session.utc_offset_minutes) == (at("2026-04-12T15:00"), 180)
    assert life.event("2026-miami-grand-prix").source is Source.JOLPICA


def test_a_lesser_source_adds_sessions_to_an_event_that_has_none(life: Life) -> None:
    bare = listed("Bahrain Grand Prix", "2026-04-12T18:00").model_copy(update={"sessions": ()})
    life.sync(at("2026-01-01"), bare)
    life.sync(
        at("2026-01-02"), jolpica(listed("Bahrain Grand Prix", "2026-04-12T15:00"), "bahrain"), source=Source.JOLPICA
    )
    assert set(life.calendar.sessions_of("2026-bahrain-grand-prix")) == {KINDS[label] for label in CONVENTIONAL}


def test_a_lesser_source_reinstates_no_cancelled_event(life: Life) -> None:
    """Jolpica listed Imola 2023 for days after it was cancelled."""
    stays = listed("Australian Grand Prix", "2023-04-02T15:00", MELBOURNE)
    imola = listed("Emilia Romagna Grand Prix", "2023-05-21T15:00", ("Italy", "Imola"), number=6)
    life.sync(at("2023-02-01"), stays, imola)
    life.sync(at("2023-05-17"), stays, force=True)
    assert life.sync(
        at("2023-05-18"), jolpica(stays, "albert_park"), jolpica(imola, "imola"), source=Source.JOLPICA
    ) <= {("2023-australian-grand-prix", "detailed"), ("2023-emilia-romagna-grand-prix", "detailed")}
    assert life.event("2023-emilia-romagna-grand-prix").status is Status.CANCELLED


def test_an_event_missing_from_a_lesser_source_is_not_absent(life: Life) -> None:
    """Jolpica knows no testing, and not every session."""
    test = days_of_testing("Pre-Season Testing", "2026-02-20T10:00")
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    races = jolpica(listed("Bahrain Grand Prix", "2026-04-12T15:00", without=["Practice 3"]), "bahrain")
    life.sync(at("2026-01-01"), test, race, races=(races,))
    before = life.calendar
    for now in ("2026-01-02", "2026-01-03"):
        assert life.sync(at(now), races, source=Source.JOLPICA) == set()
    assert life.calendar == before


def test_a_lesser_source_does_not_drop_a_held_answer(life: Life) -> None:
    """FastF1 leaves it out twice; Jolpica, which still lists it in between, does not restart the holding time."""
    stays = listed("Australian Grand Prix", "2023-04-02T15:00", MELBOURNE)
    imola = listed("Emilia Romagna Grand Prix", "2023-05-21T15:00", ("Italy", "Imola"), number=6)
    lagging = (jolpica(stays, "albert_park"), jolpica(imola, "imola"))
    life.sync(at("2023-02-01"), stays, imola, races=lagging)
    life.sync(at("2023-05-16T12:00"), stays)
    life.sync(at("2023-05-16T15:00"), *lagging, source=Source.JOLPICA)
    assert life.sync(at("2023-05-16T18:00"), stays) == all_of("2023-emilia-romagna-grand-prix", "cancelled")


def test_a_better_source_replaces_a_lesser_ones_past_times_at_once(life: Life) -> None:
    """The 48 hours' wait is for one source that contradicts itself, not for a better source's answer."""
    wrong = jolpica(listed("United States Grand Prix", "2024-10-20T20:00", AUSTIN), "americas")
    life.sync(at("2024-10-25"), wrong, source=Source.JOLPICA)
    happened = life.sync(at("2024-10-25T01:00"), AUSTIN_TRUE)
    assert all_of(AUSTIN_ID, "rescheduled") <= happened
    assert life.session(f"{AUSTIN_ID}/race").starts_at == at("2024-10-20T19:00")
    assert {event.source for event in life.calendar.events.values()} == {Source.FASTF1}
    assert {session.source for session in life.calendar.sessions.values()} == {Source.FASTF1}
    assert not life.calendar.held


def test_many_corrections_by_a_better_source_are_applied_at_once(life: Life) -> None:
    lesser = [jolpica(race, VENUE_OF[place]) for race, place in zip(nine_races(), PLACES, strict=True)]
    life.sync(at("2026-04-01"), *lesser, source=Source.JOLPICA)
    life.sync(at("2026-04-01T01:00"), *nine_races())
    assert life.session(f"{MELBOURNE_ID}/race").starts_at == at("2026-04-05T05:00")
    assert not life.calendar.held


VENUE_OF = {
    MELBOURNE: "albert_park",
    SAKHIR: "bahrain",
    BAKU: "baku",
    BARCELONA: "catalunya",
    SPIELBERG: "red_bull_ring",
    MEXICO: "rodriguez",
    AUSTIN: "americas",
    INTERLAGOS: "interlagos",
    PORTIMAO: "portimao",
}


def test_live_timings_answer_is_cut_to_what_has_begun() -> None:
    events = (
        listed("Australian Grand Prix", "2026-03-08T15:00", MELBOURNE),
        listed("Chinese Grand Prix", "2026-03-15T15:00"),
        listed("Japanese Grand Prix", "2026-03-29T15:00"),
    )
    answer = ScheduleAnswer(season=2026, source=Source.LIVETIMING, complete=False, events=events)
    assert begun(answer, at("2026-03-14T12:00")).events == events[:2]
    complete = answer.model_copy(update={"complete": True})
    assert begun(complete, at("2026-03-14T12:00")) is complete


def test_an_event_missing_from_live_timing_is_not_absent(life: Life) -> None:
    """Its index grows during the season: what it leaves out, even of its own events, is not absent."""
    first = listed("Australian Grand Prix", "2026-03-08T15:00", MELBOURNE)
    second = listed("Chinese Grand Prix", "2026-03-15T15:00", number=2)
    life.sync(at("2026-03-16"), first, second, source=Source.LIVETIMING)
    shorter = listed("Australian Grand Prix", "2026-03-08T15:00", MELBOURNE, without=["Practice 3"])
    assert life.sync(at("2026-03-17"), shorter, source=Source.LIVETIMING) == set()
    assert life.sync(at("2026-03-18"), shorter, source=Source.LIVETIMING) == set()
    assert not life.calendar.held


def test_which_source_can_know_a_season() -> None:
    now = at("2026-03-01")
    assert sources_of(2017, now) == (Source.JOLPICA,)
    assert sources_of(2018, now) == (Source.FASTF1, Source.JOLPICA, Source.LIVETIMING)
    assert sources_of(2027, now) == (Source.FASTF1, Source.JOLPICA)


def test_circuits_are_fetched_only_where_one_is_missing(life: Life) -> None:
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    test = days_of_testing("Pre-Season Testing", "2026-02-20T10:00", ("Italy", "Vallelunga"))
    elsewhere = listed("Bahrain Grand Prix", "2026-04-12T18:00", PORTIMAO)

    def need(*events: ListedEvent) -> CircuitsNeed:
        answer = ScheduleAnswer(season=2026, source=Source.FASTF1, complete=True, events=events)
        return circuits_need(life.calendar, answer)

    assert need(race) is CircuitsNeed.AT_ONCE
    assert need(test) is CircuitsNeed.NONE, "Jolpica knows no testing"
    assert need(jolpica(race, "bahrain")) is CircuitsNeed.NONE, "its answer has the circuits"
    life.sync(at("2026-01-01"), test, race)
    assert need(test, race) is CircuitsNeed.AGAIN, "Jolpica was asked and did not have it"
    life.sync(at("2026-01-02"), test, race, races=(jolpica(race, "bahrain"),))
    assert need(test, race) is CircuitsNeed.NONE
    assert need(test, elsewhere) is CircuitsNeed.AT_ONCE, "moved away from the circuit that is known"
