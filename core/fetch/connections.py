"""Connections of `requests` that a cutoff ends: those made inside `cut_by`, through an `EndingAdapter`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from core.cutoff import Cutoff

_cutoff: ContextVar[Cutoff | None] = ContextVar("cutoff", default=None)


@contextmanager
def cut_by(cutoff: Cutoff) -> Iterator[None]:
    """Add the connections of all requests made inside to a cutoff."""
    token = _cutoff.set(cutoff)
    try:
        yield
    finally:
        _cutoff.reset(token)


class _Ending(HTTPConnection):
    def request(self, *request: Any, **options: Any) -> None:
        """Send a request on a connection that the present cutoff ends."""
        if self.sock is None:
            self.connect()
        if (cutoff := _cutoff.get()) is not None:
            cutoff.add(self.sock)
        super().request(*request, **options)


class _EndingTLS(_Ending, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Ending


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _EndingTLS


POOLS = {"http": _Pool, "https": _PoolTLS}


class EndingAdapter(HTTPAdapter):
    """An adapter with such connections, to servers and to proxies."""

    def init_poolmanager(self, *pool: Any, **options: Any) -> None:
        """Make the pools of connections to servers."""
        super().init_poolmanager(*pool, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *proxy: Any, **options: Any) -> Any:
        """Make the pools of connections to a proxy."""
        manager = super().proxy_manager_for(*proxy, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager


def with_ending(session: Session) -> Session:
    """A session with such connections to all hosts, except those that have an adapter of their own."""
    for scheme in POOLS:
        session.mount(f"{scheme}://", EndingAdapter())
    return session
