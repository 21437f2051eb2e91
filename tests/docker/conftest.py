"""Tests of a whole deployment in containers: `make test-docker`, and `make test-night` for the long ones.

`make test` leaves this folder out. It has no __init__.py: as a package it would hide the `docker` that Prefect imports.

    F1_IMAGE=name:tag   use that image instead of building one
"""

from __future__ import annotations

from collections.abc import Generator

import image as images
import pytest
from stack import Stack

STACKS: list[Stack] = []
"""The stacks that are up, whose logs are shown when a test fails."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the tail of each container's log where a test fails."""
    report = yield
    if report.failed:
        report.sections += [("Containers", stack.log()) for stack in STACKS]
    return report


@pytest.fixture(scope="session")
def image() -> str:
    """The image; after `make test-docker` has built it, this takes a moment."""
    return images.image()


@pytest.fixture(scope="module")
def stack(image: str, request: pytest.FixtureRequest) -> Stack:
    """A running stack with empty tables for the tests of a file; it is also removed if it fails to start."""
    made = Stack(image)
    STACKS.append(made)
    # A generator would remove what failed to start before its log is shown.
    request.addfinalizer(lambda: STACKS.remove(made))
    request.addfinalizer(made.remove)  # noqa: PT021
    made.start()
    return made
