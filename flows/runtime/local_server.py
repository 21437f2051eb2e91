"""A Prefect server on loopback for `flows.serve`: one server per home, always on the same port."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import httpx
from prefect.settings import get_current_settings

from core.errors import F1FlowsError
from flows.prefect_server import LOOPBACK, STOP_SECONDS

logger = logging.getLogger(__name__)

PORTS = range(4200, 4300)
"""Prefect's usual port, and those tried at the first start if it is taken."""

START_SECONDS = 120.0
LAST_SECONDS = 10.0
"""How long to wait for an earlier server to end."""

DEFAULTS = {
    # Relative, so that the UI uses its own server. Prefect's default is port 4200, whichever server has it.
    "PREFECT_UI_API_URL": "/api",
    # There are 600 runs a day.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "2592000",
    # Leases in memory would be lost in a restart, and their slots never released.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
}
"""Settings of the server that the environment does not set."""


@contextmanager
def local_server() -> Iterator[str]:
    """Run a Prefect server inside the context, with its data in `PREFECT_HOME`; gives its API's URL.

    Raises:
        F1FlowsError: the home or the port is in use, or the server does not start.
    """
    home = Path(os.environ.setdefault("PREFECT_HOME", ".f1-prefect")).absolute()
    os.environ["PREFECT_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    with alone(home) as lock:
        port = free_port(home)
        url = f"http://{LOOPBACK}:{port}"
        logger.info("no Prefect API is configured: starting a Prefect server, its data in %s", home)
        log = home / "server.log"
        process = _start(port, log, lock)
        stopping = threading.Event()
        try:
            lock.truncate(0)
            lock.write(f"process {os.getpid()} or its Prefect server, process {process.pid} at {url}")
            lock.flush()
            wait_until_healthy(process, f"{url}/api", log)
            threading.Thread(target=_watch, args=(process, stopping, log), name="watch-server", daemon=True).start()
            logger.info("Prefect's UI: %s", url)
            yield f"{url}/api"
        finally:
            stopping.set()
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start(port: int, log: Path, lock: IO[str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.prefect_server", str(port)],
            env=DEFAULTS | os.environ,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            # The lock is held as long as either process lives.
            pass_fds=[lock.fileno()],
            # Ctrl-C must reach only this process, which pauses the schedules before the server stops.
            start_new_session=True,
        )


@contextmanager
def alone(home: Path) -> Iterator[IO[str]]:
    """Lock a home for one server, waiting for an earlier server that is ending; gives the locked file.

    Raises:
        F1FlowsError: another server keeps the lock.
    """
    with (home / "server.lock").open("a+") as lock:
        if not _try_lock(lock):
            logger.info("waiting for the Prefect server of an earlier start to end: %s", _holder(lock))
            deadline = time.monotonic() + LAST_SECONDS
            while not _try_lock(lock):
                if time.monotonic() > deadline:
                    raise F1FlowsError(f"{home} is in use by {_holder(lock)}")
                time.sleep(0.1)
        yield lock


def _try_lock(lock: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _holder(lock: IO[str]) -> str:
    """The processes that hold a home, as its lock file names them."""
    lock.seek(0)
    return lock.read() or "a start that is under way"


def free_port(home: Path) -> int:
    """The server's port: the setting's, else the one stored in its home, else a free one, which is then stored.

    Raises:
        F1FlowsError: the port is taken.
    """
    api, kept = get_current_settings().server.api, home / "port"
    if "port" in api.model_fields_set:
        port, origin = api.port, "PREFECT_SERVER_API_PORT"
    elif kept.exists() and (text := kept.read_text().strip()).isdecimal():
        port, origin = int(text), str(kept)
    else:
        port, origin = next(filter(_is_free, PORTS), PORTS[0]), "default"
        kept.write_text(f"{port}\n")
    if not _is_free(port):
        # Such as a server left running by an older version of this program.
        by = " by another Prefect server" if _is_healthy(f"http://{LOOPBACK}:{port}/api") else ""
        raise F1FlowsError(
            f"port {port} of {LOOPBACK} ({origin}) is taken{by}: end what is there,"
            " or set PREFECT_SERVER_API_PORT to another"
        )
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            found.bind((LOOPBACK, port))
            return True
    return False


def _is_healthy(api: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{api}/health", timeout=2).is_success
    return False


def wait_until_healthy(process: subprocess.Popen[bytes], api: str, log: Path) -> None:
    """Wait for a starting server.

    Raises:
        F1FlowsError: it ended, or took too long.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise F1FlowsError(f"the Prefect server ended with status {process.returncode}: see {log}")
        if _is_healthy(api):
            return
        time.sleep(0.25)
    raise F1FlowsError(f"the Prefect server did not start within {START_SECONDS:.0f} s: see {log}")


def _watch(process: subprocess.Popen[bytes], stopping: threading.Event, log: Path) -> None:
    """End this process when its server ends, so that its supervisor restarts both."""
    process.wait()
    if not stopping.is_set():
        logger.error("the Prefect server ended with status %s: see %s", process.returncode, log)
        os._exit(1)
