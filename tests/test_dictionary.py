"""The data dictionary is what the schema and the database are."""

from __future__ import annotations

from pathlib import Path

import yaml
from sqlalchemy import inspect

from core.database import Database
from core.migrations import REVISIONS, VERSION_TABLE
from core.schema import metadata
from core.views import views
from flows.output.dictionary import INTERNAL_COLUMNS, INTERNAL_TABLES, dbt_sources, markdown

DOCS = Path(__file__).parents[1] / "docs"
STALE = "run make docs"


def test_the_dictionary_and_the_sources_are_up_to_date() -> None:
    assert (DOCS / "data.md").read_text() == markdown(), STALE
    assert (DOCS / "sources.yml").read_text() == dbt_sources(), STALE


def test_the_sources_are_the_promised_columns_of_the_database(database: Database) -> None:
    there = inspect(database.engine)
    names = [*there.get_table_names(database.schema), *there.get_view_names(database.schema)]
    columns = {name: [column["name"] for column in there.get_columns(name, database.schema)] for name in names}
    for name in (*INTERNAL_TABLES, VERSION_TABLE):
        columns.pop(name)
    for table, name in INTERNAL_COLUMNS:
        columns[table].remove(name)
    (source,) = yaml.safe_load(dbt_sources())["sources"]
    promised = {table["name"]: [column["name"] for column in table["columns"]] for table in source["tables"]}
    assert {name: sorted(found) for name, found in promised.items()} == {
        name: sorted(found) for name, found in columns.items()
    }
    assert all(column["description"] for table in source["tables"] for column in table["columns"])


def test_the_dictionary_names_every_table_view_column_and_version() -> None:
    lines = markdown().splitlines()
    for table in (*metadata.tables.values(), *views.tables.values()):
        described = lines[lines.index(f"### {table.name}") :]
        rows = [line.split(" | ")[0] for line in described if line.startswith("| ")]
        assert rows[2 : 2 + len(table.columns)] == [f"| {column.name}" for column in table.columns]
    versions = lines[lines.index("## Versions of the schema") :]
    assert [line[2:6] for line in versions if line.startswith("| 0")] == list(reversed(REVISIONS))
