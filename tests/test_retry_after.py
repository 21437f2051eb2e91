"""Retry-After, as sources and receivers send it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core.retry_after import retry_after

NOW = datetime(2024, 7, 28, 12, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process in another time zone than UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("header", "waits"),
    [
        ("1800", HALF_AN_HOUR),
        (" 0 ", timedelta(0)),
        ("9" * 5000, timedelta(days=1)),
        ("Sun, 28 Jul 2024 12:30:00 GMT", HALF_AN_HOUR),
        ("Sun, 28 Jul 2024 11:30:00 GMT", timedelta(0)),
        ("Sun, 28 Jul 2024 21:30:00 +0900", HALF_AN_HOUR),
        ("Sun Jul 28 12:30:00 2024", HALF_AN_HOUR),
        ("Sun, 28 Jul 2034 12:30:00 GMT", timedelta(days=1)),
    ],
)
@pytest.mark.usefixtures("in_tokyo")
def test_seconds_and_dates_in_utc_are_read(header: str, waits: timedelta) -> None:
    assert retry_after(header, NOW) == waits


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1e9", "²", "Infinity", "Sun, 99 Jul 2024 12:30:00 GMT"])
def test_anything_else_is_not_read(header: str | None) -> None:
    assert retry_after(header, NOW) is None
