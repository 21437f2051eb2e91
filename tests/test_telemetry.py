"""Prefect's telemetry is off: a first run on a terminal looks up no host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lookups import first_run, hosts
from terminal import Terminal
from waiting import HANGS


def looked_up(folder: Path, environment: dict[str, str], *arguments: str) -> set[str]:
    """The hosts that a first run on a terminal looks up."""
    terminal = Terminal(80)
    done = subprocess.run(
        [sys.executable, *arguments],
        env=first_run(folder) | environment,
        stdout=terminal.writer,
        stderr=terminal.writer,
        cwd=folder,
        timeout=HANGS,
    )
    assert done.returncode == 0, terminal.text()
    return hosts(folder)


def test_deploying_looks_up_no_host(tmp_path: Path) -> None:
    assert looked_up(tmp_path, {}, "-c", "import deploy.setup") == set()


def test_the_environment_may_turn_telemetry_on(tmp_path: Path) -> None:
    """This also shows that the test above, and the demo's, can fail."""
    found = looked_up(
        tmp_path, {"DO_NOT_TRACK": "0", "PREFECT_SERVER_ANALYTICS_ENABLED": "true"}, "-m", "flows.serve", "--help"
    )
    assert any("amplitude" in host for host in found), found


@pytest.mark.parametrize("file", ["Makefile", "Dockerfile", "compose.yaml"])
def test_telemetry_is_off_wherever_prefect_is_started(file: str) -> None:
    written = (Path(__file__).parents[1] / file).read_text()
    for name in ("DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED"):
        assert name in written
