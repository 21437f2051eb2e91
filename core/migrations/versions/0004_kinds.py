"""Kinds of changes and held answers are no longer a CHECK; faults in a row, and until when a source said to wait.

A CHECK that lists the kinds would have to be replaced with every new dataset, which on SQLite means a rebuilt table.
"""

import sqlalchemy as sa
from alembic import context, op

from core.column_types import Instant, Json, Serial

revision = "0004"
down_revision = "0003"

FAULTS = "faults in a row; 0 after an answer"
RETRY_AT = "until when the source said to wait (Retry-After); null for ordinary requests"

LEDGER_BEFORE = "The rate budget's ledger of requests to Jolpica, kept a week"
LEDGER = "The rate budget's ledger of requests to Jolpica, and refusals of any source, kept a week"


def _entity(table: str) -> sa.CheckConstraint:
    return sa.CheckConstraint("entity IN ('event', 'session', 'season')", name=f"ck_{table}_entity")


def _changes() -> sa.Table:
    """The feed as it is from here on, for SQLite, where a constraint goes with a rebuilt table only."""
    return sa.Table(
        "changes",
        sa.MetaData(),
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("before", Json),
        sa.Column("after", Json),
        sa.Column("flow_run_id", sa.Text()),
        _entity("changes"),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
        sa.Index("ix_changes_entity_id", "entity_id"),
        sqlite_autoincrement=True,
    )


def _held() -> sa.Table:
    return sa.Table(
        "held",
        sa.MetaData(),
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=False),
        sa.Column("times_seen", sa.Integer(), nullable=False),
        _entity("held"),
        sa.PrimaryKeyConstraint("id", name="pk_held"),
        sa.UniqueConstraint("entity", "entity_id", "kind", name="uq_held_entity_entity_id_kind"),
    )


def upgrade() -> None:
    schema = context.config.attributes["schema"]
    faults = sa.Column("poll_faults", sa.Integer(), nullable=False, server_default="0", comment=FAULTS)
    op.add_column("sessions", faults, schema=schema)
    op.add_column("upstream_requests", sa.Column("retry_at", Instant(), comment=RETRY_AT), schema=schema)
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("upstream_requests", LEDGER, existing_comment=LEDGER_BEFORE, schema=schema)
    # Earlier versions settled a past session with whatever they met first.
    names = ("results_state", "revision", "next_poll_at", "updated_at")
    sessions = sa.table("sessions", *map(sa.column, names), schema=schema)
    unfounded = (sessions.c.results_state == "settled") & (sessions.c.revision == 0)
    again = {"results_state": "awaited", "next_poll_at": sessions.c.updated_at}
    op.execute(sessions.update().where(unfounded).values(again))
    for table in (_changes(), _held()):
        if op.get_bind().dialect.name == "sqlite":
            with op.batch_alter_table(table.name, copy_from=table, recreate="always"):
                pass
        else:
            op.drop_constraint(f"ck_{table.name}_kind", table.name, schema=schema)
