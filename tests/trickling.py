"""A server whose answer never ends: after its first part come single bytes, faster than any read times out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from waiting import HANGS

PARTS = [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
"""The beginnings: nothing, a status, and all headers with and without a length."""

BYTES = 1000


@contextmanager
def trickling(part: bytes) -> Iterator[tuple[str, threading.Event]]:
    """The server's URL, and an event that is set once the client has ended the connection."""
    ended = threading.Event()
    stopped = threading.Event()

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(part)
            for _ in range(BYTES):
                if stopped.wait(0.02):
                    return
                try:
                    connection.sendall(b"x")
                except OSError:
                    ended.set()
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", ended
        finally:
            stopped.set()
            thread.join(HANGS)
