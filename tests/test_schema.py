"""The migrations create exactly the schema, and everything in it has a name and a comment."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from core.database import Database
from core.migrations import HEAD, REVISIONS, VERSION_TABLE
from core.schema import metadata


def test_revisions_are_listed_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", "core:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == list(REVISIONS)
    assert scripts.get_current_head() == HEAD


def test_migrations_make_the_schema(new_database: Database) -> None:
    new_database.ensure_schema()
    options = {
        "target_metadata": metadata,
        "include_name": lambda name, kind, _parents: kind != "table" or name != VERSION_TABLE,
        "include_schemas": False,
    }
    with new_database.engine.connect() as connection:
        if new_database.schema:
            connection.exec_driver_sql(f'SET search_path = "{new_database.schema}"')
            connection.dialect.default_schema_name = new_database.schema
        plain = connection.execution_options(schema_translate_map=None)
        differences = compare_metadata(MigrationContext.configure(plain, opts=options), metadata)
        if new_database.schema:
            connection.dialect.default_schema_name = "public"
    assert differences == []


def test_every_table_and_column_has_a_comment_and_every_constraint_a_name() -> None:
    for table in metadata.tables.values():
        assert table.comment
        assert [column.name for column in table.columns if not column.comment] == []
        assert [constraint for constraint in table.constraints if not constraint.name] == []


def test_every_table_view_and_column_in_the_database_has_a_comment(new_postgresql: Database) -> None:
    new_postgresql.ensure_schema()
    bare = """
        SELECT c.relname, a.attname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = :schema
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'v') AND c.relname <> :version
          AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)
    """
    with new_postgresql.reading() as connection:
        assert connection.execute(text(bare), {"schema": new_postgresql.schema, "version": VERSION_TABLE}).all() == []
