"""The README says what is so: its commands, settings, tables and kinds exist, and its listener works."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from conftest import HANGS
from sqlalchemy import text

from core.database import Database
from core.migrations import VERSION_TABLE
from core.records import Change, ChangeKind, Entity
from core.schema import metadata
from core.settings import Settings
from core.upsert.rows import write_changes

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
NOW = datetime(2024, 7, 28, tzinfo=UTC)


def section(title: str) -> str:
    """The text under a heading."""
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def code(language: str) -> str:
    """The block of code in a language; there is one."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(found)


def test_every_command_is_there() -> None:
    for module in set(re.findall(r"python -m ([\w.]+)", README)):
        assert find_spec(module) is not None, module
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)|^    make ([a-z-]+)", README, re.MULTILINE)) <= {
        pair for target in targets for pair in ((target, ""), ("", target))
    }
    for path in re.findall(r"`((?:deploy|docs|tests|core)/[\w./]+)`|\]\((docs/[\w.]+)\)", README):
        assert (ROOT / "".join(path)).exists(), path


def test_the_settings_are_those_there_are() -> None:
    rows = re.findall(r"^\| (`[A-Z0-9_`, ]+`) \| (.*?) ?\|", section("Settings"), re.MULTILINE)
    told = {name.strip("` "): default.strip("`") for names, default in rows for name in names.split(",")}
    assert set(told) == {name.upper() for name in Settings.model_fields}
    for name, default in told.items():
        field = Settings.model_fields[name.lower()].get_default()
        shown = field.get_secret_value() if hasattr(field, "get_secret_value") else field
        assert default == {None: "", True: "true"}.get(shown, str(shown)), name


def test_the_tables_and_kinds_are_those_there_are(postgresql: Database) -> None:
    postgresql.ensure_schema()
    there = "SELECT table_name FROM information_schema.tables WHERE table_schema = :schema"
    with postgresql.reading() as connection:
        tables = set(connection.scalars(text(there), {"schema": postgresql.schema})) - {VERSION_TABLE}
    told = section("What is in the database")
    names = re.findall(r"^\| (`[a-z_`, ]+`) \|", told, re.MULTILINE)
    assert {name.strip("` ") for row in names for name in row.split(",")} == tables
    assert set(metadata.tables) <= tables
    kinds = told.split("Kinds of change")[1]
    assert {kind.value for kind in ChangeKind} <= set(re.findall(r"`([a-z_]+)`", kinds))


def test_the_flows_run_at_the_times_of_the_table() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?)[,|]", section("Three ways up"), re.MULTILINE))
    crons = {"hourly at :07": "7 * * * *", "every 5 minutes": "*/5 * * * *"}
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {name: crons[when.strip()] for name, when in rows.items()} == {
        one["entrypoint"].partition(":")[2].replace("_", "-"): one["schedules"][0]["cron"] for one in deployed
    }


def test_the_queries_run(postgresql: Database) -> None:
    postgresql.ensure_schema()
    asked = code("sql").replace("f1.", f"{postgresql.schema}.").split(";")
    with postgresql.reading() as connection:
        assert [connection.execute(text(query)).all() for query in asked if query.strip()] == [[], [], []]


class Enough(Exception):
    """Ends the listener, which would go on for good."""


def test_the_listener_misses_nothing_before_the_tables_or_over_a_lost_connection(postgresql: Database) -> None:
    listener: dict[str, Any] = {"__name__": "follow"}
    exec(code("python").replace("f1.changes", f"{postgresql.schema}.changes"), listener)
    seen: list[str] = []
    waits, ready, first, all_seen = (threading.Event() for _ in range(4))

    def sleep(_seconds: float) -> None:
        waits.set()
        ready.wait(60)

    listener["time"] = SimpleNamespace(sleep=sleep)

    def handle(row: tuple[Any, ...]) -> None:
        seen.append(row[2])
        first.set()
        if len(seen) == 4:
            raise Enough

    def follow() -> None:
        dsn = postgresql.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with pytest.raises(Enough):
            listener["follow"](dsn, 0, handle)
        all_seen.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert waits.wait(60)
    postgresql.ensure_schema()
    ready.set()
    for event in ("a", "b"):
        write(postgresql, event)
    assert first.wait(HANGS)
    gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE :of AND pid <> pg_backend_pid()"
    with postgresql.engine.connect() as connection:
        assert list(connection.scalars(text(gone), {"of": f"%{postgresql.schema}.changes%"})) == [True]
    for event in ("c", "d"):
        write(postgresql, event)
    assert all_seen.wait(HANGS)
    thread.join(HANGS)
    assert seen == ["a", "b", "c", "d"]


def write(database: Database, event: str) -> None:
    """Commit a change."""
    change = Change(entity=Entity.EVENT, entity_id=event, kind=ChangeKind.ADDED, before=None, after={})
    with database.writing() as connection:
        write_changes(connection, [change], NOW, None)
