"""Schedules as sources list them, and a season that is reconciled with one answer after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.kinds import ChangeKind, EventFormat, ResultsState, SessionKind, Source, Status
from core.records import Change, Circuit, Event, ListedEvent, ListedSession, MalformedEvent, ScheduleAnswer, Session
from core.rules.calendar import identity
from core.rules.calendar.circuits import VENUES
from core.rules.calendar.reconcile import Reconciled, reconcile
from core.rules.calendar.season import Calendar
from core.rules.calendar.times import status_at

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
    """A moment given in UTC, without its offset."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moment(text: str) -> datetime:
    """A moment given with its offset, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


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
    """An event as FastF1 lists it: its last session at a wall time, the others at the usual times before it.

    `moved` gives sessions other wall times, or none (None); `without` leaves sessions out.
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
    """A season's calendar, reconciled with one answer after another."""

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
        """Reconcile with an answer; returns the changes as (id, kind)."""
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
        """Write to a session, as another flow does."""
        sessions = dict(self.calendar.sessions)
        sessions[identity] = sessions[identity].model_copy(update=fields)
        self.calendar = replace(self.calendar, sessions=sessions)

    def has_results(self, identity: str, state: ResultsState) -> None:
        """Mark a session as one whose results were accepted."""
        self.edit(identity, status=Status.COMPLETED, results_state=state, revision=1)

    def refresh(self, now: datetime) -> None:
        """Set every status by the time, as refresh-statuses does."""
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


def all_of(event: str, what: str, *kinds: SessionKind) -> set[tuple[str, str]]:
    """The same change to an event and its sessions: of a conventional weekend, unless kinds are given."""
    kinds = kinds or tuple(KINDS[label] for label in CONVENTIONAL)
    return {(event, what), *((f"{event}/{kind.value}", what) for kind in kinds)}


AUSTIN_TRUE = listed("United States Grand Prix", "2024-10-20T14:00", AUSTIN)
AUSTIN_REWRITTEN = listed("United States Grand Prix", "2024-10-20T15:00", AUSTIN)
AUSTIN_ID = "2024-united-states-grand-prix"
SAO_PAULO = "2024-sao-paulo-grand-prix"
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
