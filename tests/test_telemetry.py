"""Prefect's telemetry is off: a first run on a terminal looks up no host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect._internal.analytics.ci_detection import CI_ENV_VARS
from terminal import Terminal
from waiting import HANGS

HOOK = """\
import socket
known = socket.getaddrinfo
def looked_up(host, *arguments, **options):
    with open({log!r}, "a") as log:
        print(host, file=log)
    if host not in ("127.0.0.1", "localhost"):
        raise socket.gaierror("not here")
    return known(host, *arguments, **options)
socket.getaddrinfo = looked_up
"""
"""A `sitecustomize` that records every look-up and lets none leave the machine."""


def first_run(folder: Path) -> dict[str, str]:
    """The environment of a first run in a folder, which records the hosts that it looks up."""
    site = folder / "site"
    site.mkdir()
    log = folder / "hosts"
    log.touch()
    (site / "sitecustomize.py").write_text(HOOK.format(log=str(log)))
    dropped = {*CI_ENV_VARS, "DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    path = f"{site}{os.pathsep}{Path(__file__).parents[1]}"
    return kept | {"HOME": str(folder), "PREFECT_HOME": str(folder / "prefect"), "PYTHONPATH": path}


def hosts(folder: Path) -> set[str]:
    """The hosts that it looked up, without those on loopback."""
    return set((folder / "hosts").read_text().split()) - {"127.0.0.1", "localhost"}


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
