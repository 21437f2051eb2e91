"""The Prefect server of `flows.serve`: always the same port, one at a time, and it ends with its parent."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prefect.settings import PREFECT_SERVER_API_PORT, temporary_settings

from core.errors import F1FlowsError
from flows.prefect_server import LOOPBACK
from flows.runtime import local_server

START = """\
import sys
from flows.runtime.local_server import local_server
with local_server() as api:
    print(api, flush=True)
    sys.stdin.read()
"""


@contextmanager
def listening() -> Iterator[int]:
    """A loopback port that is taken meanwhile."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        yield taken.getsockname()[1]


def test_a_server_ends_with_its_parent_and_a_second_start_is_refused(
    tmp_path: Path, environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.setenv("PREFECT_HOME", str(tmp_path))
    environment.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    pipe = subprocess.PIPE
    started = subprocess.Popen([sys.executable, "-c", START], stdin=pipe, stdout=pipe, text=True)
    assert started.stdout is not None
    assert started.stdin is not None
    try:
        api = started.stdout.readline().strip()
        assert httpx.get(f"{api}/health").is_success
        holder = (tmp_path / "server.lock").read_text()
        assert re.fullmatch(f"process {started.pid} or its Prefect server, process [0-9]+ at {api[:-4]}", holder)
        with monkeypatch.context() as impatient:
            impatient.setattr(local_server, "LAST_SECONDS", 0.0)
            with pytest.raises(F1FlowsError, match=f"in use by {holder}"), local_server.alone(tmp_path):
                pass
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    # If the server had stayed, this would raise the same error.
    with local_server.alone(tmp_path):
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{api}/health")
        assert local_server.free_port(tmp_path) == int(api.rpartition(":")[2].removesuffix("/api"))
    started.stdin.close()
    started.stdout.close()


def test_the_port_is_the_one_of_the_first_start(tmp_path: Path) -> None:
    first = local_server.free_port(tmp_path)
    assert first in local_server.PORTS
    assert (tmp_path / "port").read_text() == f"{first}\n"
    with listening() as other:
        pass
    (tmp_path / "port").write_text(f"{other}\n")
    assert local_server.free_port(tmp_path) == other


def test_a_taken_port_is_reported_and_no_other_is_chosen(tmp_path: Path) -> None:
    with listening() as taken:
        (tmp_path / "port").write_text(f"{taken}\n")
        with pytest.raises(F1FlowsError, match=rf"port {taken} of 127.0.0.1 \({tmp_path}/port\) is taken: end what"):
            local_server.free_port(tmp_path)


def test_the_setting_wins_over_the_stored_port(tmp_path: Path) -> None:
    with listening() as wanted:
        pass
    with listening() as taken:
        (tmp_path / "port").write_text(f"{taken}\n")
        with temporary_settings({PREFECT_SERVER_API_PORT: wanted}):
            assert local_server.free_port(tmp_path) == wanted
        with (
            temporary_settings({PREFECT_SERVER_API_PORT: taken}),
            pytest.raises(F1FlowsError, match="PREFECT_SERVER_API_PORT"),
        ):
            local_server.free_port(tmp_path)


def test_settings_in_the_environment_win_over_defaults(environment: pytest.MonkeyPatch) -> None:
    """The defaults for the server's environment apply only where the user has set nothing."""
    environment.setenv("PREFECT_UI_API_URL", "https://f1.example/api")
    assert (local_server.DEFAULTS | os.environ)["PREFECT_UI_API_URL"] == "https://f1.example/api"
