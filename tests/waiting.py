"""Waiting in tests: with a timeout, and until something is so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

HANGS = 300.0
"""The timeout of everything that could hang, in seconds: many times what it takes, even on a slow machine."""


def wait_for(question: Callable[[], bool], what: str) -> None:
    """Ask until the answer is yes, with pauses: without them asking would take the processor from what is awaited."""
    deadline = time.monotonic() + HANGS
    while not question():
        assert time.monotonic() < deadline, f"not in time: {what}"
        threading.Event().wait(0.1)
