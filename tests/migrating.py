"""A database brought to one of the versions of its tables."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from core.database import Database


def upgrade(database: Database, revision: str) -> None:
    """Migrate to a revision, as `Database.ensure_schema` does to the last one."""
    config = Config()
    config.set_main_option("script_location", "core:migrations")
    with database.writing(migrating=True) as connection:
        if database.schema:
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{database.schema}"'))
        config.attributes.update(connection=connection, schema=database.schema)
        command.upgrade(config, revision)
