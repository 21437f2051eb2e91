"""Webhooks: how far each subscriber has come in the feed of changes."""

import sqlalchemy as sa
from alembic import context, op

from core.column_types import Instant

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("subscriber", sa.Text(), nullable=False, comment="the webhook's name"),
        sa.Column("last_change_id", sa.BigInteger(), nullable=False, comment="the last change that was received"),
        sa.Column(
            "message_last_id",
            sa.BigInteger(),
            comment="the last change of the message that is being sent; null: none is",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="failed attempts to send that message"),
        sa.Column("next_attempt_at", Instant(), comment="when it is sent again; null: at once, or not until resumed"),
        sa.Column("last_status", sa.SmallInteger(), comment="HTTP status of the last attempt; null: no answer"),
        sa.Column("last_error", sa.Text(), comment="why the last attempt failed; null when it did not"),
        sa.Column("delivered_at", Instant(), comment="when a message was last received"),
        sa.Column("lease", sa.Text(), comment="the run that is sending; null: none is"),
        sa.Column("leased_until", Instant(), comment="when another run may send, if that one has died"),
        sa.PrimaryKeyConstraint("subscriber", name=op.f("pk_deliveries")),
        comment="Each webhook's cursor over the feed of changes, and the state of its message",
        schema=context.config.attributes["schema"],
    )
