"""Creates views with comments in migrations."""

from alembic import context, op


def is_sqlite() -> bool:
    """Whether the database is SQLite."""
    return op.get_bind().dialect.name == "sqlite"


def prefix() -> str:
    """The prefix of a table's name in SQL: our schema and a dot; empty on SQLite."""
    schema = context.config.attributes["schema"]
    return f'"{schema}".' if schema else ""


def create_view(name: str, query: str, comment: str, columns: dict[str, str]) -> None:
    """Create a view with comments, or replace it by one with more columns; on SQLite the comments are in its text."""
    if is_sqlite():
        lines = (comment, *(f"{column}: {text}" for column, text in columns.items()))
        op.execute(f"DROP VIEW IF EXISTS {name}")
        op.get_bind().exec_driver_sql("\n-- ".join((f"CREATE VIEW {name} AS", *lines)) + query)
        return
    view = f"{prefix()}{name}"
    escaped = query.replace("%", "%%")  # psycopg's placeholders begin with one
    op.get_bind().exec_driver_sql(f"CREATE OR REPLACE VIEW {view} AS{escaped}")
    op.execute(f"COMMENT ON VIEW {view} IS $comment${comment}$comment$")
    for column, text in columns.items():
        op.execute(f"COMMENT ON COLUMN {view}.{column} IS $comment${text}$comment$")
