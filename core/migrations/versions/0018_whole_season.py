"""One adjustment of a competitor for a whole season: unique by expression, no longer by a partial index."""

import sqlalchemy as sa
from alembic import context, op

revision = "0018"
down_revision = "0017"

NAME = "uq_championship_adjustments_whole_season"


def upgrade() -> None:
    schema = context.config.attributes["schema"]
    op.drop_index(NAME, table_name="championship_adjustments", schema=schema)
    op.create_index(
        op.f(NAME),
        "championship_adjustments",
        ["season", "competitor", "competitor_id", sa.text("coalesce(round, 0)")],
        unique=True,
        schema=schema,
    )
