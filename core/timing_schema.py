"""The tables of what happened on track, a session's rows of each from live timing's archive, or from Jolpica."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Float, ForeignKey, Index, Integer, SmallInteger, Table, Text

from core.column_types import Instant
from core.kinds import Source
from core.schema_base import metadata, one_of


def _session_id() -> Column[str]:
    return Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True, comment="the session")


def _car_number() -> Column[str]:
    return Column("car_number", Text, primary_key=True, comment="car number as text")


def _source() -> tuple[Column[str], CheckConstraint]:
    return Column("source", Text, nullable=False, comment="the source this row comes from"), one_of("source", Source)


laps = Table(
    "laps",
    metadata,
    _session_id(),
    _car_number(),
    Column("lap", SmallInteger, primary_key=True, comment="the car's lap, counted from 1"),
    Column("driver_id", Text, ForeignKey("drivers.id"), comment="the driver; null while unknown"),
    Column("position", SmallInteger, comment="place at the end of the lap; races and sprints only"),
    Column("time_ms", Integer, comment="lap time, milliseconds; null for an unfinished lap and a race's first"),
    Column("sector_1_ms", Integer, comment="first sector, milliseconds"),
    Column("sector_2_ms", Integer, comment="second sector, milliseconds"),
    Column("sector_3_ms", Integer, comment="third sector, milliseconds"),
    Column("started_at", Instant, comment="start, UTC; to half a second, the laps of a session to hundredths"),
    Column("speed_i1_kmh", SmallInteger, comment="speed at the end of the first sector, km/h"),
    Column("speed_i2_kmh", SmallInteger, comment="speed at the end of the second sector, km/h"),
    Column("speed_fl_kmh", SmallInteger, comment="speed at the finish line, km/h"),
    Column("speed_st_kmh", SmallInteger, comment="speed on the longest straight, km/h"),
    Column("stint", SmallInteger, comment="number of the stint it belongs to"),
    Column("compound", Text, comment="tyre compound; null where unknown"),
    Column("tyre_age_laps", SmallInteger, comment="laps that the tyres have done at its end"),
    Column("is_pit_in", Boolean, nullable=False, comment="the car entered the pits on it"),
    Column("is_pit_out", Boolean, nullable=False, comment="the car left the pits on it"),
    Column("track_status", Text, comment="a digit a status: 1 clear, 2 yellow, 4 safety car, 5 red, 6 and 7 virtual"),
    Column("is_deleted", Boolean, comment="race control deleted its time; null without race control's messages"),
    Column("deleted_reason", Text, comment="why its time was deleted, in race control's words"),
    Column("is_accurate", Boolean, nullable=False, comment="a lap under green or yellow whose times fit together"),
    *_source(),
    Index(None, "driver_id"),
    comment="Laps, one row a car and lap; a lap that a car retired on has no time",
)

stints = Table(
    "stints",
    metadata,
    _session_id(),
    _car_number(),
    Column("stint", SmallInteger, primary_key=True, comment="the car's stint, counted from 1"),
    Column("lap_start", SmallInteger, nullable=False, comment="its first lap"),
    Column("lap_end", SmallInteger, nullable=False, comment="its last lap"),
    Column("compound", Text, comment="tyre compound; null where unknown"),
    Column("is_new", Boolean, comment="the tyres were new"),
    Column("age_at_start_laps", SmallInteger, comment="laps that the tyres had done before it"),
    *_source(),
    comment="Stints, the laps of a car on one set of tyres",
)

pit_stops = Table(
    "pit_stops",
    metadata,
    _session_id(),
    _car_number(),
    Column("stop", SmallInteger, primary_key=True, comment="the car's stop, counted from 1"),
    Column("lap", SmallInteger, nullable=False, comment="the lap on which the car entered the pits"),
    Column("entered_at", Instant, comment="pit entry, UTC"),
    Column("lane_ms", Integer, comment="from pit entry to pit exit, milliseconds; null through a red flag"),
    Column("stationary_ms", Integer, comment="standing still, milliseconds; known since 2024"),
    *_source(),
    comment="Pit stops of races and sprints, one row a stop",
)

weather = Table(
    "weather",
    metadata,
    _session_id(),
    Column("at", Instant, primary_key=True, comment="the moment, UTC; to half a second"),
    Column("air_c", Float, comment="air temperature, degrees Celsius"),
    Column("track_c", Float, comment="track temperature, degrees Celsius"),
    Column("humidity_pct", Float, comment="relative humidity, per cent"),
    Column("pressure_hpa", Float, comment="air pressure, hPa"),
    Column("wind_mps", Float, comment="wind speed, metres a second"),
    Column("wind_deg", SmallInteger, comment="where the wind comes from, degrees"),
    Column("is_raining", Boolean, comment="it rains at the track"),
    comment="The weather at the track, a row a minute",
)

race_control = Table(
    "race_control",
    metadata,
    _session_id(),
    Column("ordinal", SmallInteger, primary_key=True, comment="the message's number in the session, from 1"),
    Column("at", Instant, nullable=False, comment="when it was sent, UTC"),
    Column("lap", SmallInteger, comment="the leader's lap; null outside races"),
    Column("category", Text, comment="Flag, SafetyCar, Drs, CarEvent or Other"),
    Column("flag", Text, comment="the flag shown, such as YELLOW"),
    Column("scope", Text, comment="for whom: Track, Sector or Driver"),
    Column("sector", SmallInteger, comment="the marshalling sector"),
    Column("car_number", Text, comment="the car that it is about"),
    Column("message", Text, nullable=False, comment="its text"),
    comment="Race control's messages, in order",
)

entries = Table(
    "entries",
    metadata,
    _session_id(),
    _car_number(),
    Column("driver_id", Text, ForeignKey("drivers.id"), comment="the driver; null until Jolpica knows a stand-in"),
    Column("driver_code", Text, comment="three letters, as live timing gives them"),
    Column("full_name", Text, comment="the driver's name, as live timing writes it"),
    Column("team_id", Text, ForeignKey("teams.id"), comment="the team; null while unknown"),
    Column("team_color", Text, comment="six hexadecimal digits"),
    *_source(),
    Index(None, "driver_id"),
    comment="Who drives which car in a session: from live timing's list of drivers, and from results once official",
)
