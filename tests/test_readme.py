"""The README and docs/ are true: commands, paths, links, settings, tables, kinds, schedules, code."""

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
from sqlalchemy import text
from waiting import HANGS

from core.database import Database
from core.kinds import ChangeKind, Entity
from core.migrations import VERSION_TABLE
from core.records import Change
from core.schema import metadata
from core.settings import Settings
from core.upsert.rows import write_changes

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PATH = re.compile(r"(?:core|flows|deploy|docs|tests|benchmarks)/[\w./-]+|[\w-]+\.(?:yaml|md|toml)|Makefile|Dockerfile")
NOW = datetime(2024, 7, 28, tzinfo=UTC)


def section(title: str) -> str:
    """The text under a heading."""
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def code(language: str) -> str:
    """The only block of code in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(found)


def wrapped(document: Path) -> str:
    """A document's text, with code that is wrapped joined to one line."""
    return re.sub(r"(?<=\S)\n(?=\S)", " ", document.read_text())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_path_and_link_exists(document: Path) -> None:
    text = wrapped(document)
    for module in set(re.findall(r"python -m ([\w.]+)", text)) - {"pytest"}:
        if not module.endswith("."):  # flows.<name>
            assert find_spec(module) is not None, module
    assert set(re.findall(r"(?:`|    )make ([a-z-]+)", document.read_text())) <= TARGETS
    for code in re.findall(r"`([^`\n]+)`", text):
        for path in code.split():
            if PATH.fullmatch(path):
                assert (ROOT / path).exists(), path
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if not link.startswith("https://"):
            assert (document.parent / link).exists(), link


def test_every_document_is_linked_and_the_readme_is_short() -> None:
    assert {path.name for path in DOCUMENTS[1:]} <= set(re.findall(r"\]\(docs/([\w.]+)\)", README))
    assert len(README.splitlines()) < 200


def test_the_targets_of_make_are_phony_and_listed() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)", makefile, re.MULTILINE)
    assert set(phony.split()) == set(re.findall(r"^([a-z-]+):.* ## ", makefile, re.MULTILINE)) == TARGETS


def test_the_settings_are_complete() -> None:
    rows = re.findall(r"^\| (`[A-Z0-9_`, ]+`) \| (.*?) ?\|", section("Settings"), re.MULTILINE)
    documented = {name.strip("` "): default.strip("`") for names, default in rows for name in names.split(",")}
    assert set(documented) == {name.upper() for name in Settings.model_fields}
    for name, default in documented.items():
        field = Settings.model_fields[name.lower()].get_default()
        shown = field.get_secret_value() if hasattr(field, "get_secret_value") else field
        assert default == {None: "", True: "true"}.get(shown, str(shown)), name


def test_the_tables_and_kinds_of_change_are_complete(postgresql: Database) -> None:
    there = "SELECT table_name FROM information_schema.tables WHERE table_schema = :schema"
    with postgresql.reading() as connection:
        tables = set(connection.scalars(text(there), {"schema": postgresql.schema})) - {VERSION_TABLE}
    documented = section("Reading the data")
    names = re.findall(r"^\| (`[a-z_`, ]+`) \|", documented, re.MULTILINE)
    assert {name.strip("` ") for row in names for name in row.split(",")} == tables
    assert set(metadata.tables) <= tables
    kinds = documented.split("Kinds of change")[1]
    assert {kind.value for kind in ChangeKind} <= set(re.findall(r"`([a-z_]+)`", kinds))


def test_the_flows_run_at_the_times_of_the_table() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?)[,|]", section("The flows"), re.MULTILINE))
    crons = {
        "hourly at :07": ["7 * * * *"],
        "every 5 minutes": ["*/5 * * * *"],
        "every 15 minutes": ["*/15 * * * *"],
        "by hand": [],
    }
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {name: crons[when.strip()] for name, when in rows.items()} == {
        one["entrypoint"].partition(":")[2].replace("_", "-"): [each["cron"] for each in one["schedules"]]
        for one in deployed
    }


def test_the_queries_run(postgresql: Database) -> None:
    asked = code("sql").replace("f1.", f"{postgresql.schema}.").split(";")
    with postgresql.reading() as connection:
        assert [connection.execute(text(query)).all() for query in asked if query.strip()] == [[], [], [], []]


class Enough(Exception):
    """Ends the listener, which would otherwise run forever."""


def test_the_listener_misses_nothing_before_the_tables_or_over_a_lost_connection(new_postgresql: Database) -> None:
    listener: dict[str, Any] = {"__name__": "follow"}
    exec(code("python").replace("f1.changes", f"{new_postgresql.schema}.changes"), listener)
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
        dsn = new_postgresql.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with pytest.raises(Enough):
            listener["follow"](dsn, 0, handle)
        all_seen.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert waits.wait(60)
    new_postgresql.ensure_schema()
    ready.set()
    for event in ("a", "b"):
        write(new_postgresql, event)
    assert first.wait(HANGS)
    gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE :of AND pid <> pg_backend_pid()"
    with new_postgresql.engine.connect() as connection:
        assert list(connection.scalars(text(gone), {"of": f"%{new_postgresql.schema}.changes%"})) == [True]
    for event in ("c", "d"):
        write(new_postgresql, event)
    assert all_seen.wait(HANGS)
    thread.join(HANGS)
    assert seen == ["a", "b", "c", "d"]


def write(database: Database, event: str) -> None:
    """Commit a change."""
    change = Change(entity=Entity.EVENT, entity_id=event, kind=ChangeKind.ADDED, before=None, after={})
    with database.writing() as connection:
        write_changes(connection, [change], NOW, None)
