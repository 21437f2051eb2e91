"""Formula 1's own keys of sessions, events, circuits and drivers, which live timing's archives give."""

import sqlalchemy as sa
from alembic import context, op

from core.migrations.views import create_view, prefix

revision = "0016"
down_revision = "0015"

EXTERNAL_IDS = """
SELECT 'driver' AS entity, id, 'jolpica' AS source, id AS external_id FROM {p}drivers
UNION ALL SELECT 'team', id, 'jolpica', id FROM {p}teams
UNION ALL SELECT 'circuit', id, 'jolpica', id FROM {p}circuits
UNION ALL SELECT entity, entity_id, source, external_id FROM {p}external_keys
"""

COMMENT = (
    "Ids of other sources, as far as a source that is read gives them: Jolpica's, which are the ids here,"
    " and Formula 1's own keys, from live timing"
)
COLUMNS = {
    "entity": "driver, team, circuit, event or session",
    "id": "its id here",
    "source": "whose id the other one is: jolpica or formula1",
    "external_id": "its id there, of which formula1 may have several; an event is a meeting there",
}


def upgrade() -> None:
    op.create_table(
        "external_keys",
        sa.Column("entity", sa.Text(), nullable=False, comment="circuit, driver, event or session"),
        sa.Column("entity_id", sa.Text(), nullable=False, comment="its id here"),
        sa.Column("source", sa.Text(), nullable=False, comment="whose key it is: formula1"),
        sa.Column(
            "external_id",
            sa.Text(),
            nullable=False,
            comment="the key of a session, a meeting or a circuit; a driver's reference, of which 2018 has none",
        ),
        sa.PrimaryKeyConstraint("entity", "entity_id", "source", "external_id", name=op.f("pk_external_keys")),
        sa.CheckConstraint("entity IN ('circuit', 'driver', 'event', 'session')", name=op.f("ck_external_keys_entity")),
        comment="Formula 1's own keys, each that live timing has given; a circuit may have several, one a layout",
        schema=context.config.attributes["schema"],
    )
    create_view("external_ids", EXTERNAL_IDS.format(p=prefix()), COMMENT, COLUMNS)
