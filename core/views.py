"""The views for applications, declared as tables with their own metadata; migrations create them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, MetaData, SmallInteger, Table, Text

from core.column_types import Instant, Points
from core.schema import driver_standings, drivers, events, results, sessions
from core.timing_schema import entries

views = MetaData()

SEASON = "championship year"
ROUND = "the event's round now; null for testing and cancelled events"
LOCAL = "at the venue's wall time, without zone; null while the time or the zone is unknown"


def _of(table: Table, names: str) -> Iterator[Column[Any]]:
    """Columns that a view takes from a table, with their types and comments."""
    return (Column(name, table.c[name].type, comment=table.c[name].comment) for name in names.split())


def _championship() -> Iterator[Column[Any]]:
    yield Column("competitor", Text, comment="whose championship: driver or team")
    yield Column("season", SmallInteger, comment=SEASON)
    yield Column("round", SmallInteger, comment=ROUND)
    yield Column("event_id", Text, comment="after this event")
    yield Column("event", Text, comment="the event's short name")
    yield from _of(driver_standings, "position")
    yield Column("competitor_id", Text, comment="the driver's or team's id")
    yield Column("name", Text, comment="the driver's full name, or the team's")
    yield Column("code", Text, comment="the driver's three letters; null for teams, and unknown for most drivers")
    yield from _of(driver_standings, "points wins")
    gained = "since the season's event with standings before"
    yield Column("places_gained", SmallInteger, comment=f"{gained}, negative: lost; null without a place then")
    yield Column("points_gained", Points, comment=f"{gained}; at the first, all points")
    yield from _of(driver_standings, "source")


results_with_names = Table(
    "results_with_names",
    views,
    *_of(events, "season round"),
    Column("event_id", Text, comment="the event"),
    Column("event", Text, comment="the event's short name"),
    Column("session", Text, comment="the session's kind"),
    *_of(sessions, "results_state revision"),
    *_of(results, " ".join(results.columns.keys())),
    *_of(drivers, "given_name family_name"),
    Column("team", Text, comment="the team's name"),
    comment="The current classification, one row per entry, with the names behind its ids",
)

event_outcomes = Table(
    "event_outcomes",
    views,
    Column("event_id", Text, comment="the event"),
    *_of(events, "season round name"),
    Column("race_winner", Text, comment="driver's id; null until known, as in all columns of results"),
    Column("race_second", Text, comment="driver's id"),
    Column("race_third", Text, comment="driver's id"),
    Column(
        "pole", Text, comment="driver's id: first in qualifying; without qualifying's results, first on the race's grid"
    ),
    Column("fastest_lap_driver", Text, comment="driver's id"),
    Column("fastest_lap_ms", Integer, comment="the race's fastest lap, milliseconds"),
    Column("sprint_winner", Text, comment="driver's id; null where there is no sprint"),
    Column("sprint_second", Text, comment="driver's id"),
    Column("sprint_third", Text, comment="driver's id"),
    Column("classified", BigInteger, comment="entries of the race with a classified place"),
    Column("retired", BigInteger, comment="entries of the race that retired"),
    Column("first_retirement", Text, comment="driver's id; null where several retired on one lap"),
    Column("race_is_provisional", Boolean, comment="whether the race's columns are by live timing, and may change"),
    Column("qualifying_is_provisional", Boolean, comment="whether pole is by live timing, and may change"),
    Column("sprint_is_provisional", Boolean, comment="whether the sprint's columns are by live timing, and may change"),
    Column("race_date", Date, comment="the venue's date of the race"),
    Column("race_winner_name", Text, comment="the driver's full name, as in the columns after it"),
    Column("race_second_name", Text, comment="full name"),
    Column("race_third_name", Text, comment="full name"),
    Column("sprint_winner_name", Text, comment="full name"),
    Column("sprint_second_name", Text, comment="full name"),
    Column("sprint_third_name", Text, comment="full name"),
    Column("pole_name", Text, comment="full name"),
    Column("fastest_lap_driver_name", Text, comment="full name"),
    Column("first_retirement_name", Text, comment="full name"),
    comment="What became of each race weekend, an event a row: what a prediction game asks for",
)

results_freshness = Table(
    "results_freshness",
    views,
    Column("session_id", Text, comment="the session"),
    *_of(sessions, "event_id kind"),
    Column("ends_at", Instant, comment="its scheduled end, UTC"),
    Column("seconds_to_provisional", Integer, comment="from there to the first provisional revision"),
    Column("seconds_to_official", Integer, comment="from there to the first official revision"),
    Column("seconds_to_last_revision", Integer, comment="from there to the last revision"),
    comment="How long after a session's scheduled end its results were there",
)

next_sessions = Table(
    "next_sessions",
    views,
    Column("session_id", Text, comment="the session"),
    Column("event_id", Text, comment="the event it belongs to"),
    Column("season", SmallInteger, comment=SEASON),
    Column("round", SmallInteger, comment=ROUND),
    Column("event", Text, comment="the event's short name"),
    Column("kind", Text, comment="what is driven, whatever it is called that year"),
    Column("name", Text, comment="what upstream calls the session"),
    Column("status", Text, comment="scheduled or live"),
    *_of(sessions, "local_date starts_at"),
    Column("ends_at", Instant, comment="expected end, UTC"),
    Column("local_starts_at", DateTime, comment=f"start {LOCAL}"),
    Column("local_ends_at", DateTime, comment=f"expected end {LOCAL}"),
    Column("utc_offset_minutes", SmallInteger, comment="the venue's offset from UTC at the start"),
    Column("time_zone", Text, comment="the venue's IANA time zone; null while unknown"),
    *_of(events, "country locality"),
    Column("circuit", Text, comment="the circuit's name; null while unknown"),
    comment="Sessions that are live or still to come; order by local_date, starts_at",
)

season_calendar = Table(
    "season_calendar",
    views,
    Column("season", SmallInteger, comment=SEASON),
    Column("round", SmallInteger, comment=ROUND),
    Column("event_id", Text, comment="the event"),
    Column("event", Text, comment="the event's short name"),
    *_of(events, "official_name country locality circuit_id"),
    Column("circuit", Text, comment="the circuit's name; null while unknown"),
    Column("time_zone", Text, comment="the venue's IANA time zone; null while unknown"),
    Column("format", Text, comment="which sessions the weekend has"),
    Column("status", Text, comment="the event's: scheduled, live, completed or cancelled"),
    *_of(events, "first_date last_date"),
    Column("race_date", Date, comment="the venue's date of the race; null for testing"),
    Column("race_starts_at", Instant, comment="the race's start, UTC; null while only the date is known"),
    Column("race_local_starts_at", DateTime, comment=f"the race's start {LOCAL}"),
    Column("race_results_state", Text, comment="awaited, provisional, official or settled; null for testing"),
    comment="Events with their circuits and races, cancelled events and testing included; order by first_date",
)

standings_with_names = Table(
    "standings_with_names",
    views,
    *_championship(),
    comment="Both championships after each event, with names and what was gained since the event before",
)

current_standings = Table(
    "current_standings",
    views,
    *_championship(),
    comment="Both championships as they stand: standings_with_names after the last event that has standings",
)

line_up = Table(
    "line_up",
    views,
    Column("event_id", Text, comment="the event"),
    Column("season", SmallInteger, comment=SEASON),
    Column("round", SmallInteger, comment="the event's round now"),
    Column("session_id", Text, comment="the session whose entries these are"),
    Column("car_number", Text, comment="car number as text"),
    Column("driver_id", Text, comment="the driver; null until Jolpica knows one"),
    *_of(entries, "driver_code full_name team_id team_color"),
    Column("source", Text, comment="the source of the entry"),
    Column("is_expected", Boolean, comment="no session of the event has begun: these are the last event's entries"),
    comment="Who drives which car at each event, as far as is known",
)

team_line_ups = Table(
    "team_line_ups",
    views,
    Column("season", SmallInteger, comment=SEASON),
    Column("team_id", Text, comment="the team"),
    Column("team", Text, comment="the team's name"),
    Column("driver_id", Text, comment="the driver"),
    Column("given_name", Text, comment="the driver's given name"),
    Column("family_name", Text, comment="the driver's family name"),
    Column("code", Text, comment="the driver's three letters; unknown for most"),
    Column("races", BigInteger, comment="races of the season for this team, of which there are results"),
    Column("first_race_date", Date, comment="the venue's date of the first of them"),
    Column("last_race_date", Date, comment="the venue's date of the last of them"),
    Column("is_latest", Boolean, comment="whether the driver was in the team's last race of the season so far"),
    comment="Who raced for which team in each season, by the races' current classifications",
)

changes_in_words = Table(
    "changes_in_words",
    views,
    Column("id", BigInteger, comment="the change's id, which rises in the order of commits"),
    Column("at", Instant, comment="the moment (now) of the run that made the change"),
    Column("season", SmallInteger, comment=SEASON),
    Column("event_id", Text, comment="the event; null for a change of a season"),
    Column("session_id", Text, comment="the session; null for a change of an event or season"),
    Column("kind", Text, comment="what happened"),
    Column("subject", Text, comment="to what, such as Belgian Grand Prix 2024, Race, by its present name"),
    Column("words", Text, comment="what happened, in words, moments in UTC; the wording may change"),
    comment="The feed of all changes, as a person reads it, and as webhooks and commands tell it",
)

external_ids = Table(
    "external_ids",
    views,
    Column("entity", Text, comment="driver, team, circuit, event or session"),
    Column("id", Text, comment="its id here"),
    Column("source", Text, comment="whose id the other one is: jolpica or formula1"),
    Column(
        "external_id", Text, comment="its id there, of which formula1 may have several; an event is a meeting there"
    ),
    comment=(
        "Ids of other sources, as far as a source that is read gives them: Jolpica's, which are the ids here,"
        " and Formula 1's own keys, from live timing"
    ),
)
