"""The calendar: circuits, events, sessions; the feed of changes, what is held, the ledger of requests."""

import sqlalchemy as sa
from alembic import op

from core.column_types import Instant, Json, Serial

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("id", Serial, autoincrement=True, nullable=False, comment="rises in the order of commits"),
        sa.Column("at", Instant(), nullable=False, comment="the moment the run that made it reconciled with"),
        sa.Column("entity", sa.Text(), nullable=False, comment="event, session or season"),
        sa.Column("entity_id", sa.Text(), nullable=False, comment="its id"),
        sa.Column("kind", sa.Text(), nullable=False, comment="what happened"),
        sa.Column("before", Json, nullable=True, comment="the fields concerned, as they were; null when added"),
        sa.Column("after", Json, nullable=True, comment="the fields concerned, as they are"),
        sa.Column(
            "flow_run_id",
            sa.Text(),
            nullable=True,
            comment="the Prefect flow run that made it; null for a direct run",
        ),
        sa.CheckConstraint("entity IN ('event', 'session', 'season')", name=op.f("ck_changes_entity")),
        sa.CheckConstraint(
            "kind IN ('added', 'renamed', 'rescheduled', 'postponed', 'brought_forward', 'relocated', 'renumbered', 'format_changed', 'detailed', 'status', 'cancelled', 'reinstated', 'results_published', 'results_official', 'results_revised', 'results_restored', 'standings')",
            name=op.f("ck_changes_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        comment="The feed: everything that changed, written in the transaction that changed it",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_changes_entity_id"), "changes", ["entity_id"], unique=False)
    op.create_table(
        "circuits",
        sa.Column("id", sa.Text(), nullable=False, comment="Jolpica's circuit id, such as albert_park"),
        sa.Column("name", sa.Text(), nullable=False, comment="the circuit's name"),
        sa.Column("locality", sa.Text(), nullable=False, comment="town or district"),
        sa.Column("country", sa.Text(), nullable=False, comment="country, as Jolpica writes it"),
        sa.Column("latitude", sa.Float(), nullable=True, comment="degrees, north positive"),
        sa.Column("longitude", sa.Float(), nullable=True, comment="degrees, east positive"),
        sa.Column(
            "time_zone",
            sa.Text(),
            nullable=True,
            comment="IANA time zone; null where we do not know the circuit yet",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circuits")),
        comment="Circuits, from Jolpica's race schedule; their time zones are this project's own data",
    )
    op.create_table(
        "held",
        sa.Column("id", Serial, autoincrement=True, nullable=False, comment="surrogate key"),
        sa.Column("entity", sa.Text(), nullable=False, comment="event, session or season"),
        sa.Column("entity_id", sa.Text(), nullable=False, comment="its id"),
        sa.Column("kind", sa.Text(), nullable=False, comment="what is not believed yet"),
        sa.Column("payload", Json, nullable=False, comment="what upstream says"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why it is not applied, in words"),
        sa.Column("first_seen_at", Instant(), nullable=False, comment="since when upstream has said just this"),
        sa.Column("last_seen_at", Instant(), nullable=False, comment="when it was last said"),
        sa.Column("times_seen", sa.Integer(), nullable=False, comment="how many times it was said"),
        sa.CheckConstraint("entity IN ('event', 'session', 'season')", name=op.f("ck_held_entity")),
        sa.CheckConstraint(
            "kind IN ('absent', 'moved', 'unknown_session', 'results_superseded', 'results_rejected')",
            name=op.f("ck_held_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held")),
        sa.UniqueConstraint("entity", "entity_id", "kind", name=op.f("uq_held_entity_entity_id_kind")),
        comment="What upstream says and we do not believe yet",
    )
    op.create_table(
        "upstream_requests",
        sa.Column("id", Serial, autoincrement=True, nullable=False, comment="surrogate key"),
        sa.Column("at", Instant(), nullable=False, comment="when it was asked"),
        sa.Column("host", sa.Text(), nullable=False, comment="the host asked"),
        sa.Column("path", sa.Text(), nullable=False, comment="path and query"),
        sa.Column(
            "status",
            sa.SmallInteger(),
            nullable=True,
            comment="HTTP status; null while under way, or when no answer came",
        ),
        sa.Column("ms", sa.Integer(), nullable=True, comment="milliseconds until the answer"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_requests")),
        comment="The rate budget's ledger of requests to Jolpica, kept a week",
    )
    op.create_index(op.f("ix_upstream_requests_at"), "upstream_requests", ["at"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.Text(), nullable=False, comment="season and slug, given at first sight, never changed"),
        sa.Column("season", sa.SmallInteger(), nullable=False, comment="championship year"),
        sa.Column(
            "round",
            sa.SmallInteger(),
            nullable=True,
            comment="round of the season now; moves; null for testing and cancelled events",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="short name, such as Bahrain Grand Prix"),
        sa.Column("official_name", sa.Text(), nullable=True, comment="full name with the title sponsor"),
        sa.Column("country", sa.Text(), nullable=False, comment="country, as the source writes it"),
        sa.Column("locality", sa.Text(), nullable=False, comment="town or district, as the source writes it"),
        sa.Column("circuit_id", sa.Text(), nullable=True, comment="the circuit, once known"),
        sa.Column("format", sa.Text(), nullable=False, comment="which sessions the weekend has"),
        sa.Column("first_date", sa.Date(), nullable=False, comment="the venue's date of the first session"),
        sa.Column("last_date", sa.Date(), nullable=False, comment="the venue's date of the last session"),
        sa.Column("starts_at", Instant(), nullable=True, comment="start of the first session, UTC"),
        sa.Column("ends_at", Instant(), nullable=True, comment="expected end of the last session, UTC"),
        sa.Column("status", sa.Text(), nullable=False, comment="scheduled, live, completed or cancelled"),
        sa.Column("source", sa.Text(), nullable=False, comment="the source this row comes from"),
        sa.Column("updated_at", Instant(), nullable=False, comment="when this row last changed"),
        sa.CheckConstraint(
            "format IN ('conventional', 'sprint', 'sprint_shootout', 'sprint_qualifying', 'testing')",
            name=op.f("ck_events_format"),
        ),
        sa.CheckConstraint("source IN ('fastf1', 'jolpica', 'livetiming')", name=op.f("ck_events_source")),
        sa.CheckConstraint("status IN ('scheduled', 'live', 'completed', 'cancelled')", name=op.f("ck_events_status")),
        sa.CheckConstraint("first_date <= last_date", name=op.f("ck_events_dates")),
        sa.ForeignKeyConstraint(["circuit_id"], ["circuits.id"], name=op.f("fk_events_circuit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        comment="Race weekends and tests, one row for good under an id that never moves",
    )
    op.create_index(op.f("ix_events_season_round"), "events", ["season", "round"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False, comment="the event's id, a slash, the kind"),
        sa.Column("event_id", sa.Text(), nullable=False, comment="the event it belongs to"),
        sa.Column("kind", sa.Text(), nullable=False, comment="what is driven, whatever it is called that year"),
        sa.Column("name", sa.Text(), nullable=False, comment="what upstream calls it"),
        sa.Column("local_date", sa.Date(), nullable=False, comment="the venue's date"),
        sa.Column("starts_at", Instant(), nullable=True, comment="start, UTC; null while only the date is known"),
        sa.Column("ends_at", Instant(), nullable=True, comment="expected end, UTC, by the kind's typical length"),
        sa.Column(
            "utc_offset_minutes",
            sa.SmallInteger(),
            nullable=True,
            comment="the venue's offset from UTC at the start",
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="scheduled, live, completed or cancelled"),
        sa.Column("results_state", sa.Text(), nullable=False, comment="awaited, provisional, official or settled"),
        sa.Column(
            "revision",
            sa.Integer(),
            nullable=False,
            comment="number of the results' last revision; 0 before any",
        ),
        sa.Column("next_poll_at", Instant(), nullable=True, comment="when results are next asked for; null: not due"),
        sa.Column("poll_attempts", sa.Integer(), nullable=False, comment="polls so far"),
        sa.Column(
            "last_error",
            sa.Text(),
            nullable=True,
            comment="what the last poll failed of; null when it did not",
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="the source this row's schedule comes from"),
        sa.Column("updated_at", Instant(), nullable=False, comment="when this row last changed"),
        sa.CheckConstraint(
            "kind IN ('practice_1', 'practice_2', 'practice_3', 'sprint_qualifying', 'sprint', 'qualifying', 'race')",
            name=op.f("ck_sessions_kind"),
        ),
        sa.CheckConstraint(
            "results_state IN ('awaited', 'provisional', 'official', 'settled')",
            name=op.f("ck_sessions_results_state"),
        ),
        sa.CheckConstraint("source IN ('fastf1', 'jolpica', 'livetiming')", name=op.f("ck_sessions_source")),
        sa.CheckConstraint(
            "status IN ('scheduled', 'live', 'completed', 'cancelled')", name=op.f("ck_sessions_status")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_sessions_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("event_id", "kind", name=op.f("uq_sessions_event_id_kind")),
        comment="Sessions of an event, one of a kind",
    )
    op.create_index(op.f("ix_sessions_next_poll_at"), "sessions", ["next_poll_at"], unique=False)


def downgrade() -> None:
    for table in ("sessions", "events", "circuits", "changes", "held", "upstream_requests"):
        op.drop_table(table)
