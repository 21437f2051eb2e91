"""A whole deployment in containers: PostgreSQL, Prefect's server, `deploy.setup`, a Docker worker, and flow runs.

The containers share this machine's network, so that tests and containers reach PostgreSQL and Prefect's API alike. The
replayed upstream runs in the tests' process, where they can read its requests and make it fail.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import Any, TypeVar
from uuid import UUID

import httpx
import psycopg
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate, WorkPoolUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule

from core.replay import Upstream, serve
from deploy.setup import POOL
from flows.runtime import limit

LOOPBACK = "127.0.0.1"
POLLS = ("sync-schedule/default", "refresh-statuses/default", "poll-results/default")
DEPLOYMENTS = (*POLLS, "sync-timing/default", "deliver-changes/default", "backfill-history/default")
"""All deployments; `POLLS` are those that a weekend cannot do without."""

HANGS = 900.0
"""The timeout of everything that could hang, in seconds; an engine may copy the image for each run."""

RESTARTING = ("--detach", "--restart", "unless-stopped")
"""As in compose.yaml."""

POSTGRES = "postgres:16"
STAND_IN = "f1-flows-test-postgres"
STAND_IN_DOCKERFILE = """\
FROM python:3.12-slim
RUN apt-get update -qq && apt-get install --yes -qq --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/*
"""
STAND_IN_START = """\
bin=$(ls -d /usr/lib/postgresql/*/bin)
if [ ! -e /tmp/cluster/PG_VERSION ]; then
  "$bin/initdb" -D /tmp/cluster --username f1 --encoding UTF8 --pwfile <(echo "$POSTGRES_PASSWORD") --auth scram-sha-256
fi
exec "$bin/postgres" -D /tmp/cluster -c unix_socket_directories=/tmp "$@"
"""

T = TypeVar("T")


def docker(*arguments: str, seconds: float | None = HANGS, stdin: str | None = None, merged: bool = False) -> str:
    """Run a docker command and return its output (`merged`: with standard error).

    Raises:
        AssertionError: it fails.
    """
    done = subprocess.run(
        ["docker", *arguments],
        input=stdin,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        timeout=seconds,
    )
    said = "\n".join(filter(None, (done.stdout, done.stderr)))
    assert done.returncode == 0, f"docker {' '.join(arguments[:8])} …: status {done.returncode}\n{said[-4000:]}"
    return done.stdout.strip()


def within(seconds: float, what: str, query: Callable[[], T | None]) -> T:
    """Call a query every half second until it has an answer; None, False and errors of a restart are no answer.

    Raises:
        AssertionError: it has none in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        with suppress(OSError, psycopg.OperationalError, httpx.HTTPError):
            if answer := query():
                return answer
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.5)


def free_ports(count: int) -> list[int]:
    """Free ports of loopback."""
    with ExitStack() as held:
        return [held.enter_context(socket.create_server((LOOPBACK, 0))).getsockname()[1] for _ in range(count)]


class Stack:
    """Everything that a Docker work pool needs, under unique names; `remove` removes all of it."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.id = f"f1-test-{os.getpid()}-{secrets.token_hex(2)}"
        self.password = secrets.token_hex(12)
        self.auth_string = f"f1:{secrets.token_hex(12)}"
        self.upstream = Upstream()
        self._database_port, self._api_port, self._upstream_port = free_ports(3)
        self._served, self._connected = ExitStack(), ExitStack()
        self._api = self._connected.enter_context(SyncPrefectClient(self.api_url, auth_string=self.auth_string))
        self._deployments: dict[str, UUID] = {}

    @property
    def api_url(self) -> str:
        """Prefect's API, behind basic authentication."""
        return f"http://{LOOPBACK}:{self._api_port}/api"

    # Starting and ending

    def start(self) -> None:
        """Start everything, with the schedules paused, so that nothing runs but what a test starts."""
        self.serve_upstream()
        self._start_postgresql()
        self._start_server()
        self.deploy(self.image)
        self.start_worker()

    def serve_upstream(self, upstream: Upstream | None = None) -> None:
        """Serve the upstream, or another one in its place."""
        self.stop_upstream()
        self.upstream = upstream or self.upstream
        self._served.enter_context(serve(self.upstream, self._upstream_port))

    def stop_upstream(self) -> None:
        """Close the upstream's port."""
        self._served.close()

    def deploy(self, image: str) -> None:
        """Deploy an image as `make up` does: settings, tables, work pool, limit, deployments, automations."""
        said = self._run(
            "setup",
            *("--rm", "--env", f"F1_IMAGE={image}", "--env", f"F1_SUFFIX=-{self.id}", "--env", "F1_NETWORK=host"),
            *("--env", f"DATABASE_URL={self._database('f1')}", "--env", "LOG_FORMAT=json"),
            *("--env", "HOT_POLL_SECONDS=0"),  # its crons are a minute apart, and its clock may run faster
            *("--env", f"F1_UPSTREAM_URL=http://{LOOPBACK}:{self._upstream_port}"),
            *self._volumes,
            command=("python", "-m", "deploy.setup", "--settings-file", "/settings/.env"),
        )
        assert self.password not in said
        self._deployments = {name: self._api.read_deployment_by_name(name).id for name in DEPLOYMENTS}
        self.schedule(None)

    def start_worker(self) -> None:
        """Start a worker that uses the engine's socket."""
        self._run(
            "worker",
            *RESTARTING,
            *("--user", "0:0", "--tmpfs", "/data"),
            *("--env", "PREFECT_LOGGING_SETTINGS_PATH=/app/deploy/logging-json.yml"),
            *("--volume", "/var/run/docker.sock:/var/run/docker.sock", "--env", "PREFECT_WORKER_QUERY_SECONDS=2"),
            command=("prefect", "worker", "start", "--pool", POOL, "--type", "docker"),
        )

    def command(self, *command: str) -> str:
        """Run one of our commands with the deployed settings, as `docker compose run --rm setup` does; its output."""
        return self._run("command", "--rm", *self._volumes, command=command)

    @property
    def _volumes(self) -> tuple[str, ...]:
        return "--volume", f"f1-data-{self.id}:/data", "--volume", f"f1-settings-{self.id}:/settings"

    def remove(self) -> None:
        """Remove every container, the worker first so that it starts no more, and the volumes."""
        self._connected.close()
        self.stop_upstream()
        with suppress(AssertionError):
            for ours in (f"label=f1-test={self.id}", f"volume=f1-data-{self.id}"):
                if found := docker("ps", "--all", "--quiet", "--filter", ours).split():
                    docker("rm", "--force", "--volumes", *found)
        with suppress(AssertionError):
            docker("volume", "rm", "--force", f"f1-data-{self.id}", f"f1-settings-{self.id}")

    def _run(self, name: str, *options: str, command: Sequence[str], seconds: float = HANGS) -> str:
        """Start a container of the image as compose.yaml does: read-only but for /tmp and its volumes."""
        api = (f"PREFECT_API_URL={self.api_url}", "--env", f"PREFECT_API_AUTH_STRING={self.auth_string}")
        ours = ("--name", f"{self.id}-{name}", "--label", f"f1-test={self.id}", "--network", "host")
        closed = ("--read-only", "--tmpfs", "/tmp", "--env", *api)
        return docker("run", *ours, *closed, *options, self.image, *command, seconds=seconds, merged=True)

    def _start_postgresql(self) -> None:
        settings = ("-c", "listen_addresses=127.0.0.1", "-c", f"port={self._database_port}")
        named = (*RESTARTING, "--name", f"{self.id}-postgres", "--label", f"f1-test={self.id}", "--network", "host")
        password = ("--env", f"POSTGRES_PASSWORD={self.password}")
        if has_postgres():
            database = ("--env", "POSTGRES_USER=f1", "--env", "POSTGRES_DB=f1")
            docker("run", *named, *password, *database, POSTGRES, "postgres", *settings)
        else:
            # No registry: Debian's PostgreSQL. (The one from a wheel, of the other tests, lacks Prefect's pg_trgm.)
            build_stand_in()
            start = ("bash", "-ec", STAND_IN_START, "bash", *settings)
            docker("run", *named, *password, "--user", "postgres", STAND_IN, *start)
        # Over TCP: while its volume is being made, the official image answers on its socket only.
        within(HANGS, "PostgreSQL answers", lambda: self._sql("postgres", "SELECT 1"))
        for name in {"f1", "prefect"} - {row[0] for row in self._sql("postgres", "SELECT datname FROM pg_database")}:
            self._sql("postgres", f"CREATE DATABASE {name}")

    def _start_server(self) -> None:
        self._run(
            "server",
            *RESTARTING,
            *("--env", f"PREFECT_API_DATABASE_CONNECTION_URL={self._database('prefect', '+asyncpg')}"),
            *("--env", "PREFECT_API_DATABASE_TIMEOUT=60"),
            *("--env", f"PREFECT_SERVER_API_AUTH_STRING={self.auth_string}"),
            *("--env", "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=prefect.server.concurrency.lease_storage.filesystem"),
            command=("prefect", "server", "start", "--host", LOOPBACK, "--port", str(self._api_port)),
        )
        self.wait_for_api()

    def wait_for_api(self) -> None:
        """Wait until Prefect's API answers."""
        within(HANGS, "Prefect's API is healthy", lambda: self._api.api_healthcheck() is None)

    # Asking the database and the engine

    def _database(self, name: str, driver: str = "") -> str:
        return f"postgresql{driver}://f1:{self.password}@{LOOPBACK}:{self._database_port}/{name}"

    def _sql(self, database: str, query: str) -> list[tuple[Any, ...]]:
        dsn = f"{self._database(database)}?connect_timeout=60&options=-csearch_path%3Df1"
        with psycopg.connect(dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query to our tables."""
        return self._sql("f1", query)

    def container(self, name: str, *action: str, seconds: float = HANGS) -> str:
        """Do something with a container: `container("server", "restart")`."""
        return docker(*action, f"{self.id}-{name}", seconds=seconds, merged=True)

    def inside(self, *command: str, seconds: float = HANGS) -> str:
        """Run a command in the worker's container, which is quicker to start than a new one; its output."""
        return docker("exec", f"{self.id}-worker", *command, seconds=seconds)

    def run_containers(self) -> list[str]:
        """The ids of the containers of flow runs, including those that have ended."""
        of_runs = ("--filter", f"volume=f1-data-{self.id}", "--filter", "label=io.prefect.flow-run-id")
        return docker("ps", "--all", "--quiet", *of_runs).split()

    def asked(self, what: str) -> list[str]:
        """The paths requested of upstream that contain `what`."""
        return [request.path for request in self.upstream.requests if what in request.path]

    # Asking Prefect

    def schedule(self, cron: str | None, deployments: Sequence[str] = DEPLOYMENTS) -> None:
        """Give deployments another cron, where they have one; None pauses their schedules."""
        for name in deployments:
            deployment_id = self._deployments[name]
            for known in self._api.read_deployment_schedules(deployment_id):
                wanted = CronSchedule(cron=cron, timezone="UTC") if cron else None
                self._api.update_deployment_schedule(deployment_id, known.id, cron is not None, wanted)

    def runs_of(self, deployment: str) -> list[FlowRun]:
        """All runs of a deployment."""
        return [run for run in self.read() if run.deployment_id == self._deployments[deployment]]

    def pause(self, paused: bool) -> None:
        """Pause the work pool, or resume it: its workers then get the runs that have piled up."""
        self._api.update_work_pool(POOL, WorkPoolUpdate(is_paused=paused))

    def create(self, deployment: str, **parameters: Any) -> UUID:
        """Create a run of a deployment, as `prefect deployment run` does."""
        return self._api.create_flow_run_from_deployment(self._deployments[deployment], parameters=parameters).id

    def ended(self, runs: Iterable[UUID], seconds: float = HANGS) -> list[FlowRun]:
        """The runs, once they have all ended."""
        wanted = list(runs)

        def over() -> list[FlowRun] | None:
            found = self.read(wanted)
            return found if all(run.state and run.state.is_final() for run in found) else None

        return within(seconds, f"the end of {len(wanted)} runs", over)

    def run(self, deployment: str, **parameters: Any) -> FlowRun:
        """Run a deployment to its end."""
        return self.ended([self.create(deployment, **parameters)])[0]

    def read(self, runs: list[UUID] | None = None) -> list[FlowRun]:
        """Some runs, or all there are."""
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=runs)) if runs is not None else None
        found: list[FlowRun] = []
        while page := self._api.read_flow_runs(flow_run_filter=chosen, limit=200, offset=len(found)):
            found += page
        return found

    def slots_taken(self) -> dict[str, int]:
        """How many slots of each deployment's concurrency limit are taken."""
        limits = {limit.name: limit.active_slots for limit in self._api.read_global_concurrency_limits()}
        return {name: limits[f"deployment:{id_}"] for name, id_ in self._deployments.items()}

    def free_upstream_slots(self) -> None:
        """Free the slots of the limit on requests upstream, as they become free while minutes pass."""
        self._api.update_global_concurrency_limit(limit.NAME, GlobalConcurrencyLimitUpdate(active_slots=0))

    # Telling what happened

    def log(self) -> str:
        """The tail of each container's log, and every run's state."""
        parts = []
        for name in docker("ps", "--all", "--filter", f"label=f1-test={self.id}", "--format", "{{.Names}}").split():
            parts.append(f"--- {name}\n{docker('logs', '--tail', '40', name, merged=True)}")
        with suppress(Exception):
            lines = [f"{run.name}: {run.state_name}: {run.state and run.state.message}" for run in self.read()]
            parts.append("\n".join(["--- flow runs", *lines]))
        return "\n".join(parts)


def inspected(container: str) -> dict[str, Any]:
    """The output of `docker inspect` for a container or image."""
    found: list[dict[str, Any]] = json.loads(docker("inspect", container))
    return found[0]


def build_stand_in() -> None:
    """Build the image that is used where PostgreSQL's own is not available."""
    docker("build", "--network", "host", "--tag", STAND_IN, "-", stdin=STAND_IN_DOCKERFILE, seconds=None)


def has_postgres() -> bool:
    """Whether the official image is there or can be pulled."""
    for command in (("image", "inspect", POSTGRES), ("pull", "--quiet", POSTGRES)):
        with suppress(AssertionError, subprocess.TimeoutExpired):
            docker(*command, seconds=120)  # where there is no registry, a pull may not end
            return True
    return False
