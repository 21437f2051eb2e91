"""Ends connections at a deadline, because a socket's own timeout applies to each read, and never to a trickle."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from types import TracebackType


class Cutoff:
    """A context that ends the connections added to it after some seconds, however slowly their bytes arrive."""

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []
        self._passed = False
        self._timer = threading.Timer(max(seconds, 0), self._end)
        self._timer.daemon = True

    def __enter__(self) -> Cutoff:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    @property
    def passed(self) -> bool:
        """Whether the time has passed, so that an answer may be cut short."""
        return self._passed

    def add(self, connection: socket.socket) -> None:
        """End a connection with the others; at once if the time has passed."""
        # A second handle, because wrapping a socket in TLS detaches the first one.
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._handles.append(handle)
            if self._passed:
                _end(handle)

    def _end(self) -> None:
        with self._lock:
            self._passed = True
            for handle in self._handles:
                _end(handle)


def _end(handle: socket.socket) -> None:
    with suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)
