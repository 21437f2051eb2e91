"""Serves the upstream over HTTP on loopback, with the standard library's server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from core.replay.upstream import Upstream

LOOPBACK = "127.0.0.1"


class Handler(BaseHTTPRequestHandler):
    """One request a connection (HTTP/1.0), so that no idle connection outlives the server."""

    server: "Server"
    timeout = 10

    def do_GET(self) -> None:
        """Answer from the upstream; a fault's delay ends early when the server closes."""
        answer = self.server.upstream.answer(self.path)
        if answer.delay_seconds:
            self.server.closing.wait(answer.delay_seconds)
        try:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        except ConnectionError:  # the client gave up waiting
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the upstream records its requests."""


class Server(ThreadingHTTPServer):
    """A threading server that waits for its threads when it closes."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, upstream: Upstream, bind: str, port: int) -> None:
        self.upstream = upstream
        self.closing = threading.Event()
        super().__init__((bind, port), Handler)

    @property
    def url(self) -> str:
        """Its URL on this machine."""
        host, port = self.server_address[:2]
        return f"http://{LOOPBACK if host == '0.0.0.0' else host!s}:{port}"

    def server_close(self) -> None:
        """End delays, wait for current requests, close the socket."""
        self.closing.set()
        super().server_close()


@contextmanager
def serve(upstream: Upstream, port: int = 0, bind: str = LOOPBACK) -> Iterator[str]:
    """Serve the upstream inside the context and give its URL; port 0 picks a free one."""
    server = Server(upstream, bind, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="replay", daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
