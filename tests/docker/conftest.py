"""Tests of the whole way in containers: `make test-docker`, and `make test-night` for the long ones.

`make test` leaves this folder out. It has no __init__.py: as a package it would hide the `docker` that Prefect imports.

    F1_IMAGE=name:tag   use that image instead of building one
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from stack import HANGS, Stack, docker

ROOT = Path(__file__).parents[2]
BUILT = "f1-flows:test"
STACKS: list[Stack] = []
"""Those that are up, for their logs when a test fails."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the tail of each container's log where a test fails."""
    report = yield
    if report.failed:
        report.sections += [("Containers", stack.log()) for stack in STACKS]
    return report


@pytest.fixture(scope="session")
def image() -> str:
    """The image: F1_IMAGE, or built here."""
    try:
        docker("info")
    except AssertionError:
        engine = ROOT.parent / "shared" / "docker" / "engine.sh"
        assert engine.exists(), "no Docker engine answers"
        subprocess.run([engine], check=True, timeout=HANGS)
    if given := os.environ.get("F1_IMAGE"):
        return given
    index = ("--build-arg", "PIP_INDEX_URL", "--build-arg", "PIP_EXTRA_INDEX_URL")
    docker("build", "--network", "host", *index, "--tag", BUILT, str(ROOT), merged=True)
    return BUILT


@pytest.fixture(scope="module")
def stack(image: str, request: pytest.FixtureRequest) -> Stack:
    """A stack that is up, with empty tables, for a file's tests; removed also where it fails to start."""
    made = Stack(image)
    STACKS.append(made)
    # A generator would remove what failed to start before its log is shown.
    request.addfinalizer(lambda: STACKS.remove(made))
    request.addfinalizer(made.remove)  # noqa: PT021
    made.start()
    return made
