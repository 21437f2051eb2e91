"""Which folders import what, read the clock or write to the database, by globs over all modules."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_MODULE = 400

TABLE = (ROOT / "docs/architecture.md").read_text("utf-8").partition("## The rules")[0]
ROWS = {
    tuple(re.findall(r"`(.*?)`", modules)): set(re.findall(r"\w+", re.sub(r"`.*?`", "", imports)))
    for modules, imports in re.findall(r"^\| (`.*?) \| .* \| (.*) \|$", TABLE, re.MULTILINE)
}
"""The words of what modules may import, by the modules' files and folders, as the documented table has them."""

VOCABULARY = {
    "core.bounds",
    "core.documents",
    "core.errors",
    "core.kinds",
    "core.records",
    "core.retry_after",
    "core.text",
    "core.timing_records",
}
PURE = {
    "core.rules": VOCABULARY,
    "core.transform": VOCABULARY,
    "core.kinds": set(),
    "core.records": {"core.bounds", "core.kinds"},
    "core.timing_records": {"core.bounds", "core.kinds", "core.records"},
}
"""Folders without I/O or clock, and the other folders that they may import."""

IMPURE = {"io", "os", "pathlib", "random", "shutil", "socket", "sqlite3", "subprocess", "threading", "time", "urllib"}
OURS = {"core", "flows"}
OF_FETCH = {"fastf1", "requests", "requests_cache", "urllib3", "pandas", "numpy"}
WRITING = {"insert", "update", "delete"}
WRITING_SQL = re.compile(r"\b(INSERT INTO|UPDATE \S+ SET|DELETE FROM)\b")
WRITERS = ("core/upsert/", "core/migrations/")
INHERITED = {"close_connection"}
"""Fields that a class of the standard library declares."""

QUESTIONS = re.compile(r"_?(are|can|has|have|is|may|must|should|was|were)_|(?!.*_or_).*(believes|touches|matches)")
COMMANDS = re.compile(r"_?(advance|cancel|confirm|mark|pass|try|update)(_\w+)?")
"""Functions that return whether they did what they are named for; all others that return a bool are questions."""

CHANGING = re.compile(
    r"confirm_or_hold\w*|hold_\w+|forget|put_\w+|append|note_\w+|flock|writing|write_\w+|unlink|mkdir"
)
"""Calls that change something."""


def paths(*folders: str) -> list[Path]:
    return [path.relative_to(ROOT) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


CORE, FLOWS, TESTS = paths("core"), paths("flows"), paths("tests")
CONFTEST = Path("tests/conftest.py")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def name_of(path: Path) -> str:
    """The module's dotted name."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in CORE + FLOWS}


def folder_of(module: str) -> str:
    """The folder, or module, directly under core or flows that a module is in."""
    return ".".join(module.split(".")[:2])


@cache
def imported(path: Path) -> frozenset[str]:
    """The modules that a module imports anywhere in its code; for a name of ours, the module that defines it."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return frozenset(found)


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def cycle_in(edges: Iterable[tuple[str, str]]) -> list[str]:
    """A cycle of a graph, empty if there is none."""
    graph: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in edges:
        graph[one] |= {other} - {one}
    try:
        TopologicalSorter(graph).prepare()
    except ValueError as error:
        return list(error.args[1])
    return []


def each(*folders: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths(*folders), ids=str)


def row_of(path: Path) -> str:
    """The file or folder of the documented table that is nearest to a module."""
    return max((one for row in ROWS for one in row if path.match(one) or Path(one) in path.parents), key=len)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_the_documented_table_names_just_the_packages_that_are_imported(row: tuple[str, ...]) -> None:
    found = {name for path in CORE + FLOWS if row_of(path) in row for name in packages(path)}
    assert found - sys.stdlib_module_names - OURS == ROWS[row] & packages_distributions().keys() - OURS


@each("core")
def test_core_imports_neither_prefect_nor_flows(path: Path) -> None:
    assert not packages(path) & {"prefect", "flows"}


@each("core")
def test_only_fetch_imports_fastf1_and_what_comes_with_it(path: Path) -> None:
    assert "fetch" in path.parts or not packages(path) & OF_FETCH


@each("core/replay")
def test_the_replayed_upstream_needs_the_standard_library_only(path: Path) -> None:
    assert packages(path) - sys.stdlib_module_names <= {"core"}


@pytest.mark.parametrize("path", [path for path in CORE if folder_of(name_of(path)) in PURE], ids=str)
def test_pure_folders_do_no_io_and_never_read_the_clock(path: Path) -> None:
    assert packages(path) - sys.stdlib_module_names <= {"core", "pydantic"}
    assert not packages(path) & IMPURE
    assert not re.search(r"\.(now|today|utcnow)\(|\bopen\(", (ROOT / path).read_text("utf-8"))
    folder = folder_of(name_of(path))
    assert {folder_of(module) for module in imported(path) if module in MODULES} <= PURE[folder] | {folder}


def test_the_rules_of_the_calendar_know_nothing_of_results() -> None:
    for path in paths("core/rules/calendar"):
        assert not [module for module in imported(path) if module.startswith("core.rules.results")], path


def test_one_module_of_the_flows_reads_the_clock() -> None:
    """So that a test in containers can replace the clock with one file."""
    assert [path.name for path in FLOWS if ".now(" in (ROOT / path).read_text("utf-8")] == ["clock.py"]


@pytest.mark.parametrize("path", [path for path in CORE + FLOWS if not str(path).startswith(WRITERS)], ids=str)
def test_only_upsert_writes_to_the_database(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sqlalchemy":
            assert not {alias.name for alias in node.names} & WRITING
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not WRITING_SQL.search(node.value)


def test_folders_do_not_import_each_other_in_a_cycle() -> None:
    edges = [(folder_of(name), folder_of(other)) for name, path in MODULES.items() for other in imported(path)]
    assert cycle_in(edge for edge in edges if edge[1].startswith(("core.", "flows."))) == []


def test_modules_do_not_import_each_other_in_a_cycle() -> None:
    edges = [(name, other) for name, path in MODULES.items() for other in imported(path)]
    assert cycle_in(edge for edge in edges if edge[1] in MODULES) == []


@each("core", "flows", "deploy", "benchmarks", "tests")
def test_no_module_is_too_long_to_read(path: Path) -> None:
    assert len((ROOT / path).read_text("utf-8").splitlines()) <= LONGEST_MODULE


def assigned(node: ast.AST) -> Iterator[str]:
    """The names of the attributes of `self` that are assigned anywhere in a node."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store) and ast.unparse(inner.value) == "self":
            yield inner.attr


@each("core", "flows")
def test_fields_are_declared_in_their_class_or_in_init(path: Path) -> None:
    for kind in ast.walk(tree(path)):
        if not isinstance(kind, ast.ClassDef):
            continue
        declared = {ast.unparse(node.target) for node in kind.body if isinstance(node, ast.AnnAssign)} | INHERITED
        methods = [node for node in kind.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        declared |= {name for method in methods if method.name == "__init__" for name in assigned(method)}
        assert {name for method in methods for name in assigned(method)} <= declared, kind.name


def is_question(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    answers = function.returns is not None and ast.unparse(function.returns) == "bool"
    return bool(QUESTIONS.match(function.name)) or (answers and not COMMANDS.fullmatch(function.name))


@each("core", "flows")
def test_questions_hold_and_change_nothing(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_question(node):
            calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
            names = [getattr(func, "attr", None) or getattr(func, "id", "") for func in calls]
            assert not [name for name in names if CHANGING.fullmatch(name)], node.name
            inner = list(ast.walk(node))
            assert not [one for one in inner if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store)], (
                node.name
            )
            assert not [one for one in inner if isinstance(one, ast.Global | ast.Nonlocal)], node.name


@pytest.mark.parametrize("path", TESTS, ids=str)
def test_no_test_module_imports_another(path: Path) -> None:
    """What they share is in a module of its own."""
    assert not [module for module in imported(path) if module.startswith("test_")]


def full_names(path: Path) -> dict[str, str]:
    """The dotted names of what a module imports, by its names for them."""
    found = {}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def patches(node: ast.AST, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is patched anywhere in a node: the attribute, and whose it is, as a dotted name."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or getattr(call.func, "attr", "") not in ("setattr", "delattr"):
            continue
        target, *rest = call.args
        if isinstance(target, ast.Constant):
            owner, _, name = str(target.value).rpartition(".")
        else:
            first, dot, others = ast.unparse(target).partition(".")
            owner, name = known.get(first, first) + dot + others, ast.unparse(rest[0]).strip("'")
        yield name, owner


def is_fixture(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in function.decorator_list)


@pytest.mark.parametrize("path", TESTS, ids=str)
def test_no_test_patches_one_name_in_two_modules(path: Path) -> None:
    """Not in a test, a method or a fixture that it uses, by whatever spelling of the patched name."""
    used = {node.arg for node in ast.walk(tree(path)) if isinstance(node, ast.arg)}
    used |= {node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant)}  # usefixtures
    patched = set(patches(tree(path), full_names(path)))
    for fixture in ast.walk(tree(CONFTEST)):
        if isinstance(fixture, ast.FunctionDef) and is_fixture(fixture) and fixture.name in used:
            patched |= set(patches(fixture, full_names(CONFTEST)))
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for name, owner in patched:
        owners[name].add(owner)
    assert {name: found for name, found in owners.items() if len(found) > 1} == {}
