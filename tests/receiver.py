"""A webhook's receiver on loopback, which checks signatures and answers as a test tells it to."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import standardwebhooks.webhooks as specification
from standardwebhooks import Webhook
from waiting import HANGS

from core.deliver.subscribers import Subscriber

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


class VirtualClock:
    """A clock that stands still until somebody waits."""

    def __init__(self, began: datetime) -> None:
        self.moment = began
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def present(self) -> datetime:
        return self.moment

    def wait(self, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)
            self.moment += timedelta(seconds=seconds)

    def of_receivers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the specification's library, which refuses old messages, live by this clock."""
        clock = self

        class Datetime(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return clock.moment.astimezone(tz or UTC)

        monkeypatch.setattr(specification, "datetime", Datetime)


@dataclass
class Reply:
    """What the receiver does with a request: the status it answers, or a fault in place of an answer."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: str = ""
    """reset: the connection is reset; half: it ends in the middle of the answer; silence: no answer."""


@dataclass
class Receiver:
    """What was received, in order, whether or not it was answered with success."""

    url: str = ""
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Each request's webhook-id and verified body."""

    replies: list[Reply] = field(default_factory=list)
    """The replies to the next requests; after them every request is answered with 204."""

    on_request: Callable[[], None] = lambda: None
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[int]:
        """The ids of the changes received, in order, repetitions included."""
        return [change["id"] for _, body in self.messages for change in body["data"].get("changes", [])]


@contextmanager
def receiving(secret: str = SECRET) -> Iterator[Receiver]:
    """A receiver that is there."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["content-length"]))
            body = Webhook(secret).verify(sent, dict(self.headers.items()))
            receiver.messages.append((self.headers["webhook-id"], body))
            receiver.on_request()
            reply = receiver.replies.pop(0) if receiver.replies else Reply()
            if reply.fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            if reply.fault == "silence":
                receiver.released.wait(HANGS)
                return
            if reply.fault == "half":
                self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nrecei")
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None: ...

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                self.close_connection = True

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook?of=f1"
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join(HANGS)


def webhooks_file(*receivers: tuple[str, str], more: str = "") -> str:
    """The text of a file of webhooks: names and URLs, which are on loopback."""
    return "\n".join(
        f'[[webhooks]]\nname = "{name}"\nurl = "{url}"\nsecret = "{SECRET}"\nallow_private = true\n{more}'
        for name, url in receivers
    )


def to(receiver: Receiver | str, name: str = "scores", **more: Any) -> Subscriber:
    """A subscriber that may be on loopback."""
    url = receiver if isinstance(receiver, str) else receiver.url
    given = {"name": name, "url": url, "secret": SECRET, "allow_private": True} | more
    return Subscriber.model_validate(given)
