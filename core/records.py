"""The vocabulary: events, sessions, results and changes as records, defined once.

*Listed* records are what an upstream source lists, `Event` and `Session` are rows of the database, field for field, and
`Held` and `Change` follow from comparing the two.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime, model_validator

from core.bounds import EVENT_SPAN, Gap, Line, Milliseconds, Name, PointsNumber, RaceTime, Round, Season, SmallNumber
from core.kinds import ChangeKind, Entity, EventFormat, HeldKind, ResultsState, SessionKind, Source, Status


class Record(BaseModel):
    """An immutable record that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def completed(self, known: Record | None) -> Self:
        """This record, with known values for fields that are None."""
        lacking = {name: value for name, value in known or () if value is not None and getattr(self, name) is None}
        return self.model_copy(update=lacking) if lacking else self


class Circuit(Record):
    """A circuit, by Jolpica's id; coordinates in degrees, `time_zone` an IANA name or None if unknown."""

    id: Name
    name: Name
    locality: Line
    country: Line
    latitude: Annotated[float, Field(ge=-90, le=90)] | None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None
    time_zone: Line | None


class ListedSession(Record):
    """A session as a source lists it.

    A source has either the venue's wall time (`wall_time`, with `utc_offset_minutes`) or the instant (`instant`), or
    only the date, or only that the session exists.
    """

    kind: SessionKind
    name: Name
    local_date: date | None = None
    wall_time: NaiveDatetime | None = None
    utc_offset_minutes: Annotated[int, Field(ge=-14 * 60, le=14 * 60)] | None = None
    instant: AwareDatetime | None = None


class ListedEvent(Record):
    """An event as a source lists it; `round` is None for testing.

    Its dates are in its season's year and near each other, its sessions of different kinds. `unknown_sessions` has the
    labels of sessions whose kind this version does not know; they are reported and held.
    """

    season: Season
    round: Round | None
    name: Name
    official_name: Line | None
    country: Line
    locality: Line
    format: EventFormat
    last_date: date
    sessions: tuple[ListedSession, ...]
    unknown_sessions: tuple[Line, ...] = ()
    circuit: Circuit | None = None

    @model_validator(mode="after")
    def _dates_fit(self) -> Self:
        if self.last_date.year != self.season:
            raise ValueError(f"its date {self.last_date} is not in {self.season}")
        if (self.round is None) != (self.format is EventFormat.TESTING):
            raise ValueError("a race without a round" if self.round is None else "testing with a round")
        if len({session.kind for session in self.sessions}) < len(self.sessions):
            raise ValueError("two sessions of one kind")
        for session in self.sessions:
            given = [one for one in (session.local_date, session.wall_time, session.instant) if one is not None]
            days = [one.date() if isinstance(one, datetime) else one for one in given]
            if any(abs(day - self.last_date) > EVENT_SPAN for day in days):
                raise ValueError(f"{session.name} is not near its date {self.last_date}")
        return self


class MalformedEvent(Record):
    """An unreadable event in an answer: its `name`, if readable, the `reason` in words, its text as `document`."""

    name: Name | None
    reason: str
    document: str


class Unpublished(Record):
    """Stands for a request's data that the source has not published, which is not a fault; `why` in words."""

    source: Source
    why: str


class ScheduleAnswer(Record):
    """One source's answer for one season; unless it is `complete`, a missing event does not count as absent."""

    season: Season
    source: Source
    complete: bool
    events: tuple[ListedEvent, ...]
    malformed: tuple[MalformedEvent, ...] = ()


class Event(Record):
    """An event as the database holds it."""

    id: str
    season: int
    round: int | None
    name: str
    official_name: str | None
    country: str
    locality: str
    circuit_id: str | None
    format: EventFormat
    first_date: date
    last_date: date
    starts_at: AwareDatetime | None
    ends_at: AwareDatetime | None
    status: Status
    source: Source

    @property
    def in_order(self) -> tuple[date, str]:
        """The sort key of a season's events."""
        return (self.first_date, self.id)


class Session(Record):
    """A session as the database holds it; `utc_offset_minutes` is the venue's at the start."""

    id: str
    event_id: str
    kind: SessionKind
    name: str
    local_date: date
    starts_at: AwareDatetime | None
    ends_at: AwareDatetime | None
    utc_offset_minutes: int | None
    status: Status
    results_state: ResultsState = ResultsState.AWAITED
    revision: int = 0
    next_poll_at: AwareDatetime | None = None
    poll_attempts: int = 0
    poll_faults: int = 0
    last_error: str | None = None
    source: Source

    @property
    def wall_time(self) -> datetime | None:
        """The venue's clock at the start, naive; None while it is not known."""
        if self.starts_at is None or self.utc_offset_minutes is None:
            return None
        return self.starts_at.replace(tzinfo=None) + timedelta(minutes=self.utc_offset_minutes)

    @property
    def has_results(self) -> bool:
        """Whether a result of this session was ever accepted."""
        return self.revision > 0


class Held(Record):
    """An answer that is not applied: it was rejected, or waits to be repeated unchanged for its holding time."""

    entity: Entity
    entity_id: str
    kind: HeldKind
    payload: dict[str, Any]
    reason: str
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime
    times_seen: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Its identity: entity, id and kind."""
        return (self.entity.value, self.entity_id, self.kind.value)


class Change(Record):
    """One entry of the feed: what happened, with the fields concerned before and after."""

    entity: Entity
    entity_id: str
    kind: ChangeKind
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Driver(Record):
    """A driver, by Jolpica's id; `number` is the permanent car number as text, which most never had."""

    id: Name
    given_name: Line
    family_name: Name
    code: Line | None = None
    number: Line | None = None
    date_of_birth: date | None = None
    nationality: Line | None = None

    @property
    def full_name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}".strip()


class Team(Record):
    """A team (Jolpica's constructor), by Jolpica's id."""

    id: Name
    name: Name
    nationality: Line | None = None


class Entry(Record):
    """The result of a car, or of one of a shared car's drivers, in a session: a row of `results`.

    `position` is the classified place or None; `classification` is Ergast's text ("1", "R", "D", "W", "F", "E",
    "N"), None if upstream gives none; `listed_position` is upstream's order, the unclassified included.
    Durations are whole milliseconds: `time_ms` the race time, `gap_ms` that behind the winner.
    """

    car_number: Line
    ordinal: SmallNumber = 0
    driver_id: Name | None = None
    driver_code: Line | None = None
    team_id: Name | None = None
    listed_position: SmallNumber | None = None
    position: SmallNumber | None = None
    classification: Line | None = None
    grid: SmallNumber | None = None
    points: PointsNumber | None = None
    status: Line | None = None
    laps: SmallNumber | None = None
    time_ms: RaceTime | None = None
    gap_ms: Gap | None = None
    q1_ms: Milliseconds | None = None
    q2_ms: Milliseconds | None = None
    q3_ms: Milliseconds | None = None
    best_lap_ms: Milliseconds | None = None
    fastest_lap_rank: SmallNumber | None = None
    source: Source

    @property
    def key(self) -> tuple[str, int]:
        """Its identity in its session: car number and ordinal."""
        return (self.car_number, self.ordinal)


class SessionResult(Record):
    """One source's result of one session: entries in its order, with the drivers and teams it names."""

    season: Season
    round: Round | None
    kind: SessionKind
    source: Source
    entries: Annotated[tuple[Entry, ...], Field(max_length=100)]
    drivers: tuple[Driver, ...] = ()
    teams: tuple[Team, ...] = ()


class ListedResult(Record):
    """A source's result and the event it names; None for an unreadable one: `fault` and `document` say why."""

    round: int | None
    event: ListedEvent | None
    result: SessionResult | None
    fault: str = ""
    document: str = ""


Competitor = Literal["driver", "team"]
"""Who can win a championship."""


class Standing(Record):
    """A driver's or team's place in the championship after a round; None if it has none (never classified)."""

    competitor_id: Name
    position: SmallNumber | None
    points: PointsNumber
    wins: SmallNumber
    source: str
