"""Decisions about championships that no result shows, with those known so far."""

import sqlalchemy as sa
from alembic import context, op

from core.column_types import Points, Serial

revision = "0007"
down_revision = "0006"

WMSC = "FIA World Motor Sport Council"
KNOWN = (
    # season, round, competitor, id, points, excluded, reason, source
    (
        1995,
        1,
        "team",
        "benetton",
        -10,
        False,
        "Brazil: fuel was not as the sample lodged before the season; Schumacher's win was given back to him alone",
        "FIA International Court of Appeal, 13 April 1995",
    ),
    (
        1995,
        1,
        "team",
        "williams",
        -6,
        False,
        "Brazil: fuel was not as the sample lodged before the season; second place was given back to Coulthard alone",
        "FIA International Court of Appeal, 13 April 1995",
    ),
    (
        1997,
        17,
        "driver",
        "michael_schumacher",
        0,
        True,
        "excluded from the drivers' championship for running into Villeneuve at Jerez; his results and points stand",
        f"{WMSC}, 11 November 1997",
    ),
    (
        2000,
        10,
        "team",
        "mclaren",
        -10,
        False,
        "Austria: a seal was missing on Häkkinen's electronic control unit; he keeps his win, the team no points",
        "FIA, July 2000",
    ),
    (
        2007,
        None,
        "team",
        "mclaren",
        -218,
        True,
        "excluded from the constructors' championship, without points, for holding Ferrari's confidential documents",
        f"{WMSC}, 13 September 2007",
    ),
    (
        2018,
        13,
        "team",
        "force_india",
        -59,
        False,
        "a new entrant from Belgium on, under the same id: the 59 points of the first twelve rounds are void",
        "FIA, August 2018",
    ),
    (
        2020,
        5,
        "team",
        "racing_point",
        -15,
        False,
        "brake ducts designed by Mercedes: 7.5 points for each car of the Styrian Grand Prix, decided before round 5",
        "stewards' decision on Renault's protests, 7 August 2020",
    ),
)
NAMES = ("season", "round", "competitor", "competitor_id", "points", "is_excluded", "reason", "source")

# The next poll computes these seasons' standings again.
UNAPPLIED = """
UPDATE {p}championship_adjustments SET is_applied = {false}
WHERE season IN (SELECT season FROM {p}driver_standings)
"""


def upgrade() -> None:
    schema = context.config.attributes["schema"]
    adjustments = op.create_table(
        "championship_adjustments",
        sa.Column("id", Serial, autoincrement=True, nullable=False, comment="surrogate key"),
        sa.Column("season", sa.SmallInteger(), nullable=False, comment="championship year"),
        sa.Column("round", sa.SmallInteger(), comment="holds after this round and later ones; null: after every round"),
        sa.Column("competitor", sa.Text(), nullable=False, comment="whose championship: driver or team"),
        sa.Column("competitor_id", sa.Text(), nullable=False, comment="the driver's or team's id"),
        sa.Column(
            "points",
            Points(),
            nullable=False,
            server_default="0",
            comment="added to the points of the results, which never fall below zero; negative: a deduction",
        ),
        sa.Column(
            "is_excluded",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="whether the competitor has no place; it keeps its points",
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="why, in words"),
        sa.Column("source", sa.Text(), nullable=False, comment="who decided it, and when"),
        sa.Column(
            "is_applied",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="whether the standings were computed with it; where false, the next poll does so",
        ),
        sa.CheckConstraint("competitor IN ('driver', 'team')", name=op.f("ck_championship_adjustments_competitor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_championship_adjustments")),
        sa.UniqueConstraint(
            "season",
            "competitor",
            "competitor_id",
            "round",
            name=op.f("uq_championship_adjustments_season_competitor_competitor_id_round"),
        ),
        comment="Decisions about a championship that no result shows, such as deductions; a person may add a row",
        schema=schema,
    )
    op.create_index(
        op.f("uq_championship_adjustments_whole_season"),
        "championship_adjustments",
        ["season", "competitor", "competitor_id"],
        unique=True,
        postgresql_where=sa.text("round IS NULL"),
        sqlite_where=sa.text("round IS NULL"),
        schema=schema,
    )
    op.bulk_insert(adjustments, [dict(zip(NAMES, row, strict=True)) | {"is_applied": True} for row in KNOWN])
    prefix = f'"{schema}".' if schema else ""
    false = "0" if op.get_bind().dialect.name == "sqlite" else "false"
    op.execute(UNAPPLIED.format(p=prefix, false=false))
    if schema:
        comment = "why the last poll failed, or its answer was refused or differs; null otherwise"
        op.execute(f"COMMENT ON COLUMN {prefix}dataset_states.last_error IS $comment${comment}$comment$")
