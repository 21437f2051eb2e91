"""Records of what happened on track, one class for the rows of each dataset from live timing's archive.

Field names are the columns; durations are whole milliseconds, instants in UTC, laps counted from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from core.bounds import Line, Measure, Message, Milliseconds, Name, SmallNumber, Speed
from core.kinds import Source
from core.records import Record

LapNumber = Annotated[int, Field(ge=1, le=999)]
Key = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Formula 1's number for a session, a meeting or a circuit; -1 means none."""

Reference = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")]
"""Formula 1's text for a driver, such as MAXVER01."""


class Lap(Record):
    """One lap of a car: a row of `laps`.

    `track_status` has one digit for each status during the lap, as numbered by live timing: 1 clear, 2 yellow, 4 safety
    car, 5 red, 6 and 7 virtual safety car. `tyre_age_laps` includes this lap.
    """

    car_number: Name
    lap: LapNumber
    driver_id: Name | None = None
    position: SmallNumber | None = None
    time_ms: Milliseconds | None = None
    sector_1_ms: Milliseconds | None = None
    sector_2_ms: Milliseconds | None = None
    sector_3_ms: Milliseconds | None = None
    started_at: AwareDatetime | None = None
    speed_i1_kmh: Speed | None = None
    speed_i2_kmh: Speed | None = None
    speed_fl_kmh: Speed | None = None
    speed_st_kmh: Speed | None = None
    stint: SmallNumber | None = None
    compound: Line | None = None
    tyre_age_laps: SmallNumber | None = None
    is_pit_in: bool = False
    is_pit_out: bool = False
    track_status: Line | None = None
    is_deleted: bool | None = None
    deleted_reason: Line | None = None
    is_accurate: bool = False
    source: Source


class TimedLap(Lap):
    """A lap with the session's clock, in milliseconds: its end, and when its last sector's time was sent.

    `is_unfinished`: the car retired on it.
    """

    ended_ms: Milliseconds | None = None
    timed_ms: Milliseconds | None = None
    is_unfinished: bool = False


class ListedLap(Record):
    """A lap as Jolpica lists it: by driver."""

    driver_id: Name
    lap: LapNumber
    position: SmallNumber | None = None
    time_ms: Milliseconds | None = None


class Stint(Record):
    """The laps of a car on one set of tyres: a row of `stints`; `age_at_start_laps` is the tyres' laps before it."""

    car_number: Name
    stint: SmallNumber
    lap_start: LapNumber
    lap_end: LapNumber
    compound: Line | None = None
    is_new: bool | None = None
    age_at_start_laps: SmallNumber | None = None
    source: Source


class PitStop(Record):
    """A car's stop in a race: a row of `pit_stops`; `lane_ms` is from pit entry to exit, None through a red flag."""

    car_number: Name
    stop: SmallNumber
    lap: LapNumber
    entered_at: AwareDatetime | None = None
    lane_ms: Milliseconds | None = None
    stationary_ms: Milliseconds | None = None
    source: Source


class ListedPitStop(Record):
    """A stop as Jolpica lists it: by driver, with the venue's time of day at pit entry."""

    driver_id: Name
    stop: SmallNumber
    lap: LapNumber
    time_of_day: time | None = None
    lane_ms: Milliseconds | None = None


class Weather(Record):
    """The weather at the track at a moment: a row of `weather`, in degrees Celsius, per cent, hPa, m/s and degrees."""

    at: AwareDatetime
    air_c: Measure | None = None
    track_c: Measure | None = None
    humidity_pct: Measure | None = None
    pressure_hpa: Measure | None = None
    wind_mps: Measure | None = None
    wind_deg: SmallNumber | None = None
    is_raining: bool | None = None


class RaceControlMessage(Record):
    """A message from race control: a row of `race_control`; `ordinal` numbers a session's messages from 1."""

    ordinal: SmallNumber
    at: AwareDatetime
    lap: SmallNumber | None = None
    category: Line | None = None
    flag: Line | None = None
    scope: Line | None = None
    sector: SmallNumber | None = None
    car_number: Line | None = None
    message: Message


class LineUpEntry(Record):
    """A car and who drives it in a session: a row of `entries`; `team_color` is six hexadecimal digits."""

    car_number: Name
    driver_id: Name | None = None
    driver_code: Line | None = None
    full_name: Line | None = None
    team_id: Name | None = None
    team_color: Line | None = None
    source: Source


class ListedDriver(LineUpEntry):
    """A driver as live timing lists them, with the team's name there, and whether the car has driven a lap."""

    team_name: Line | None = None
    has_driven: bool = False


class ArchiveKeys(Record):
    """Formula 1's own keys found in a session's archive; `drivers` has references by car number."""

    session: Key | None = None
    event: Key | None = None
    circuit: Key | None = None
    drivers: Mapping[Name, Reference] = Field(default_factory=dict)


class ExternalKey(Record):
    """An entity's id in another source: a row of `external_keys`."""

    entity: Literal["circuit", "driver", "event", "session"]
    entity_id: str
    source: Literal["formula1"] = "formula1"
    external_id: str
