"""Backfill: the pages of a season that is being fetched, and a mark for each season whose history is whole."""

import sqlalchemy as sa
from alembic import context, op

from core.column_types import Instant, Json

revision = "0008"
down_revision = "0007"

COMMENTS = {
    "TABLE {p}dataset_states": (
        "The state of each dataset of an event, session or season; that of classifications is in sessions"
    ),
    "COLUMN {p}dataset_states.entity": "event, session or season",
}
"""Comments with a new wording, on PostgreSQL; SQLite has none."""


def upgrade() -> None:
    schema = context.config.attributes["schema"]
    op.create_table(
        "backfill_pages",
        sa.Column("season", sa.SmallInteger(), nullable=False, comment="championship year"),
        sa.Column(
            "listing", sa.Text(), nullable=False, comment="Jolpica's table: races, results, sprint or qualifying"
        ),
        sa.Column("first_row", sa.Integer(), nullable=False, comment="the page's first row, counted from 0"),
        sa.Column("total", sa.Integer(), nullable=False, comment="rows of the whole table, as the page says"),
        sa.Column("documents", Json(), nullable=False, comment="the page's documents"),
        sa.Column("at", Instant(), nullable=False, comment="when it was fetched"),
        sa.PrimaryKeyConstraint("season", "listing", "first_row", name=op.f("pk_backfill_pages")),
        comment="Pages of a season that backfill is fetching; deleted in the transaction that writes the season",
        schema=schema,
    )
    if schema:
        prefix = f'"{schema}".'
        for of, text in COMMENTS.items():
            op.execute(f"COMMENT ON {of.format(p=prefix)} IS $comment${text}$comment$")
