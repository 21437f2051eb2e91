"""What happened on track, from live timing's archive: a table a dataset."""

import sqlalchemy as sa
from alembic import context, op

from core.column_types import Instant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    schema = context.config.attributes["schema"]
    op.create_table(
        "laps",
        sa.Column("session_id", sa.Text(), nullable=False, comment="the session"),
        sa.Column("car_number", sa.Text(), nullable=False, comment="car number as text"),
        sa.Column("lap", sa.SmallInteger(), nullable=False, comment="the car's lap, counted from 1"),
        sa.Column("driver_id", sa.Text(), comment="the driver; null while unknown"),
        sa.Column("position", sa.SmallInteger(), comment="place at the end of the lap; races and sprints only"),
        sa.Column(
            "time_ms", sa.Integer(), comment="lap time, milliseconds; null for an unfinished lap and a race's first"
        ),
        sa.Column("sector_1_ms", sa.Integer(), comment="first sector, milliseconds"),
        sa.Column("sector_2_ms", sa.Integer(), comment="second sector, milliseconds"),
        sa.Column("sector_3_ms", sa.Integer(), comment="third sector, milliseconds"),
        sa.Column("started_at", Instant(), comment="start, UTC; to half a second, the laps of a session to hundredths"),
        sa.Column("speed_i1_kmh", sa.SmallInteger(), comment="speed at the end of the first sector, km/h"),
        sa.Column("speed_i2_kmh", sa.SmallInteger(), comment="speed at the end of the second sector, km/h"),
        sa.Column("speed_fl_kmh", sa.SmallInteger(), comment="speed at the finish line, km/h"),
        sa.Column("speed_st_kmh", sa.SmallInteger(), comment="speed on the longest straight, km/h"),
        sa.Column("stint", sa.SmallInteger(), comment="number of the stint it belongs to"),
        sa.Column("compound", sa.Text(), comment="tyre compound; null where unknown"),
        sa.Column("tyre_age_laps", sa.SmallInteger(), comment="laps that the tyres have done at its end"),
        sa.Column("is_pit_in", sa.Boolean(), nullable=False, comment="the car entered the pits on it"),
        sa.Column("is_pit_out", sa.Boolean(), nullable=False, comment="the car left the pits on it"),
        sa.Column(
            "track_status",
            sa.Text(),
            comment="a digit a status: 1 clear, 2 yellow, 4 safety car, 5 red, 6 and 7 virtual",
        ),
        sa.Column(
            "is_deleted", sa.Boolean(), comment="race control deleted its time; null without race control's messages"
        ),
        sa.Column("deleted_reason", sa.Text(), comment="why its time was deleted, in race control's words"),
        sa.Column(
            "is_accurate", sa.Boolean(), nullable=False, comment="a lap under green or yellow whose times fit together"
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="the source this row comes from"),
        sa.CheckConstraint("source IN ('fastf1', 'jolpica', 'livetiming')", name=op.f("ck_laps_source")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_laps_session_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_laps_driver_id")),
        sa.PrimaryKeyConstraint("session_id", "car_number", "lap", name=op.f("pk_laps")),
        comment="Laps, one row a car and lap; a lap that a car retired on has no time",
        schema=schema,
    )
    op.create_index(op.f("ix_laps_driver_id"), "laps", ["driver_id"], schema=schema)
    op.create_table(
        "stints",
        sa.Column("session_id", sa.Text(), nullable=False, comment="the session"),
        sa.Column("car_number", sa.Text(), nullable=False, comment="car number as text"),
        sa.Column("stint", sa.SmallInteger(), nullable=False, comment="the car's stint, counted from 1"),
        sa.Column("lap_start", sa.SmallInteger(), nullable=False, comment="its first lap"),
        sa.Column("lap_end", sa.SmallInteger(), nullable=False, comment="its last lap"),
        sa.Column("compound", sa.Text(), comment="tyre compound; null where unknown"),
        sa.Column("is_new", sa.Boolean(), comment="the tyres were new"),
        sa.Column("age_at_start_laps", sa.SmallInteger(), comment="laps that the tyres had done before it"),
        sa.Column("source", sa.Text(), nullable=False, comment="the source this row comes from"),
        sa.CheckConstraint("source IN ('fastf1', 'jolpica', 'livetiming')", name=op.f("ck_stints_source")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_stints_session_id")),
        sa.PrimaryKeyConstraint("session_id", "car_number", "stint", name=op.f("pk_stints")),
        comment="Stints, the laps of a car on one set of tyres",
        schema=schema,
    )
    op.create_table(
        "pit_stops",
        sa.Column("session_id", sa.Text(), nullable=False, comment="the session"),
        sa.Column("car_number", sa.Text(), nullable=False, comment="car number as text"),
        sa.Column("stop", sa.SmallInteger(), nullable=False, comment="the car's stop, counted from 1"),
        sa.Column("lap", sa.SmallInteger(), nullable=False, comment="the lap on which the car entered the pits"),
        sa.Column("entered_at", Instant(), comment="pit entry, UTC"),
        sa.Column("lane_ms", sa.Integer(), comment="from pit entry to pit exit, milliseconds; null through a red flag"),
        sa.Column("stationary_ms", sa.Integer(), comment="standing still, milliseconds; known since 2024"),
        sa.Column("source", sa.Text(), nullable=False, comment="the source this row comes from"),
        sa.CheckConstraint("source IN ('fastf1', 'jolpica', 'livetiming')", name=op.f("ck_pit_stops_source")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_pit_stops_session_id")),
        sa.PrimaryKeyConstraint("session_id", "car_number", "stop", name=op.f("pk_pit_stops")),
        comment="Pit stops of races and sprints, one row a stop",
        schema=schema,
    )
    op.create_table(
        "weather",
        sa.Column("session_id", sa.Text(), nullable=False, comment="the session"),
        sa.Column("at", Instant(), nullable=False, comment="the moment, UTC; to half a second"),
        sa.Column("air_c", sa.Float(), comment="air temperature, degrees Celsius"),
        sa.Column("track_c", sa.Float(), comment="track temperature, degrees Celsius"),
        sa.Column("humidity_pct", sa.Float(), comment="relative humidity, per cent"),
        sa.Column("pressure_hpa", sa.Float(), comment="air pressure, hPa"),
        sa.Column("wind_mps", sa.Float(), comment="wind speed, metres a second"),
        sa.Column("wind_deg", sa.SmallInteger(), comment="where the wind comes from, degrees"),
        sa.Column("is_raining", sa.Boolean(), comment="it rains at the track"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_weather_session_id")),
        sa.PrimaryKeyConstraint("session_id", "at", name=op.f("pk_weather")),
        comment="The weather at the track, a row a minute",
        schema=schema,
    )
    op.create_table(
        "race_control",
        sa.Column("session_id", sa.Text(), nullable=False, comment="the session"),
        sa.Column("ordinal", sa.SmallInteger(), nullable=False, comment="the message's number in the session, from 1"),
        sa.Column("at", Instant(), nullable=False, comment="when it was sent, UTC"),
        sa.Column("lap", sa.SmallInteger(), comment="the leader's lap; null outside races"),
        sa.Column("category", sa.Text(), comment="Flag, SafetyCar, Drs, CarEvent or Other"),
        sa.Column("flag", sa.Text(), comment="the flag shown, such as YELLOW"),
        sa.Column("scope", sa.Text(), comment="for whom: Track, Sector or Driver"),
        sa.Column("sector", sa.SmallInteger(), comment="the marshalling sector"),
        sa.Column("car_number", sa.Text(), comment="the car that it is about"),
        sa.Column("message", sa.Text(), nullable=False, comment="its text"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_race_control_session_id")),
        sa.PrimaryKeyConstraint("session_id", "ordinal", name=op.f("pk_race_control")),
        comment="Race control's messages, in order",
        schema=schema,
    )
