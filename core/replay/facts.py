"""The sample's facts: a season in the project's own compact files, as frozen dataclasses."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

SAMPLE = Path(__file__).parent / "sample"
SEASON = 2024

SESSIONS = {
    "testing": ("Practice 1", "Practice 2", "Practice 3"),
    "conventional": ("Practice 1", "Practice 2", "Practice 3", "Qualifying", "Race"),
    "sprint_shootout": ("Practice 1", "Sprint Shootout", "Sprint", "Qualifying", "Race"),
    "sprint_qualifying": ("Practice 1", "Sprint Qualifying", "Sprint", "Qualifying", "Race"),
}
LENGTHS = {
    "Race": timedelta(hours=2),
    "Sprint Shootout": timedelta(minutes=44),
    "Sprint Qualifying": timedelta(minutes=44),
}
USUAL_LENGTH = timedelta(hours=1)

Reader = Literal["schedule", "jolpica"]


@dataclass(frozen=True)
class SessionFacts:
    """One session of an event; local is the venue's wall time, naive, None while unknown."""

    name: str
    local: datetime | None

    @property
    def length(self) -> timedelta:
        """How long such a session usually takes."""
        return LENGTHS.get(self.name, USUAL_LENGTH)


@dataclass(frozen=True)
class EventFacts:
    """One event of a calendar.

    gmt_offset is "+03:00", None as upstream sometimes has it (read as UTC); day is the last one, needed only if no
    session's time is known.
    """

    round: int
    name: str
    official_name: str
    country: str
    location: str
    circuit_id: str
    gmt_offset: str | None
    format: str
    sessions: tuple[SessionFacts, ...]
    day: date | None = None

    @property
    def last_date(self) -> date | None:
        """The event's last day: as given, otherwise that of its last session with a known time."""
        return self.day or max((s.local.date() for s in self.sessions if s.local), default=None)

    def session(self, name: str) -> SessionFacts | None:
        """The event's session with this name, if any."""
        return next((session for session in self.sessions if session.name == name), None)

    def starts_at(self, name: str) -> datetime | None:
        """A session's start in UTC by the event's single offset, as upstream would compute it."""
        session = self.session(name)
        if session is None or session.local is None:
            return None
        offset = self.gmt_offset or "+00:00"
        return datetime.fromisoformat(f"{session.local.isoformat()}{offset}").astimezone(UTC)


@dataclass(frozen=True)
class CircuitFacts:
    """A circuit as Jolpica describes it, coordinates in degrees as text; key is live timing's, "-" if unknown."""

    id: str
    name: str
    locality: str
    country: str
    lat: str
    long: str
    key: str = "-"


@dataclass(frozen=True)
class DriverFacts:
    """A driver by Jolpica's id; number is the permanent one, born an ISO date, reference live timing's."""

    id: str
    number: str
    code: str
    given: str
    family: str
    born: str
    nationality: str
    reference: str


@dataclass(frozen=True)
class TeamFacts:
    """A team by Jolpica's id; timing_name and color (hexadecimal) are live timing's."""

    id: str
    name: str
    nationality: str
    timing_name: str
    color: str


@dataclass(frozen=True)
class Entry:
    """A car in a classification; place is a number, R, W, N or D; best has Q1 to Q3 of a qualifying."""

    place: str
    car: str
    driver: str
    team: str
    grid: int = 0
    laps: int = 0
    time_ms: int | None = None
    points: str = "0"
    best: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Classification:
    """The entries of a session in order, and how long after publication this version was superseded."""

    superseded_after: timedelta | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Revision:
    """A change of the calendar, published at a UTC moment; starts are local, one per session."""

    at: datetime
    rounds: frozenset[int]
    format: str | None
    starts: tuple[datetime, ...] | None
    followed_by_jolpica: bool

    def revised(self, event: EventFacts) -> EventFacts:
        """The event after this revision."""
        if event.round not in self.rounds:
            return event
        form = self.format or event.format
        starts: Sequence[datetime | None] = self.starts or [session.local for session in event.sessions]
        return replace(event, format=form, sessions=sessions_of(form, starts))


@dataclass(frozen=True)
class Calendar:
    """A season's first calendar and its later revisions, in order of publication."""

    published: datetime
    events: tuple[EventFacts, ...]
    revisions: tuple[Revision, ...]

    def at(self, moment: datetime | None, reader: Reader) -> tuple[EventFacts, ...] | None:
        """The calendar at a UTC moment (None: the final one), None before it was published."""
        if moment is not None and moment < self.published:
            return None
        events = self.events
        for revision in self.revisions:
            known = moment is None or revision.at <= moment
            if known and (reader == "schedule" or revision.followed_by_jolpica):
                events = tuple(revision.revised(event) for event in events)
        return events


def sessions_of(form: str, starts: Sequence[datetime | None]) -> tuple[SessionFacts, ...]:
    """The sessions of an event format, with one local start for each."""
    return tuple(SessionFacts(name, start) for name, start in zip(SESSIONS[form], starts, strict=True))


@cache
def calendar() -> Calendar:
    """The sample season's calendar."""
    document = tomllib.loads((SAMPLE / f"revisions_{SEASON}.toml").read_text("utf-8"))
    revisions = [
        Revision(
            at=entry["at"],
            rounds=frozenset(entry["rounds"]),
            format=entry.get("format"),
            starts=tuple(map(wall_time, entry["starts"])) if "starts" in entry else None,
            followed_by_jolpica=entry.get("followed_by_jolpica", True),
        )
        for entry in document["revision"]
    ]
    events = tuple(
        EventFacts(
            round=int(number),
            name=name,
            official_name=official_name,
            country=country,
            location=place,
            circuit_id=circuit,
            gmt_offset=offset,
            format=form,
            sessions=sessions_of(form, [wall_time(start) for start in starts.split(", ")]),
        )
        for number, name, country, place, circuit, offset, form, starts, official_name in rows(f"calendar_{SEASON}.txt")
    )
    return Calendar(document["published"], events, tuple(sorted(revisions, key=lambda revision: revision.at)))


@cache
def circuits() -> dict[str, CircuitFacts]:
    """The circuits of the sample season, by Jolpica's id."""
    return {fields[0]: CircuitFacts(*fields) for fields in rows("circuits.txt")}


@cache
def drivers() -> dict[str, DriverFacts]:
    """The drivers of the sample season, by Jolpica's id."""
    return {fields[0]: DriverFacts(*fields) for fields in rows(f"drivers_{SEASON}.txt")}


@cache
def teams() -> dict[str, TeamFacts]:
    """The teams of the sample season, by Jolpica's id."""
    return {fields[0]: TeamFacts(*fields) for fields in rows(f"teams_{SEASON}.txt")}


@cache
def classifications() -> dict[tuple[str, str], tuple[Classification, ...]]:
    """All versions of the sample's classifications, in order, by (event name, session name)."""
    names = {event.round: event.name for event in calendar().events}
    found: dict[tuple[str, str], tuple[Classification, ...]] = {}
    for block in (SAMPLE / f"results_{SEASON}.txt").read_text("utf-8").split("\n[")[1:]:
        heading, *lines = block.strip().splitlines()
        number, _, title = heading.rstrip("]").partition(" ")
        session, _, stood = title.partition(" superseded ")
        read = _qualifying_entry if session.endswith("Qualifying") else _race_entry
        version = Classification(
            timedelta(milliseconds=milliseconds(f"{stood}:00")) if stood else None,
            tuple(read(*line.split()) for line in lines),
        )
        key = names[int(number)], session
        found[key] = (*found.get(key, ()), version)
    return found


def milliseconds(text: str) -> int:
    """Milliseconds of a duration h:mm:ss.fff, m:ss.fff or s.fff."""
    total = Decimal(0)
    for part in text.split(":"):
        total = total * 60 + Decimal(part)
    return int(total * 1000)


def rows(file: str) -> Iterator[list[str]]:
    """The lines of a sample file, split at their bars; comments and blank lines are skipped."""
    for line in (SAMPLE / file).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [field.strip() for field in line.split("|")]


def wall_time(text: str) -> datetime:
    """A month-day hour:minute of the sample season as a naive local time."""
    return datetime.fromisoformat(f"{SEASON}-{text}")


def _race_entry(place: str, car: str, driver: str, team: str, grid: str, laps: str, time: str, points: str) -> Entry:
    time_ms = None if time == "-" else milliseconds(time)
    return Entry(place, car, driver, team, int(grid), int(laps), time_ms, points)


def _qualifying_entry(place: str, car: str, driver: str, team: str, laps: str, *best: str) -> Entry:
    ran = 0 if laps == "-" else int(laps)
    return Entry(place, car, driver, team, laps=ran, best=tuple(None if time == "-" else time for time in best))
