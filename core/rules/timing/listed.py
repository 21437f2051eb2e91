"""Jolpica's laps and pit stops: for which races they are fetched, and their cars. Pure functions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median_low
from typing import Any

from core.documents import PAGE, Listing
from core.kinds import Source
from core.records import Record, Session
from core.rules.datasets import LAPS, PIT_STOPS, Dataset, DatasetState
from core.rules.results.polling import has_livetiming, is_filed
from core.rules.timing.evidence import Evidence
from core.timing_records import ListedLap, ListedPitStop, PitStop, TimedLap

LATEST_START = timedelta(minutes=45)
"""The latest start of a race after its scheduled time; with the clock of another zone it is an hour or more."""

CLOCK_WITHIN = timedelta(minutes=1)
"""The allowed difference of a stop's time of day from the laps before it; so far it is less than a second."""

HALF_A_DAY = timedelta(hours=12)

Tables = Mapping[Listing, Sequence[Any]]
"""Rows of a race's tables, as listed."""


@dataclass(frozen=True)
class RaceTable:
    """One of Jolpica's tables of a race: its dataset, and the first season that has it.

    `rows` makes the dataset's rows from all of the race's tables and the car numbers by driver; `fault` gives a reason
    to refuse the table.
    """

    dataset: Dataset
    first_season: int
    rows: Callable[[Tables, Mapping[str, str], Evidence], Sequence[Record]]
    fault: Callable[[Sequence[Any], Mapping[str, str], Evidence], str | None] | None = None


@dataclass(frozen=True)
class RaceDue:
    """A race to fetch from Jolpica; `laps` is the most laps in its classification, `kept` the pages already fetched."""

    session_id: str
    season: int
    round: int
    listings: tuple[Listing, ...]
    laps: int
    kept: int = 0

    @property
    def pages(self) -> int:
        """The number of pages to fetch: as the classification's laps need, and one for any other table."""
        pages = sum(math.ceil(self.laps / PAGE) if one is Listing.LAPS else 1 for one in self.listings)
        return max(pages - self.kept, 0)


class BackfilledRace(Record):
    """The outcome for a race's laps and pit stops: how many were stored; `failure` in words, if it failed."""

    session_id: str
    laps: int = 0
    pit_stops: int = 0
    failure: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The race's name for people."""
        return self.session_id


def tables_due(session: Session, season: int, states: Mapping[str, DatasetState], now: datetime) -> tuple[Listing, ...]:
    """Jolpica's tables that a race with official results lacks; none while live timing's archive may still change."""
    if not is_filed(session, now):
        return ()
    return tuple(
        listing
        for listing, table in OF_RACE.items()
        if season >= table.first_season and is_listing_due(season, states.get(table.dataset.name), now)
    )


def is_listing_due(season: int, state: DatasetState | None, now: datetime) -> bool:
    """Whether a dataset of a race has no rows, and Jolpica is to be requested: once, if live timing has an archive."""
    if state is None or state.source is None:
        return True
    again = not has_livetiming(season) and state.next_poll_at is not None and state.next_poll_at <= now
    return not state.revision and again


def of_cars(tables: Tables, evidence: Evidence) -> dict[Listing, tuple[Sequence[Record], str | None]]:
    """The rows of each table by car number, or the reason to refuse them: a driver without an entry."""
    cars = {entry.driver_id: entry.car_number for entry in evidence.official if entry.driver_id and entry.car_number}
    known = {listing: [row for row in rows if row.driver_id in cars] for listing, rows in tables.items()}
    return {
        listing: (OF_RACE[listing].rows(known, cars, evidence), _refusal(listing, rows, cars, evidence))
        for listing, rows in tables.items()
    }


def _refusal(listing: Listing, rows: Sequence[Any], cars: Mapping[str, str], evidence: Evidence) -> str | None:
    if unknown := sorted({row.driver_id for row in rows} - cars.keys()):
        return f"{', '.join(unknown)}: no entry of the classification"
    fault = OF_RACE[listing].fault
    return fault(rows, cars, evidence) if fault else None


def _stop_that_cannot_be(rows: Sequence[ListedPitStop], cars: Mapping[str, str], evidence: Evidence) -> str | None:
    """A stop that is listed twice, or that a car made after its last lap."""
    laps = {entry.car_number: entry.laps for entry in evidence.official}
    seen: set[tuple[str, int]] = set()
    for row in rows:
        car = cars[row.driver_id]
        if (car, row.stop) in seen:
            return f"car {car}: stop {row.stop} is listed twice"
        seen.add((car, row.stop))
        driven = laps[car]
        if driven is not None and row.lap > driven + 1:
            return f"car {car}: a stop on lap {row.lap}, but {driven} laps in the result"
    return None


def _laps(known: Tables, cars: Mapping[str, str], _: Evidence) -> list[TimedLap]:
    """Laps with their ends on the race's clock, as long as every earlier lap has a time."""
    entered = {(stop.driver_id, stop.lap) for stop in known.get(Listing.PIT_STOPS, ())}
    return [
        TimedLap(
            car_number=cars[row.driver_id],
            lap=row.lap,
            driver_id=row.driver_id,
            position=row.position,
            time_ms=row.time_ms,
            is_pit_in=(row.driver_id, row.lap) in entered,
            is_pit_out=(row.driver_id, row.lap - 1) in entered,
            ended_ms=ended,
            source=Source.JOLPICA,
        )
        for row, ended in _ended(known[Listing.LAPS])
    ]


def _ended(rows: Sequence[ListedLap]) -> Iterator[tuple[ListedLap, int | None]]:
    """Laps by driver, each with its end."""
    by_driver: defaultdict[str, list[ListedLap]] = defaultdict(list)
    for row in rows:
        by_driver[row.driver_id].append(row)
    for own in by_driver.values():
        ended: int | None = 0
        for row in sorted(own, key=lambda row: row.lap):
            ended = None if ended is None or row.time_ms is None else ended + row.time_ms
            yield row, ended


def _pit_stops(known: Tables, cars: Mapping[str, str], evidence: Evidence) -> list[PitStop]:
    rows, session = known[Listing.PIT_STOPS], evidence.session
    ended = {(lap.driver_id, lap.lap): at for lap, at in _ended(known.get(Listing.LAPS, ()))}
    instants = [_instant(row, session) for row in rows]
    begun = [_begun(at, ended.get((row.driver_id, row.lap))) for row, at in zip(rows, instants, strict=True)]
    start = _start([at for at in begun if at is not None], session)
    return [
        PitStop(
            car_number=cars[row.driver_id],
            stop=row.stop,
            lap=row.lap,
            entered_at=None if start is None or (own is not None and abs(own - start) > CLOCK_WITHIN) else at,
            lane_ms=row.lane_ms,
            source=Source.JOLPICA,
        )
        for row, at, own in zip(rows, instants, begun, strict=True)
    ]


def _instant(row: ListedPitStop, session: Session) -> datetime | None:
    """A stop's time of day by the venue's clock, as an instant; a race may go on past midnight."""
    if row.time_of_day is None or session.starts_at is None or session.utc_offset_minutes is None:
        return None
    offset = timedelta(minutes=session.utc_offset_minutes)
    at = datetime.combine(session.local_date, row.time_of_day, UTC) - offset
    return at + timedelta(days=1) if at < session.starts_at - HALF_A_DAY else at


def _begun(entered: datetime | None, ended_ms: int | None) -> datetime | None:
    """The race's start, from the end of the lap on which a car entered the pits."""
    return None if entered is None or ended_ms is None else entered - timedelta(milliseconds=ended_ms)


def _start(begun: Sequence[datetime], session: Session) -> datetime | None:
    """The race's start by most stops; None if that is impossible, because the times are of another zone."""
    if not begun or session.starts_at is None:
        return None
    found = median_low(begun)
    return found if session.starts_at <= found <= session.starts_at + LATEST_START else None


OF_RACE = {
    Listing.LAPS: RaceTable(LAPS, 1996, _laps),
    Listing.PIT_STOPS: RaceTable(PIT_STOPS, 2011, _pit_stops, _stop_that_cannot_be),
}
"""Jolpica's tables of a race, in the order in which they are fetched."""
