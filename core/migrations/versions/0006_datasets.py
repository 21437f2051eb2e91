"""Datasets have a state of their own; standings are the first, whose due moment was a column of events."""

import sqlalchemy as sa
from alembic import context, op

from core.column_types import Instant

revision = "0006"
down_revision = "0005"

# A published table was taken where a row of it is Jolpica's; a held one says why the last answer was not.
COPY = """
INSERT INTO {p}dataset_states (
    entity, entity_id, dataset, revision, next_poll_at, poll_attempts, poll_faults, last_error, source, updated_at
)
SELECT 'event', e.id, 'standings', CASE WHEN t.event_id IS NULL THEN 0 ELSE 1 END, e.standings_due_at, 0, 0,
       'refused: ' || h.reason, CASE WHEN t.event_id IS NULL THEN NULL ELSE 'jolpica' END, e.updated_at
FROM {p}events e
LEFT JOIN (
    SELECT event_id FROM {p}driver_standings WHERE source = 'jolpica'
    UNION SELECT event_id FROM {p}team_standings WHERE source = 'jolpica'
) t ON t.event_id = e.id
LEFT JOIN {p}held h ON h.entity = 'event' AND h.entity_id = e.id AND h.kind = 'standings_rejected'
WHERE t.event_id IS NOT NULL OR e.standings_due_at IS NOT NULL
"""

COMMENTS = {
    "TABLE {p}events": "Race weekends and tests, one permanent row each; its id never changes",
    "TABLE {p}sessions": "Sessions of an event, at most one of each kind",
    "TABLE {p}changes": "The feed of all changes, each written in the transaction that made it",
    "TABLE {p}held": "Answers from upstream that are not applied yet, or were refused",
    "TABLE {p}results": "The current classification, one row per entry",
    "VIEW {p}results_with_names": "The current classification, one row per entry, with the names behind its ids",
    "COLUMN {p}sessions.next_poll_at": "when results are polled next; null: not due",
    "COLUMN {p}sessions.last_error": "why the last poll failed; null when it did not",
    "COLUMN {p}changes.at": "the moment (now) of the run that made the change",
    "COLUMN {p}held.kind": "what kind of answer is held",
    "COLUMN {p}held.first_seen_at": "when upstream first said exactly this",
    "COLUMN {p}held.last_seen_at": "when upstream last said it",
    "COLUMN {p}held.times_seen": "how many times upstream said it",
    "COLUMN {p}upstream_requests.at": "when the request was made",
    "COLUMN {p}upstream_requests.host": "the host of the request",
    "COLUMN {p}results.status": "finishing status, in upstream's words",
    "COLUMN {p}driver_standings.position": "place; null for a competitor that was never classified",
    "COLUMN {p}team_standings.position": "place; null for a competitor that was never classified",
    "COLUMN {p}results_with_names.status": "finishing status, in upstream's words",
}
"""Comments with a new wording, on PostgreSQL; SQLite has none."""


def upgrade() -> None:
    schema = context.config.attributes["schema"]
    op.create_table(
        "dataset_states",
        sa.Column("entity", sa.Text(), nullable=False, comment="event or session"),
        sa.Column("entity_id", sa.Text(), nullable=False, comment="its id"),
        sa.Column("dataset", sa.Text(), nullable=False, comment="the dataset, such as standings"),
        sa.Column(
            "revision",
            sa.Integer(),
            nullable=False,
            comment="how many published answers changed the rows; 0 before any",
        ),
        sa.Column("next_poll_at", Instant(), comment="when the dataset is polled next; null: not due"),
        sa.Column("poll_attempts", sa.Integer(), nullable=False, comment="polls so far"),
        sa.Column("poll_faults", sa.Integer(), nullable=False, comment="faults in a row; 0 after an answer"),
        sa.Column(
            "last_error", sa.Text(), comment="why the last poll failed or its answer was refused; null otherwise"
        ),
        sa.Column("source", sa.Text(), comment="the source of the last answer taken; null before any"),
        sa.Column("updated_at", Instant(), nullable=False, comment="when this row last changed"),
        sa.CheckConstraint("entity IN ('event', 'session', 'season')", name=op.f("ck_dataset_states_entity")),
        sa.CheckConstraint(
            "source IS NULL OR source IN ('fastf1', 'jolpica', 'livetiming')", name=op.f("ck_dataset_states_source")
        ),
        sa.PrimaryKeyConstraint("entity", "entity_id", "dataset", name=op.f("pk_dataset_states")),
        comment="The state of each dataset of an event or session; that of classifications is in sessions",
        schema=schema,
    )
    op.create_index(
        op.f("ix_dataset_states_dataset_next_poll_at"), "dataset_states", ["dataset", "next_poll_at"], schema=schema
    )
    prefix = f'"{schema}".' if schema else ""
    op.execute(COPY.format(p=prefix))
    op.drop_column("events", "standings_due_at", schema=schema)
    if schema:
        for of, text in COMMENTS.items():
            op.execute(f"COMMENT ON {of.format(p=prefix)} IS $comment${text}$comment$")
