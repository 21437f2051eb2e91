"""Alembic's entry: runs the migrations on the connection that `core.database` gives it, in its transaction."""

from alembic import context

from core.migrations import VERSION_TABLE
from core.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    version_table_schema=context.config.attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
