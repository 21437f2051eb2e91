"""Teams have a colour, that of the last session in which live timing's list of drivers gives one."""

import sqlalchemy as sa
from alembic import context, op

from core.migrations.views import prefix

revision = "0013"
down_revision = "0012"

COLOR = "six hexadecimal digits, by the last session of which live timing gives one; null before 2018"

COPY = """
UPDATE {p}teams SET color = (
    SELECT n.team_color FROM {p}entries n JOIN {p}sessions s ON s.id = n.session_id
    WHERE n.team_id = teams.id AND n.team_color IS NOT NULL ORDER BY s.local_date DESC, s.starts_at DESC LIMIT 1
)
"""


def upgrade() -> None:
    op.add_column("teams", sa.Column("color", sa.Text(), comment=COLOR), schema=context.config.attributes["schema"])
    op.execute(COPY.format(p=prefix()))
