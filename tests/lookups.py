"""The hosts that a program looks up on its first run on a terminal."""

from __future__ import annotations

import os
from pathlib import Path

from prefect._internal.analytics.ci_detection import CI_ENV_VARS

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
