"""What may happen to a calendar: each rule under the name of the case that it comes from.

Most of it at the level of records: what a source listed, and what that made of what was known. The last part goes
the whole way, through the real FastF1 into a database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from core.database import Database
from core.queries import read_calendar
from core.records import (
    Change,
    ChangeKind,
    Circuit,
    Entity,
    Event,
    EventFormat,
    HeldKind,
    ListedEvent,
    ListedSession,
    MalformedEvent,
    ResultsState,
    ScheduleAnswer,
    Session,
    SessionKind,
    Source,
    Status,
)
from core.replay import EventFacts, Upstream, facts
from core.rules.calendar import identity
from core.rules.calendar.circuits import VENUES
from core.rules.calendar.reconcile import Reconciled, reconcile
from core.rules.calendar.season import Calendar, CircuitsNeed, begun, circuits_need, sources_of
from core.rules.calendar.times import status_at
from core.rules.confirmation import Confirmation
from core.upsert.schedule import SeasonSummary

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

SAKHIR = ("Bahrain", "Sakhir")
MELBOURNE = ("Australia", "Melbourne")
AUSTIN = ("United States", "Austin")
INTERLAGOS = ("Brazil", "São Paulo")
MEXICO = ("Mexico", "Mexico City")
BARCELONA = ("Spain", "Barcelona")
MADRID = ("Spain", "Madrid")
PORTIMAO = ("Portugal", "Portimão")
SPIELBERG = ("Austria", "Spielberg")
BAKU = ("Azerbaijan", "Baku")

CONVENTIONAL = ("Practice 1", "Practice 2", "Practice 3", "Qualifying", "Race")
SHOOTOUT = ("Practice 1", "Sprint Shootout", "Sprint", "Qualifying", "Race")
SPRINT_2022 = ("Practice 1", "Qualifying", "Practice 2", "Sprint", "Race")
SPRINT_2024 = ("Practice 1", "Sprint Qualifying", "Sprint", "Qualifying", "Race")
TESTING = ("Practice 1", "Practice 2", "Practice 3")
KINDS = {
    "Practice 1": SessionKind.PRACTICE_1,
    "Practice 2": SessionKind.PRACTICE_2,
    "Practice 3": SessionKind.PRACTICE_3,
    "Sprint Shootout": SessionKind.SPRINT_QUALIFYING,
    "Sprint Qualifying": SessionKind.SPRINT_QUALIFYING,
    "Sprint": SessionKind.SPRINT,
    "Qualifying": SessionKind.QUALIFYING,
    "Race": SessionKind.RACE,
}
BEFORE_LAST = {5: (50, 46, 27, 23, 0), 3: (48, 24, 0)}
"""Hours before the last session, by how many there are."""

Moved = Mapping[str, str | None]


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def listed(
    name: str,
    last: str,
    place: tuple[str, str] = SAKHIR,
    *,
    number: int | None = 1,
    labels: tuple[str, ...] = CONVENTIONAL,
    form: EventFormat = EventFormat.CONVENTIONAL,
    moved: Moved | None = None,
    without: Iterable[str] = (),
    official_name: str | None = None,
    unknown: tuple[str, ...] = (),
    circuit: Circuit | None = None,
) -> ListedEvent:
    """An event as FastF1 lists it: the wall time of its last session, the others a usual time before.

    `moved` gives sessions other wall times, or None for none; `without` leaves sessions out.
    """
    end = datetime.fromisoformat(last)
    walls: dict[str, datetime | None] = {
        label: end - before * HOUR for label, before in zip(labels, BEFORE_LAST[len(labels)], strict=True)
    }
    for label, wall in (moved or {}).items():
        walls[label] = datetime.fromisoformat(wall) if wall else None
    left = {label: wall for label, wall in walls.items() if label not in set(without)}
    return ListedEvent(
        season=end.year,
        round=number,
        name=name,
        official_name=official_name,
        country=place[0],
        locality=place[1],
        format=form,
        last_date=max((wall.date() for wall in left.values() if wall), default=end.date()),
        sessions=tuple(
            ListedSession(kind=KINDS[label], name=label, local_date=wall.date() if wall else None, wall_time=wall)
            for label, wall in left.items()
        ),
        unknown_sessions=unknown,
        circuit=circuit,
    )


def days_of_testing(name: str, last: str, place: tuple[str, str] = SAKHIR) -> ListedEvent:
    """Three days of testing."""
    return listed(name, last, place, number=None, labels=TESTING, form=EventFormat.TESTING)


def circuit(identity: str) -> Circuit:
    venue = VENUES[identity]
    return Circuit(
        id=identity,
        name=identity,
        locality=venue.places[0],
        country=venue.country,
        latitude=None,
        longitude=None,
        time_zone=venue.time_zone,
    )


def jolpica(event: ListedEvent, circuit_id: str) -> ListedEvent:
    """The event as Jolpica lists it: instants instead of wall times, and its circuit."""
    sessions = tuple(
        slot.model_copy(update={"wall_time": None, "instant": slot.wall_time.replace(tzinfo=UTC)})
        if slot.wall_time
        else slot
        for slot in event.sessions
    )
    return event.model_copy(update={"sessions": sessions, "official_name": None, "circuit": circuit(circuit_id)})


class Life:
    """A season lived through, one answer after the other."""

    def __init__(self) -> None:
        self.calendar = Calendar()
        self.last = Reconciled(self.calendar, (), ())

    def sync(
        self,
        now: datetime,
        *events: ListedEvent,
        source: Source = Source.FASTF1,
        force: bool = False,
        races: tuple[ListedEvent, ...] = (),
        malformed: tuple[MalformedEvent, ...] = (),
    ) -> set[tuple[str, str]]:
        """Reconcile with an answer; what changed: whom and what."""
        season = events[0].season if events else identity.season_of(next(iter(self.calendar.events)))
        answer = ScheduleAnswer(
            season=season,
            source=source,
            complete=source is not Source.LIVETIMING,
            events=tuple(events),
            malformed=malformed,
        )
        self.last = reconcile(self.calendar, answer, now, races=races, force=force)
        self.calendar = self.last.calendar
        return {(change.entity_id, change.kind.value) for change in self.last.changes}

    def event(self, identity: str) -> Event:
        return self.calendar.events[identity]

    def session(self, identity: str) -> Session:
        return self.calendar.sessions[identity]

    def edit(self, identity: str, **fields: object) -> None:
        """What another flow has written to a session since."""
        sessions = dict(self.calendar.sessions)
        sessions[identity] = sessions[identity].model_copy(update=fields)
        self.calendar = replace(self.calendar, sessions=sessions)

    def has_results(self, identity: str, state: ResultsState) -> None:
        """Results were accepted."""
        self.edit(identity, status=Status.COMPLETED, results_state=state, revision=1)

    def refresh(self, now: datetime) -> None:
        """Time has gone on, and every status with it."""
        sessions = {
            s.id: s.model_copy(update={"status": status_at(now, s.starts_at, s.ends_at, s.local_date)})
            for s in self.calendar.sessions.values()
        }
        events = {
            e.id: e.model_copy(update={"status": status_at(now, e.starts_at, e.ends_at, e.last_date)})
            for e in self.calendar.events.values()
        }
        self.calendar = replace(self.calendar, events=events, sessions=sessions)

    def change(self, identity: str, kind: ChangeKind) -> Change:
        [found] = [c for c in self.last.changes if (c.entity_id, c.kind) == (identity, kind)]
        return found

    @property
    def notes(self) -> str:
        return "\n".join(self.last.notes)


@pytest.fixture
def life() -> Life:
    return Life()


def all_of(event: str, what: str, *kinds: SessionKind) -> set[tuple[str, str]]:
    """The same change to an event and its sessions: of a conventional weekend, unless kinds are given."""
    kinds = kinds or tuple(KINDS[label] for label in CONVENTIONAL)
    return {(event, what), *((f"{event}/{kind.value}", what) for kind in kinds)}


# -- absence ----------------------------------------------------------------------------------------


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
    """Two sightings suffice, however far apart: nothing is counted in runs."""
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
    assert life.sync(at("2026-03-11"), short) == set(), "a second absence begins anew"


def test_a_testing_weekend_missing_for_two_minutes_changes_nothing(life: Life) -> None:
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    test = days_of_testing("Pre-Season Testing", "2026-02-20T10:00")
    noon = at("2026-02-01T12:00")
    life.sync(noon, test, race)
    before = life.calendar
    assert life.sync(noon + DAY, race) == set()
    assert life.sync(noon + DAY + timedelta(minutes=2), test, race) == set()
    assert life.calendar == before, "nothing is held any more"
    assert life.sync(noon + 2 * DAY, race) == set(), "a second absence begins anew"
    assert life.event("2026-pre-season-testing").status is Status.SCHEDULED


def test_what_has_results_is_never_cancelled_by_absence(life: Life) -> None:
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
    """A file that was half filled: blank slots of a whole weekend are not five cancellations."""
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    blank = race.model_copy(update={"sessions": ()})
    life.sync(at("2026-03-01"), race)
    before = life.calendar
    for day in (2, 3, 4):
        assert life.sync(at(f"2026-03-0{day}"), blank) == set()
    assert life.calendar == before


# -- times that move --------------------------------------------------------------------------------


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


AUSTIN_TRUE = listed("United States Grand Prix", "2024-10-20T14:00", AUSTIN)
AUSTIN_REWRITTEN = listed("United States Grand Prix", "2024-10-20T15:00", AUSTIN)
AUSTIN_ID = "2024-united-states-grand-prix"


def test_austin_2024_rewritten_and_reverted_next_day_moves_nothing(life: Life) -> None:
    life.sync(at("2024-02-01"), AUSTIN_TRUE)
    life.refresh(at("2024-10-25T08:00"))
    before = life.calendar
    assert life.sync(at("2024-10-25T08:00"), AUSTIN_REWRITTEN) == set()
    assert "its time has passed, and upstream gives it another past one" in life.notes
    assert {key[1] for key in life.calendar.held} == set(before.sessions)
    assert life.sync(at("2024-10-26T08:00"), AUSTIN_TRUE) == set()
    assert life.calendar == before
    assert life.sync(at("2024-10-27T08:00"), AUSTIN_REWRITTEN) == set(), "the clock starts anew"


def test_austin_2024_rewritten_and_still_so_two_days_later_moves(life: Life) -> None:
    life.sync(at("2024-02-01"), AUSTIN_TRUE)
    life.refresh(at("2024-10-25T08:00"))
    life.sync(at("2024-10-25T08:00"), AUSTIN_REWRITTEN)
    assert life.sync(at("2024-10-27T07:59"), AUSTIN_REWRITTEN) == set()
    assert life.sync(at("2024-10-27T08:00"), AUSTIN_REWRITTEN) == all_of(AUSTIN_ID, "rescheduled")
    assert life.session(f"{AUSTIN_ID}/race").starts_at == at("2024-10-20T20:00")
    assert not life.calendar.held


def test_austin_2024_rewritten_twice_is_held_from_the_later_times_on(life: Life) -> None:
    """Only what was repeated unchanged is believed: another past time begins its own wait."""
    again = listed("United States Grand Prix", "2024-10-20T13:00", AUSTIN)
    life.sync(at("2024-02-01"), AUSTIN_TRUE)
    life.refresh(at("2024-10-25T08:00"))
    life.sync(at("2024-10-25T08:00"), AUSTIN_REWRITTEN)
    assert life.sync(at("2024-10-27T08:00"), again) == set()
    assert life.sync(at("2024-10-29T08:00"), again) == all_of(AUSTIN_ID, "rescheduled")


def test_a_past_date_without_a_time_waits_like_a_past_time(life: Life) -> None:
    """Before the 2000s only dates are known; the rule is about the past, not about clocks."""

    def race(day: str) -> ListedEvent:
        slot = ListedSession(kind=SessionKind.RACE, name="Race", local_date=date.fromisoformat(day))
        return listed("Italian Grand Prix", f"{day}T00:00", ("Italy", "Monza")).model_copy(update={"sessions": (slot,)})

    identity = "1975-italian-grand-prix/race"
    life.sync(at("2026-01-01"), race("1975-09-07"), source=Source.JOLPICA)
    assert life.sync(at("2026-02-01"), race("1975-09-06"), source=Source.JOLPICA) == set()
    life.sync(at("2026-02-03"), race("1975-09-06"), source=Source.JOLPICA)
    assert life.session(identity).local_date == date(1975, 9, 6)


def test_a_past_date_is_corrected_although_there_are_results(life: Life) -> None:
    """Results forbid a time to come, not a better date in the past."""

    def race(day: str) -> ListedEvent:
        slot = ListedSession(kind=SessionKind.RACE, name="Race", local_date=date.fromisoformat(day))
        return listed("Italian Grand Prix", f"{day}T00:00", ("Italy", "Monza")).model_copy(update={"sessions": (slot,)})

    identity = "1975-italian-grand-prix/race"
    life.sync(at("2026-01-01"), race("1975-09-07"), source=Source.JOLPICA)
    life.has_results(identity, ResultsState.SETTLED)
    life.sync(at("2026-02-01"), race("1975-09-06"), source=Source.JOLPICA)
    assert "a time to come" not in life.notes
    life.sync(at("2026-02-04"), race("1975-09-06"), source=Source.JOLPICA)
    assert life.session(identity).local_date == date(1975, 9, 6)


SAO_PAULO = "2024-sao-paulo-grand-prix"
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
    assert "it has results, and upstream gives it a time to come: kept where it is" in life.notes


def test_two_days_later_is_postponed_and_earlier_is_brought_forward(life: Life) -> None:
    race = listed("Bahrain Grand Prix", "2026-04-12T18:00")
    later = listed("Bahrain Grand Prix", "2026-04-14T18:00")
    life.sync(at("2026-01-01"), race)
    assert life.sync(at("2026-01-02"), later) == all_of("2026-bahrain-grand-prix", "postponed")
    assert life.sync(at("2026-01-03"), race) == all_of("2026-bahrain-grand-prix", "brought_forward")
    same_day = listed("Bahrain Grand Prix", "2026-04-12T19:00")
    assert life.sync(at("2026-01-04"), same_day) == all_of("2026-bahrain-grand-prix", "rescheduled")


def test_a_time_that_becomes_known_is_a_detail_and_no_move(life: Life) -> None:
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


# -- the brake --------------------------------------------------------------------------------------

PLACES = (MELBOURNE, SAKHIR, BAKU, BARCELONA, SPIELBERG, MEXICO, AUSTIN, INTERLAGOS, PORTIMAO)


def nine_races(shifted: int = 0, by: timedelta = HOUR) -> list[ListedEvent]:
    """Nine races, five days apart from 5 April; the first `shifted` of them later."""
    return [
        listed(
            f"{place[1]} Grand Prix",
            (datetime(2026, 4, 5, 15) + 5 * n * DAY + (by if n < shifted else timedelta(0))).isoformat(),
            place,
            number=n + 1,
        )
        for n, place in enumerate(PLACES)
    ]


MELBOURNE_ID, SAKHIR_ID, BAKU_CITY_ID = (f"2026-{name}-grand-prix" for name in ("melbourne", "sakhir", "baku"))


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
    assert life.notes.count("it moves with an implausible share of the season") == 3, "a line an event"
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
    """A season to come, of which only the dates are known."""
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
        race.model_copy(update={"sessions": race.sessions[:-1], "last_date": race.sessions[-2].dates[0]})
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
    """One event's practice may give way to a sprint at once (Baku 2023), but not a season's."""

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
    """Without results a past session may be scheduled again at once (São Paulo 2024), but not a season of them."""
    later = [
        listed(race.name, f"{race.last_date + 120 * DAY}T15:00", (race.country, race.locality), number=race.round)
        for race in nine_races()
    ]
    life.sync(at("2026-01-01"), *nine_races())
    before = life.calendar
    assert life.sync(at("2026-06-01"), *later) == set()
    assert life.calendar.sessions == before.sessions


# -- what cannot be read ------------------------------------------------------------------------------


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
    assert life.sync(at("2026-01-03T01:00"), *races[1:]) == set(), "six hours from here"


def test_a_lesser_source_keeps_the_malformed_event_of_a_better_one(life: Life) -> None:
    races = nine_races()
    life.sync(at("2026-01-01"), *races)
    life.sync(at("2026-01-02"), *races[1:], malformed=(unread("Melbourne Grand Prix"),))
    life.sync(at("2026-01-03"), *races, source=Source.JOLPICA)
    assert [kept.kind for kept in life.calendar.held.values()] == [HeldKind.SCHEDULE_REJECTED]


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


# -- who is who -------------------------------------------------------------------------------------


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
    assert life.event(two).last_date == date(2026, 2, 20), "the second stays itself"
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
    """FastF1's own fuzzy names give Pre-Season Testing for Bahrain Grand Prix."""
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
    """Place and date tell more than a name: Barcelona's race is renamed, Madrid's takes its name."""
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


def test_relocated_only(life: Life) -> None:
    """Same name, same wall times, another circuit."""
    before = listed("Iberian Grand Prix", "2026-06-14T15:00", BARCELONA)
    after = listed("Iberian Grand Prix", "2026-06-14T15:00", MADRID)
    life.sync(at("2026-01-01"), before, races=(jolpica(before, "catalunya"),))
    assert life.sync(at("2026-01-02"), after) == {("2026-iberian-grand-prix", "relocated")}
    assert life.event("2026-iberian-grand-prix").circuit_id is None, "the old circuit is not that of the new place"


def test_another_spelling_of_a_place_is_no_relocation(life: Life) -> None:
    life.sync(at("2026-01-01"), listed("British Grand Prix", "2026-07-05T15:00", ("Great Britain", "Silverstone")))
    happened = life.sync(at("2026-01-02"), listed("British Grand Prix", "2026-07-05T15:00", ("UK", "Silverstone")))
    assert {what for _, what in happened} <= {"detailed"}


# -- sessions that change their kind or their name --------------------------------------------------


def test_sprint_shootout_2024_renamed_keeps_its_id(life: Life) -> None:
    before = listed("Chinese Grand Prix", "2024-04-21T15:00", labels=SHOOTOUT, form=EventFormat.SPRINT_SHOOTOUT)
    after = listed("Chinese Grand Prix", "2024-04-21T15:00", labels=SPRINT_2024, form=EventFormat.SPRINT_QUALIFYING)
    life.sync(at("2024-02-01"), before)
    identity = "2024-chinese-grand-prix"
    happened = life.sync(at("2024-03-12"), after)
    assert happened == {(identity, "format_changed"), (f"{identity}/sprint_qualifying", "renamed")}
    assert life.session(f"{identity}/sprint_qualifying").name == "Sprint Qualifying"


BAKU_ID = "2023-azerbaijan-grand-prix"
BAKU_BEFORE = listed("Azerbaijan Grand Prix", "2023-04-30T15:00", BAKU, labels=SPRINT_2022, form=EventFormat.SPRINT)
BAKU_AFTER = listed(
    "Azerbaijan Grand Prix",
    "2023-04-30T15:00",
    BAKU,
    labels=SHOOTOUT,
    form=EventFormat.SPRINT_SHOOTOUT,
    moved={s.name: s.wall_time.isoformat() for s in BAKU_BEFORE.sessions if s.wall_time and s.name in SHOOTOUT},
)


def test_baku_2023_cancels_practice_and_adds_the_shootout_once_the_slot_is_filled(life: Life) -> None:
    blank = BAKU_BEFORE.model_copy(
        update={"sessions": tuple(s for s in BAKU_BEFORE.sessions if s.name != "Practice 2")}
    )
    life.sync(at("2023-02-21"), BAKU_BEFORE)
    assert life.sync(at("2023-04-25T18:28"), blank) == set()
    assert life.session(f"{BAKU_ID}/practice_2").status is Status.SCHEDULED
    assert life.sync(at("2023-04-25T20:48"), BAKU_AFTER) == {
        (BAKU_ID, "format_changed"),
        (f"{BAKU_ID}/practice_2", "cancelled"),
        (f"{BAKU_ID}/sprint_qualifying", "added"),
    }
    assert not life.calendar.held


def test_baku_2023_reinstates_practice_if_the_format_is_changed_back(life: Life) -> None:
    """The slot is filled by the session that was there before: one is cancelled, one reinstated, together."""
    life.sync(at("2023-02-21"), BAKU_BEFORE)
    life.sync(at("2023-04-25T20:48"), BAKU_AFTER)
    assert life.sync(at("2023-04-26T20:48"), BAKU_BEFORE) == {
        (BAKU_ID, "format_changed"),
        (f"{BAKU_ID}/practice_2", "reinstated"),
        (f"{BAKU_ID}/sprint_qualifying", "cancelled"),
    }


def test_a_session_of_an_unknown_kind_is_held_and_reported(life: Life) -> None:
    strange = listed("Bahrain Grand Prix", "2026-04-12T18:00", unknown=("Sprint Relay",))
    identity = "2026-bahrain-grand-prix"
    happened = life.sync(at("2026-01-01"), strange)
    assert happened == all_of(identity, "added")
    assert "Bahrain Grand Prix: left out a session of a kind this version does not know: Sprint Relay" in life.notes
    [answer] = life.calendar.held.values()
    assert (answer.entity, answer.entity_id, answer.kind) == (Entity.EVENT, identity, HeldKind.UNKNOWN_SESSION)
    assert answer.payload == {"labels": ["Sprint Relay"]}
    assert life.sync(at("2026-02-01"), strange) == set(), "time does not make it known"
    assert [answer.times_seen for answer in life.calendar.held.values()] == [2]
    life.sync(at("2026-02-02"), listed("Bahrain Grand Prix", "2026-04-12T18:00"))
    assert not life.calendar.held


# -- sources ----------------------------------------------------------------------------------------


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


def test_a_lesser_source_reinstates_nothing(life: Life) -> None:
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
    """FastF1 dropped it twice; that Jolpica, which lags, was asked in between is no other word of FastF1's."""
    stays = listed("Australian Grand Prix", "2023-04-02T15:00", MELBOURNE)
    imola = listed("Emilia Romagna Grand Prix", "2023-05-21T15:00", ("Italy", "Imola"), number=6)
    lagging = (jolpica(stays, "albert_park"), jolpica(imola, "imola"))
    life.sync(at("2023-02-01"), stays, imola, races=lagging)
    life.sync(at("2023-05-16T12:00"), stays)
    life.sync(at("2023-05-16T15:00"), *lagging, source=Source.JOLPICA)
    assert life.sync(at("2023-05-16T18:00"), stays) == all_of("2023-emilia-romagna-grand-prix", "cancelled")


def test_a_better_source_replaces_a_lesser_ones_past_times_at_once(life: Life) -> None:
    """No 48 hours' wait: it is not that one source changed its mind, a better one was heard."""
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
    """Its index grows as the season goes on: even of its own events, what it leaves out is not gone."""
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
    assert need(jolpica(race, "bahrain")) is CircuitsNeed.NONE, "it brings its own"
    life.sync(at("2026-01-01"), test, race)
    assert need(test, race) is CircuitsNeed.AGAIN, "asked for in vain"
    life.sync(at("2026-01-02"), test, race, races=(jolpica(race, "bahrain"),))
    assert need(test, race) is CircuitsNeed.NONE
    assert need(test, elsewhere) is CircuitsNeed.AT_ONCE, "moved away from the circuit that is known"


# -- holding ----------------------------------------------------------------------------------------


def test_the_holding_time_runs_from_the_first_of_equal_answers() -> None:
    noon = at("2026-03-01T12:00")

    def ask(found: Confirmation, payload: str, wait: timedelta | None = 6 * HOUR) -> bool:
        return found.confirm_or_hold(Entity.EVENT, "e", HeldKind.ABSENT, {"said": payload}, "why", wait)

    first = Confirmation({}, noon)
    assert not ask(first, "a")
    second = Confirmation(first.kept, noon + 3 * HOUR)
    assert not ask(second, "a")
    [kept] = second.kept.values()
    assert (kept.first_seen_at, kept.last_seen_at, kept.times_seen) == (noon, noon + 3 * HOUR, 2)
    other = Confirmation(second.kept, noon + 6 * HOUR)
    assert not ask(other, "b"), "said differently"
    assert [answer.times_seen for answer in other.kept.values()] == [1]
    third = Confirmation(second.kept, noon + 6 * HOUR)
    assert ask(third, "a")
    assert not third.kept
    assert not ask(Confirmation(second.kept, noon + 900 * DAY), "a", None), "time alone never satisfies it"
    assert ask(Confirmation({}, noon, force=True), "a", None), "force does"


# -- the whole way ----------------------------------------------------------------------------------

Sync = Callable[..., SeasonSummary]


def stored(database: Database) -> Calendar:
    with database.reading() as connection:
        return read_calendar(connection, 2024)


def happened(summary: SeasonSummary) -> set[tuple[str, str]]:
    return {(change.entity_id, change.kind.value) for change in summary.changes}


def without_bahrain(back: EventFacts | None = None) -> list[EventFacts]:
    """The sample's calendar without Bahrain's race, the rest renumbered; or with it back elsewhere."""
    left = [event for event in facts.calendar().events if event.name != "Bahrain Grand Prix"]
    events = sorted([*left, *([back] if back else [])], key=lambda event: (event.round > 0, event.last_date))
    return [replace(event, round=n) if event.round else event for n, event in enumerate(events)]


def test_a_race_removed_returns_elsewhere_through_fastf1(database: Database, replay: Upstream, sync: Sync) -> None:
    identity = "2024-bahrain-grand-prix"
    [bahrain] = [event for event in facts.calendar().events if event.name == "Bahrain Grand Prix"]
    monday = at("2024-01-29T10:00")
    replay.calendars[2024] = facts.calendar().events
    sync(2024, monday)
    first = stored(database)

    replay.calendars[2024] = without_bahrain()
    summary = sync(2024, monday + DAY)
    assert {what for _, what in happened(summary)} == {"renumbered"}
    assert len(summary.changes) == 23
    assert happened(sync(2024, monday + DAY + 6 * HOUR)) == all_of(identity, "cancelled")
    assert stored(database).events[identity].round is None

    back = replace(
        bahrain,
        round=1,
        country="Portugal",
        location="Portimão",
        circuit_id="portimao",
        gmt_offset="+01:00",
        sessions=tuple(replace(s, local=s.local + 203 * DAY) for s in bahrain.sessions if s.local),
    )
    replay.calendars[2024] = without_bahrain(back)
    returned = happened(sync(2024, at("2024-06-10T12:00")))
    kinds = {what for i, what in returned if i == identity}
    assert kinds == {"reinstated", "relocated", "renumbered", "postponed"}
    last = stored(database)
    assert last.events.keys() == first.events.keys()
    assert last.sessions.keys() == first.sessions.keys()
    assert (last.events[identity].circuit_id, last.events[identity].locality) == ("portimao", "Portimão")
    assert last.sessions[f"{identity}/race"].starts_at == at("2024-09-21T17:00")
    rounds = sorted(event.round for event in last.events.values() if event.round)
    assert all(later == earlier + 1 for earlier, later in pairwise(rounds))


def test_austin_2024_through_fastf1(database: Database, replay: Upstream, sync: Sync) -> None:
    race = f"{AUSTIN_ID}/race"

    def living(now: datetime) -> SeasonSummary:
        replay.as_of = now
        return sync(2024, now)

    living(at("2024-10-24T08:00"))
    assert stored(database).sessions[race].starts_at == at("2024-10-20T19:00")
    rewritten = living(at("2024-10-25T12:00"))
    assert (rewritten.changes, len(rewritten.notes)) == ((), 5)
    assert len(stored(database).held) == 5
    assert living(at("2024-10-26T12:00")).changes == ()
    assert not stored(database).held

    replay.as_of = at("2024-10-25T12:00")
    sync(2024, at("2024-10-27T12:00"))
    kinds = [KINDS[label] for label in SPRINT_2024]
    assert happened(sync(2024, at("2024-10-29T12:00"))) == all_of(AUSTIN_ID, "rescheduled", *kinds)
    assert stored(database).sessions[race].starts_at == at("2024-10-20T20:00")


def test_sao_paulo_2024_through_fastf1(database: Database, replay: Upstream, sync: Sync) -> None:
    replay.as_of = at("2024-11-02T19:30")
    sync(2024, at("2024-11-02T19:30"))
    assert stored(database).sessions[f"{SAO_PAULO}/qualifying"].status is Status.COMPLETED
    replay.as_of = at("2024-11-02T20:30")
    summary = sync(2024, at("2024-11-02T20:31"))
    assert {
        (f"{SAO_PAULO}/qualifying", "status"),
        (f"{SAO_PAULO}/qualifying", "postponed"),
        (f"{SAO_PAULO}/race", "rescheduled"),
    } <= happened(summary)
    qualifying = stored(database).sessions[f"{SAO_PAULO}/qualifying"]
    assert (qualifying.status, qualifying.starts_at) == (Status.SCHEDULED, at("2024-11-03T10:30"))
    assert stored(database).sessions[f"{SAO_PAULO}/race"].starts_at == at("2024-11-03T15:30")
