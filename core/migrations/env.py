"""Alembic's entry point: runs the migrations in the transaction of the connection from `core.database`."""

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
