"""Backfill keeps pages of a race's own tables too, its laps and pit stops."""

import sqlalchemy as sa
from alembic import context, op

from core.column_types import Instant, Json

revision = "0015"
down_revision = "0014"

COMMENTS = {
    "TABLE {p}backfill_pages": (
        "Pages of tables that backfill is fetching; deleted in the transaction that writes the season, or the race"
    ),
    "COLUMN {p}backfill_pages.listing": "Jolpica's name of the table, such as results or laps",
}
"""Comments with a new wording, on PostgreSQL; SQLite has none."""

KEY = ("season", "listing", "round", "first_row")


def _before() -> sa.Table:
    """The table without its key, for SQLite, where a key goes with a rebuilt table only."""
    return sa.Table(
        "backfill_pages",
        sa.MetaData(),
        sa.Column("season", sa.SmallInteger(), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("first_row", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("documents", Json(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
    )


def upgrade() -> None:
    schema = context.config.attributes["schema"]
    of_race = sa.Column(
        "round",
        sa.SmallInteger(),
        nullable=False,
        server_default="0",
        comment="the race's round; 0: the whole season's table",
    )
    with op.batch_alter_table(
        "backfill_pages", schema=schema, copy_from=_before() if schema is None else None
    ) as table:
        table.add_column(of_race)
        if schema is not None:
            table.drop_constraint(op.f("pk_backfill_pages"), type_="primary")
        table.create_primary_key(op.f("pk_backfill_pages"), list(KEY))
    with op.batch_alter_table("backfill_pages", schema=schema) as table:
        table.alter_column("round", server_default=None)
    if schema:
        prefix = f'"{schema}".'
        for of, text in COMMENTS.items():
            op.execute(f"COMMENT ON {of.format(p=prefix)} IS $comment${text}$comment$")
