"""One post to a webhook: to which addresses, how much of the answer is read, and for how long."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from receiver import Receiver, Reply, VirtualClock, to
from trickling import PARTS, trickling
from waiting import HANGS

from core.deliver import post

NOW = datetime(2024, 7, 28, 12, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    found = VirtualClock(NOW)
    found.of_receivers(monkeypatch)
    return found


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[::1]:9/", "http://localhost:9/", "http://10.0.0.1/"])
def test_private_addresses_need_permission(url: str) -> None:
    subscriber = to(url, allow_private=False)
    answer = post.post(subscriber, "id", "{}", NOW)
    assert answer.status is None
    assert "is a private address: it needs allow_private = true" in answer.error


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that resolves to a public address first, and to loopback when it is asked again."""
    port = int(receiver.url.split(":")[2].split("/")[0])
    resolved: list[str] = []
    connected: list[Any] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        resolved.append(host)
        address = "93.184.215.14" if len(resolved) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def create_connection(address: Any, _timeout: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    answer = post.post(to(f"http://rebound.example:{port}/", allow_private=False), "id", "{}", NOW)
    assert (resolved, connected) == (["rebound.example"], [("93.184.215.14", port)])
    assert answer.error == "Connection refused"


def test_an_answer_is_read_to_64_kb(receiver: Receiver, clock: VirtualClock) -> None:
    receiver.replies = [Reply(500, body=b"x" * 5_000_000)]
    answer = post.post(to(receiver), "id", "{}", clock.present())
    assert answer.status == 500
    assert len(answer.error) < 200


@pytest.mark.parametrize("part", PARTS[:-1])
def test_an_answer_that_trickles_ends_after_its_time(part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "SECONDS", 0.3)
    with trickling(part) as (url, ended):
        answer = post.post(to(url), "id", "{}", NOW)
        assert ended.wait(HANGS)
    assert (answer.status, answer.error) == (None, post.NO_ANSWER)


def test_https_is_verified(receiver: Receiver) -> None:
    answer = post.post(to(receiver.url.replace("http:", "https:")), "id", "{}", NOW)
    assert answer.status is None
    assert "SSL" in answer.error
