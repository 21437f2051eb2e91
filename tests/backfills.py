"""What a backfill leaves in the database, for comparing one with another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update

from core.database import Database
from core.rules.history import HISTORY
from core.schema import championship_adjustments, changes, dataset_states, metadata, upstream_requests

Rows = dict[str, list[dict[str, Any]]]

UNCOMPARED = {changes.name, upstream_requests.name, championship_adjustments.name}


def contents(database: Database) -> Rows:
    """All rows but the feed's and the ledger's, in an order of their own, without the marks of whole seasons.

    Published standings are due after a poll, and not after a backfill: of seasons that are over ours count.
    """
    found: Rows = {}
    with database.reading() as connection:
        for table in metadata.sorted_tables:
            if table.name in UNCOMPARED:
                continue
            names = [column.name for column in table.columns if not (table.name == "held" and column.name == "id")]
            query = select(*(table.c[name] for name in names))
            if table is dataset_states:
                query = query.where(dataset_states.c.dataset != HISTORY)
            rows = [dict(row) for row in connection.execute(query).mappings()]
            if table is dataset_states:
                rows = [row | {"next_poll_at": None} for row in rows]
            found[table.name] = sorted(rows, key=lambda row: [str(value) for value in row.values()])
    return found


def empty(database: Database) -> None:
    """Delete all rows but the championships' adjustments, which no season has used yet."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not championship_adjustments:
                connection.execute(delete(table))
        connection.execute(update(championship_adjustments).values(is_applied=False))


def left_of(database: Database) -> Rows:
    """All rows but the ledger's, the feed's and the marks of whole seasons among them."""
    found = contents(database)
    with database.reading() as connection:
        for table in (changes, dataset_states):
            names = [column for column in table.columns if column.name != "id"]
            rows = [dict(row) for row in connection.execute(select(*names)).mappings()]
            found[table.name] = sorted(rows, key=lambda row: [str(value) for value in row.values()])
    return found
