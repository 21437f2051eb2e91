"""One signed request to a receiver: within ten seconds, to an allowed address, without redirects."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import closing, suppress
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from time import monotonic
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from core.cutoff import Cutoff
from core.deliver.subscribers import Subscriber
from core.errors import F1FlowsError
from core.rules.deliveries.addresses import is_public
from core.rules.deliveries.schedule import Answer

SECONDS = 10.0
"""From resolving the name to the answer's last byte."""

NO_ANSWER = f"no whole answer within {SECONDS:.0f} s"
READ_AT_MOST = 64 * 1024
SHOWN_OF_BODY = 120
PORTS = {"http": 80, "https": 443}

Address = tuple[str, int]


class NotSent(F1FlowsError):
    """No answer came, or the address is not allowed."""


def post(subscriber: Subscriber, message_id: str, body: str, now: datetime) -> Answer:
    """Send a message, signed as Standard Webhooks requires, and return the receiver's answer."""
    signature = Webhook(subscriber.secret.get_secret_value()).sign(message_id, now, body)
    headers = {
        "content-type": "application/json",
        "user-agent": "f1-flows",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
        "connection": "close",
    }
    try:
        return _exchange(subscriber, body.encode(), headers, monotonic() + SECONDS)
    except NotSent as error:
        return Answer(None, str(error))


def _exchange(subscriber: Subscriber, body: bytes, headers: dict[str, str], ends: float) -> Answer:
    """Send the request and read the answer.

    Raises:
        NotSent: no complete HTTP answer came in time.
    """
    parts = urlsplit(subscriber.url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    try:
        with (
            closing(_connect(host, port, subscriber.allow_private, ends)) as plain,
            Cutoff(ends - monotonic()) as cutoff,
        ):
            plain.settimeout(None)
            cutoff.add(plain)
            try:
                with closing(_secured(plain, host) if parts.scheme == "https" else plain) as connected:
                    connection = HTTPConnection(host, port)
                    connection.sock = connected
                    connection.request("POST", target, body, headers)
                    answer = _answer(connection.getresponse())
            except (OSError, HTTPException, ValueError) as error:
                raise NotSent(NO_ANSWER if cutoff.passed else _reason(error)) from error
            if cutoff.passed:
                raise NotSent(NO_ANSWER)
            return answer
    except OSError as error:
        raise NotSent(_reason(error)) from error


def _answer(response: HTTPResponse) -> Answer:
    text = response.read(READ_AT_MOST)
    if response.length and len(text) < READ_AT_MOST:
        raise IncompleteRead(text, response.length)
    if 200 <= response.status < 300:
        return Answer(response.status)
    if 300 <= response.status < 400:
        return Answer(response.status, f"{response.status}: redirects are not followed")
    said = text[: 4 * SHOWN_OF_BODY].decode("utf-8", "replace").strip()[:SHOWN_OF_BODY]
    error = " ".join(filter(None, (f"{response.status} {response.reason}".strip(), f"({said})" if said else "")))
    return Answer(response.status, error, response.getheader("retry-after"))


def _connect(host: str, port: int, allow_private: bool, ends: float) -> socket.socket:
    """Connect to the first address of a host that is allowed and answers.

    The checked address is the one connected to: the name is not resolved again.

    Raises:
        NotSent: it has no such address.
        OSError: none of them answers.
    """
    addresses = _resolve(host, port, ends)
    allowed = [address for address in addresses if allow_private or is_public(address[0])]
    if not allowed:
        where = addresses[0][0]
        raise NotSent(f"{where} is a private address: it needs allow_private = true in F1_WEBHOOKS_FILE")
    *others, last = allowed
    for address in others:
        with suppress(OSError):
            return socket.create_connection(address, max(ends - monotonic(), 0.001))
    return socket.create_connection(last, max(ends - monotonic(), 0.001))


def _resolve(host: str, port: int, ends: float) -> list[Address]:
    """A host's addresses, resolved in a thread because the system's resolver has no timeout.

    Raises:
        NotSent: the name is unknown, or not resolved in time.
    """
    found: list[Address] = []
    reasons: list[str] = []

    def resolve() -> None:
        try:
            listed = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reasons.append(_reason(error))
        else:
            found.extend((str(address[0]), port) for *_, address in listed)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(max(ends - monotonic(), 0))
    if not found:
        raise NotSent(f"{host}: {reasons[0] if reasons else 'the name was not resolved in time'}")
    return found


def _secured(connection: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(connection, server_hostname=host)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return NO_ANSWER
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
