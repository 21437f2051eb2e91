"""Flows as processes that are killed at a statement."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from waiting import HANGS

ROOT = Path(__file__).parents[1]

DEATHS = """
import importlib, json, os, signal, sys
from sqlalchemy import event
from core.database import connect
from core.settings import Settings
import core.fetch.results, core.fetch.schedule, core.fetch.timing
from core.fetch.fastf1_internals import lift_rate_limits

module, arguments, places = json.loads(sys.argv[1])
main = importlib.import_module(module).main
lift_rate_limits()

def die(needle, left):
    @event.listens_for(connect(Settings.load()).engine, "before_cursor_execute")
    def count(_connection, _cursor, statement, parameters, *_):
        nonlocal left
        left -= needle.lower() in f"{statement} {parameters}".lower()
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    os._exit(main(arguments))

deaths = []
for needle, nth in places:
    if (child := os.fork()) == 0:
        die(needle, nth)
    deaths.append(-os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(deaths), file=sys.stderr)
"""
"""Each run is a process, forked from one that has imported everything and done nothing yet."""


def deaths(module: str, arguments: Sequence[str], places: Sequence[tuple[str, int]]) -> list[int]:
    """Run a flow's command once for each place, and kill it there; returns the signals that the processes died of.

    Args:
        places: a part of a statement with its parameters, and before which such statement, from 1.
    """
    found = subprocess.run(
        [sys.executable, "-c", DEATHS, json.dumps([module, arguments, places])],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    died: list[int] = json.loads(found.stderr.splitlines()[-1])
    return died
