"""Tests of the whole way in containers: `make test-docker`, and `make test-night` for the long ones.

`make test` leaves this folder out. It has no __init__.py: as a package it would hide the `docker` that Prefect imports.

    F1_IMAGE=name:tag   use that image instead of building one
"""

from __future__ import annotations

from collections.abc import Generator

import image as images
import pytest
from stack import Stack

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
    """The image, which `make test-docker` has built before: then this takes a moment."""
    return images.image()


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
