"""Entries, and the line-up of each event: the latest entries, or before its first session the last event's."""

import sqlalchemy as sa
from alembic import context, op

revision = "0010"
down_revision = "0009"

LINE_UP = """
CREATE VIEW {p}line_up AS
SELECT ev.id AS event_id, ev.season, ev.round, n.session_id, n.car_number, n.driver_id, n.driver_code, n.full_name,
       n.team_id, n.team_color, n.source, s.event_id <> ev.id AS is_expected
FROM {p}events ev
JOIN {p}entries n ON n.session_id = COALESCE(
    (SELECT own.id FROM {p}sessions own
     WHERE own.event_id = ev.id AND EXISTS (SELECT 1 FROM {p}entries e WHERE e.session_id = own.id)
     ORDER BY own.starts_at DESC LIMIT 1),
    (SELECT earlier.id FROM {p}sessions earlier JOIN {p}events past ON past.id = earlier.event_id
     WHERE ev.status IN ('scheduled', 'live') AND past.season = ev.season AND past.first_date < ev.first_date
       AND EXISTS (SELECT 1 FROM {p}entries e WHERE e.session_id = earlier.id)
     ORDER BY earlier.starts_at DESC LIMIT 1)
)
JOIN {p}sessions s ON s.id = n.session_id
WHERE ev.format <> 'testing'
"""
COMMENTS = {
    "event_id": "the event",
    "season": "championship year",
    "round": "the event's round now",
    "session_id": "the session whose entries these are",
    "car_number": "car number as text",
    "driver_id": "the driver; null until Jolpica knows one",
    "driver_code": "three letters, as live timing gives them",
    "full_name": "the driver's name, as live timing writes it",
    "team_id": "the team; null while unknown",
    "team_color": "six hexadecimal digits",
    "source": "the source of the entry",
    "is_expected": "no session of the event has begun: these are the last event's entries",
}


def upgrade() -> None:
    schema = context.config.attributes["schema"]
    prefix = f'"{schema}".' if schema else ""
    op.create_table(
        "entries",
        sa.Column("session_id", sa.Text(), nullable=False, comment="the session"),
        sa.Column("car_number", sa.Text(), nullable=False, comment="car number as text"),
        sa.Column("driver_id", sa.Text(), comment="the driver; null until Jolpica knows a stand-in"),
        sa.Column("driver_code", sa.Text(), comment="three letters, as live timing gives them"),
        sa.Column("full_name", sa.Text(), comment="the driver's name, as live timing writes it"),
        sa.Column("team_id", sa.Text(), comment="the team; null while unknown"),
        sa.Column("team_color", sa.Text(), comment="six hexadecimal digits"),
        sa.Column("source", sa.Text(), nullable=False, comment="the source this row comes from"),
        sa.CheckConstraint("source IN ('fastf1', 'jolpica', 'livetiming')", name=op.f("ck_entries_source")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_entries_team_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_entries_driver_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_entries_session_id")),
        sa.PrimaryKeyConstraint("session_id", "car_number", name=op.f("pk_entries")),
        comment="Who drives which car in a session: from live timing's list of drivers, and from results once official",
        schema=schema,
    )
    op.create_index(op.f("ix_entries_driver_id"), "entries", ["driver_id"], schema=schema)
    op.execute(LINE_UP.format(p=prefix))
    if schema:
        op.execute(f"COMMENT ON VIEW {prefix}line_up IS 'Who drives which car at each event, as far as is known'")
        for column, text in COMMENTS.items():
            op.execute(f"COMMENT ON COLUMN {prefix}line_up.{column} IS $comment${text}$comment$")
