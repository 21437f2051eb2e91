"""The command line within a test's process: exit statuses, and errors of one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows import sync_schedule


def sync(*arguments: str) -> int:
    """The exit status of `python -m flows.sync_schedule`, within this process."""
    try:
        return sync_schedule.main(list(arguments))
    except SystemExit as ended:
        return int(str(ended.code))


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Assert that standard error is one line, starting with `error:`, and return it."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0]


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder read-only for this process, which takes another user id meanwhile if it is root."""
    paths = [*folder.iterdir(), folder]
    for path in paths:
        path.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path in paths:
            path.chmod(0o755)
