"""The tables, their natural keys, named constraints and comments.

On PostgreSQL they live in a schema of their own, put in at run time (`schema_translate_map`); on SQLite they are
plain tables.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)

from core import timing_schema as timing_schema
from core.column_types import Instant, Json, Points, Serial
from core.kinds import Entity, EventFormat, ResultsState, SessionKind, Source, Status
from core.records import Competitor, Record
from core.schema_base import metadata as metadata
from core.schema_base import one_of

circuits = Table(
    "circuits",
    metadata,
    Column("id", Text, primary_key=True, comment="Jolpica's circuit id, such as albert_park"),
    Column("name", Text, nullable=False, comment="the circuit's name"),
    Column("locality", Text, nullable=False, comment="town or district"),
    Column("country", Text, nullable=False, comment="country, as Jolpica writes it"),
    Column("latitude", Float, comment="degrees, north positive"),
    Column("longitude", Float, comment="degrees, east positive"),
    Column("time_zone", Text, comment="IANA time zone; null where we do not know the circuit yet"),
    comment="Circuits, from Jolpica's race schedule; their time zones are this project's own data",
)

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True, comment="season and slug, given at first sight, never changed"),
    Column("season", SmallInteger, nullable=False, comment="championship year"),
    Column("round", SmallInteger, comment="round of the season now; moves; null for testing and cancelled events"),
    Column("name", Text, nullable=False, comment="short name, such as Bahrain Grand Prix"),
    Column("official_name", Text, comment="full name with the title sponsor"),
    Column("country", Text, nullable=False, comment="country, as the source writes it"),
    Column("locality", Text, nullable=False, comment="town or district, as the source writes it"),
    Column("circuit_id", Text, ForeignKey("circuits.id"), comment="the circuit, once known"),
    Column("format", Text, nullable=False, comment="which sessions the weekend has"),
    Column("first_date", Date, nullable=False, comment="the venue's date of the first session"),
    Column("last_date", Date, nullable=False, comment="the venue's date of the last session"),
    Column("starts_at", Instant, comment="start of the first session, UTC"),
    Column("ends_at", Instant, comment="expected end of the last session, UTC"),
    Column("status", Text, nullable=False, comment="scheduled, live, completed or cancelled"),
    Column("source", Text, nullable=False, comment="the source this row comes from"),
    Column("updated_at", Instant, nullable=False, comment="when this row last changed"),
    one_of("format", EventFormat),
    one_of("status", Status),
    one_of("source", Source),
    CheckConstraint("first_date <= last_date", name="dates"),
    Index(None, "season", "round"),
    comment="Race weekends and tests, one permanent row each; its id never changes",
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True, comment="the event's id, a slash, the kind"),
    Column("event_id", Text, ForeignKey("events.id"), nullable=False, comment="the event it belongs to"),
    Column("kind", Text, nullable=False, comment="what is driven, whatever it is called that year"),
    Column("name", Text, nullable=False, comment="what upstream calls it"),
    Column("local_date", Date, nullable=False, comment="the venue's date"),
    Column("starts_at", Instant, comment="start, UTC; null while only the date is known"),
    Column("ends_at", Instant, comment="expected end, UTC, by the kind's typical length"),
    Column("utc_offset_minutes", SmallInteger, comment="the venue's offset from UTC at the start"),
    Column("status", Text, nullable=False, comment="scheduled, live, completed or cancelled"),
    Column("results_state", Text, nullable=False, comment="awaited, provisional, official or settled"),
    Column("revision", Integer, nullable=False, comment="number of the results' last revision; 0 before any"),
    Column("next_poll_at", Instant, comment="when results are polled next; null: not due"),
    Column("poll_attempts", Integer, nullable=False, comment="polls so far"),
    Column("poll_faults", Integer, nullable=False, server_default="0", comment="faults in a row; 0 after an answer"),
    Column("last_error", Text, comment="why the last poll failed; null when it did not"),
    Column("source", Text, nullable=False, comment="the source this row's schedule comes from"),
    Column("updated_at", Instant, nullable=False, comment="when this row last changed"),
    UniqueConstraint("event_id", "kind"),
    one_of("kind", SessionKind),
    one_of("status", Status),
    one_of("results_state", ResultsState),
    one_of("source", Source),
    Index(None, "next_poll_at"),
    comment="Sessions of an event, at most one of each kind",
)

dataset_states = Table(
    "dataset_states",
    metadata,
    Column("entity", Text, primary_key=True, comment="event, session or season"),
    Column("entity_id", Text, primary_key=True, comment="its id"),
    Column("dataset", Text, primary_key=True, comment="the dataset, such as standings"),
    Column("revision", Integer, nullable=False, comment="how many published answers changed the rows; 0 before any"),
    Column("next_poll_at", Instant, comment="when the dataset is polled next; null: not due"),
    Column("poll_attempts", Integer, nullable=False, comment="polls so far"),
    Column("poll_faults", Integer, nullable=False, comment="faults in a row; 0 after an answer"),
    Column(
        "last_error", Text, comment="why the last poll failed, or its answer was refused or differs; null otherwise"
    ),
    Column("source", Text, comment="the source of the last answer taken; null before any"),
    Column("updated_at", Instant, nullable=False, comment="when this row last changed"),
    one_of("entity", Entity),
    one_of("source", Source, nullable=True),
    Index(None, "dataset", "next_poll_at"),
    comment="The state of each dataset of an event, session or season; that of classifications is in sessions",
)

changes = Table(
    "changes",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True, comment="rises in the order of commits"),
    Column("at", Instant, nullable=False, comment="the moment (now) of the run that made the change"),
    Column("entity", Text, nullable=False, comment="event, session or season"),
    Column("entity_id", Text, nullable=False, comment="its id"),
    Column("kind", Text, nullable=False, comment="what happened"),
    Column("before", Json, comment="the fields concerned, as they were; null when added"),
    Column("after", Json, comment="the fields concerned, as they are"),
    Column("flow_run_id", Text, comment="the Prefect flow run that made it; null for a direct run"),
    one_of("entity", Entity),
    Index(None, "entity_id"),
    comment="The feed of all changes, each written in the transaction that made it",
    sqlite_autoincrement=True,
)

held = Table(
    "held",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True, comment="surrogate key"),
    Column("entity", Text, nullable=False, comment="event, session or season"),
    Column("entity_id", Text, nullable=False, comment="its id"),
    Column("kind", Text, nullable=False, comment="what kind of answer is held"),
    Column("payload", Json, nullable=False, comment="what upstream says"),
    Column("reason", Text, nullable=False, comment="why it is not applied, in words"),
    Column("first_seen_at", Instant, nullable=False, comment="when upstream first said exactly this"),
    Column("last_seen_at", Instant, nullable=False, comment="when upstream last said it"),
    Column("times_seen", Integer, nullable=False, comment="how many times upstream said it"),
    UniqueConstraint("entity", "entity_id", "kind"),
    one_of("entity", Entity),
    comment="Answers from upstream that are not applied yet, or were refused",
)

upstream_requests = Table(
    "upstream_requests",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True, comment="surrogate key"),
    Column("at", Instant, nullable=False, comment="when the request was made"),
    Column("host", Text, nullable=False, comment="the host of the request"),
    Column("path", Text, nullable=False, comment="path and query"),
    Column("status", SmallInteger, comment="HTTP status; null while under way, or when no answer came"),
    Column("ms", Integer, comment="milliseconds until the answer"),
    Column("retry_at", Instant, comment="until when the source said to wait (Retry-After); null for ordinary requests"),
    Index(None, "at"),
    comment="The rate budget's ledger of requests to Jolpica, and refusals of any source, kept a week",
)

backfill_pages = Table(
    "backfill_pages",
    metadata,
    Column("season", SmallInteger, primary_key=True, comment="championship year"),
    Column("listing", Text, primary_key=True, comment="Jolpica's name of the table, such as results or laps"),
    Column("round", SmallInteger, primary_key=True, comment="the race's round; 0: the whole season's table"),
    Column("first_row", Integer, primary_key=True, comment="the page's first row, counted from 0"),
    Column("total", Integer, nullable=False, comment="rows of the whole table, as the page says"),
    Column("documents", Json, nullable=False, comment="the page's documents"),
    Column("at", Instant, nullable=False, comment="when it was fetched"),
    comment="Pages of tables that backfill is fetching; deleted in the transaction that writes the season, or the race",
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("subscriber", Text, primary_key=True, comment="the webhook's name"),
    Column("last_change_id", BigInteger, nullable=False, comment="the last change that was received"),
    Column("message_last_id", BigInteger, comment="the last change of the message that is being sent; null: none is"),
    Column("attempts", Integer, nullable=False, comment="failed attempts to send that message"),
    Column("next_attempt_at", Instant, comment="when it is sent again; null: at once, or not until resumed"),
    Column("last_status", SmallInteger, comment="HTTP status of the last attempt; null: no answer"),
    Column("last_error", Text, comment="why the last attempt failed; null when it did not"),
    Column("delivered_at", Instant, comment="when a message was last received"),
    Column("lease", Text, comment="the run that is sending; null: none is"),
    Column("leased_until", Instant, comment="when another run may send, if that one has died"),
    comment="Each webhook's cursor over the feed of changes, and the state of its message",
)

drivers = Table(
    "drivers",
    metadata,
    Column("id", Text, primary_key=True, comment="Jolpica's driver id, such as max_verstappen"),
    Column("given_name", Text, nullable=False, comment="given name"),
    Column("family_name", Text, nullable=False, comment="family name"),
    Column("code", Text, comment="three letters; not unique, and unknown for most"),
    Column("number", Text, comment="permanent car number; most never had one"),
    Column("date_of_birth", Date, comment="date of birth"),
    Column("nationality", Text, comment="nationality, as Jolpica words it"),
    comment="Drivers, by Jolpica's id",
)

teams = Table(
    "teams",
    metadata,
    Column("id", Text, primary_key=True, comment="Jolpica's constructor id, such as red_bull"),
    Column("name", Text, nullable=False, comment="the team's name"),
    Column("nationality", Text, comment="nationality, as Jolpica words it"),
    Column(
        "color",
        Text,
        comment="six hexadecimal digits, by the last session of which live timing gives one; null before 2018",
    ),
    comment="Teams (constructors), by Jolpica's id",
)

results = Table(
    "results",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True, comment="the session"),
    Column("car_number", Text, primary_key=True, comment="car number as text; empty when unknown"),
    Column("ordinal", SmallInteger, primary_key=True, comment="tells apart rows of one car: shared drives before 1979"),
    Column("driver_id", Text, ForeignKey("drivers.id"), comment="the driver; null while unknown"),
    Column("driver_code", Text, comment="three letters, as the source gives them"),
    Column("team_id", Text, ForeignKey("teams.id"), comment="the team driven for; null while unknown"),
    Column("listed_position", SmallInteger, comment="upstream's order, the unclassified included"),
    Column("position", SmallInteger, comment="classified place; null when not classified"),
    Column("classification", Text, comment="Ergast's text: 1, R, D, W, F, E, N; null where upstream gives none"),
    Column("grid", SmallInteger, comment="grid place; 0 from the pit lane"),
    Column("points", Points, comment="championship points"),
    Column("status", Text, comment="finishing status, in upstream's words"),
    Column("laps", SmallInteger, comment="laps completed"),
    Column("time_ms", BigInteger, comment="race time, milliseconds"),
    Column("gap_ms", BigInteger, comment="behind the winner, milliseconds"),
    Column("q1_ms", Integer, comment="best time in the first part of qualifying, milliseconds"),
    Column("q2_ms", Integer, comment="in the second part, milliseconds"),
    Column("q3_ms", Integer, comment="in the third part, milliseconds"),
    Column("best_lap_ms", Integer, comment="best lap, milliseconds"),
    Column("fastest_lap_rank", SmallInteger, comment="rank of that lap among all; 1 is the fastest lap"),
    Column("source", Text, nullable=False, comment="the source this row comes from"),
    one_of("source", Source),
    Index(None, "driver_id"),
    comment="The current classification, one row per entry",
)

result_revisions = Table(
    "result_revisions",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True, comment="the session"),
    Column("revision", Integer, primary_key=True, comment="1, 2, 3 and so on within the session"),
    Column("observed_at", Instant, nullable=False, comment="when it was accepted"),
    Column("source", Text, nullable=False, comment="the source it came from"),
    Column("state", Text, nullable=False, comment="provisional or official"),
    Column("rows", Json, nullable=False, comment="the whole classification, entries in order"),
    Column("diff", Json, nullable=False, comment="what differs from the revision before"),
    one_of("source", Source),
    one_of("state", ResultsState),
    comment="Every classification that ever held, append-only",
)


def _standings(name: str, competitor: str) -> Table:
    return Table(
        name,
        metadata,
        Column("event_id", Text, ForeignKey("events.id"), primary_key=True, comment="after this event"),
        Column(
            f"{competitor}_id", Text, ForeignKey(f"{competitor}s.id"), primary_key=True, comment=f"the {competitor}"
        ),
        Column("season", SmallInteger, nullable=False, comment="championship year"),
        Column("round", SmallInteger, comment="the event's round when it was computed"),
        Column("position", SmallInteger, comment="place; null for a competitor that was never classified"),
        Column("points", Points, nullable=False, comment="points so far"),
        Column("wins", SmallInteger, nullable=False, comment="races won so far"),
        Column("source", Text, nullable=False, comment="results: computed here; jolpica: as Jolpica publishes it"),
        CheckConstraint("source IN ('results', 'jolpica')", name="source"),
        Index(None, "season", "round"),
        comment=f"The {competitor}s' championship after each event",
    )


driver_standings = _standings("driver_standings", "driver")
team_standings = _standings("team_standings", "team")
STANDINGS_OF: dict[Competitor, Table] = {"driver": driver_standings, "team": team_standings}
"""The table of each championship."""

championship_adjustments = Table(
    "championship_adjustments",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True, comment="surrogate key"),
    Column("season", SmallInteger, nullable=False, comment="championship year"),
    Column("round", SmallInteger, comment="holds after this round and later ones; null: after every round"),
    Column("competitor", Text, nullable=False, comment="whose championship: driver or team"),
    Column("competitor_id", Text, nullable=False, comment="the driver's or team's id"),
    Column(
        "points",
        Points,
        nullable=False,
        server_default="0",
        comment="added to the points of the results, which never fall below zero; negative: a deduction",
    ),
    Column(
        "is_excluded",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="whether the competitor has no place; it keeps its points",
    ),
    Column("reason", Text, nullable=False, comment="why, in words"),
    Column("source", Text, nullable=False, comment="who decided it, and when"),
    Column(
        "is_applied",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="whether the standings were computed with it; where false, the next poll does so",
    ),
    CheckConstraint("competitor IN ('driver', 'team')", name="competitor"),
    UniqueConstraint("season", "competitor", "competitor_id", "round"),
    comment="Decisions about a championship that no result shows, such as deductions; a person may add a row",
)
# Not a partial index: SQLAlchemy imports the dialects that have an option of it, which takes 25 ms.
Index(
    "uq_championship_adjustments_whole_season",
    championship_adjustments.c.season,
    championship_adjustments.c.competitor,
    championship_adjustments.c.competitor_id,
    func.coalesce(championship_adjustments.c.round, text("0")),
    unique=True,
)

external_keys = Table(
    "external_keys",
    metadata,
    Column("entity", Text, primary_key=True, comment="circuit, driver, event or session"),
    Column("entity_id", Text, primary_key=True, comment="its id here"),
    Column("source", Text, primary_key=True, comment="whose key it is: formula1"),
    Column(
        "external_id",
        Text,
        primary_key=True,
        comment="the key of a session, a meeting or a circuit; a driver's reference, of which 2018 has none",
    ),
    CheckConstraint("entity IN ('circuit', 'driver', 'event', 'session')", name="entity"),
    comment="Formula 1's own keys, each that live timing has given; a circuit may have several, one a layout",
)


def columns(table: Table, row: Record) -> dict[str, Any]:
    """A record's fields that the table has columns for, enums as text."""
    held_by = table.columns
    return {name: value.value if isinstance(value, StrEnum) else value for name, value in row if name in held_by}
