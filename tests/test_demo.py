"""The demo on a terminal: it fits, its last commands work, and it reaches no host."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from lookups import first_run, hosts
from terminal import Terminal
from waiting import HANGS

from core.settings import Settings
from flows import __main__ as commands


def shown_on(columns: int, folder: Path) -> str:
    """The output of a first demo on a terminal with this number of columns."""
    terminal = Terminal(columns)
    own = {*(name.upper() for name in Settings.model_fields), "COLUMNS"}
    kept = {name: value for name, value in first_run(folder).items() if name not in own}
    done = subprocess.run(
        [sys.executable, "-m", "flows.demo"],
        stdout=terminal.writer,
        stderr=subprocess.PIPE,
        env=kept | {"TERM": "xterm"},
        cwd=folder,
        timeout=HANGS,
    )
    shown = terminal.text().replace("\r\n", "\n")
    assert (done.returncode, done.stderr) == (0, b"")
    return shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def shown(folder: Path) -> str:
    """The demo's output on 80 columns."""
    return shown_on(80, folder)


def fits(shown: str, columns: int) -> None:
    lines = shown.splitlines()
    assert len(lines) < 90
    assert "…" not in shown
    assert [line for line in lines[:-1] if len(line.rstrip()) > columns] == []
    for printed in (
        "TSU  I━━━━━━━━━━━━━━━━━━━━━━━━━━W━━━━I━",
        "rain ~~~",
        "21 São Paulo Grand Prix",
        "Sun 03 Nov 12:30",
        "live",
        "1 Hamilton, 2 Piastri, 3 Leclerc",
    ):
        assert printed in shown


def test_it_fits_its_terminal(shown: str) -> None:
    fits(shown, 80)


@pytest.mark.night
def test_it_fits_a_wide_terminal(tmp_path: Path) -> None:
    fits(shown_on(120, tmp_path), 120)


def test_it_looks_up_no_host(shown: str, folder: Path) -> None:
    assert "São Paulo" in shown
    assert hosts(folder) == set()


def test_it_ends_with_commands_to_try(
    shown: str, folder: Path, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    export, now, then, page, query = shown.splitlines()[-5:]
    environment.chdir(folder)
    environment.setenv("DATABASE_URL", export.partition("=")[2])
    for command, wanted in (
        (now, r" 1 +44 Lewis Hamilton"),
        (then, r" 1 +63 George Russell"),
        (page, r"^report\.html: 2024, 24 events, "),
    ):
        python, *arguments = command.split()
        assert (python, arguments[:2]) == ("python", ["-m", "flows"])
        assert commands.main(arguments[2:]) == 0
        assert re.search(wanted, capsys.readouterr().out)
    assert "Russell 1 → DSQ" in Path("report.html").read_text("utf-8")
    with closing(sqlite3.connect(query.split()[1])) as connection:
        assert len(connection.execute(query.split('"')[1]).fetchall()) == 15
