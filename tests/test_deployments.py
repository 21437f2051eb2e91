"""The deployment files: complete, importable, consistent with each other, and without secrets."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from prefect import Flow
from prefect.deployments.runner import RunnerDeployment
from prefect.events.schemas.automations import AutomationCore
from prefect.flows import load_flow_from_entrypoint
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent, RelatedResource, Resource
from prefect.server.utilities.user_templates import render_user_template_sync
from receiver import receiving, webhooks_file

from core.database import Database
from core.errors import UsageError
from core.kinds import ChangeKind, Entity
from core.records import Change
from core.settings import Settings
from core.upsert.rows import write_changes
from deploy import setup
from flows import serve
from flows.deliver_changes import deliver_changes
from flows.output import events
from flows.runtime import pool

ROOT = Path(__file__).parents[1]
WRITTEN: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
DEPLOYMENTS: list[dict[str, Any]] = WRITTEN["deployments"]
AUTOMATIONS = yaml.safe_load((ROOT / "deploy" / "automations.yaml").read_text())["automations"]
FLOWS = ("sync-schedule", "refresh-statuses", "poll-results", "sync-timing", "deliver-changes", "backfill-history")
BY_HAND = "backfill-history"
LOW = {BY_HAND, "sync-timing"}
"""The flows whose runs must not delay the others'."""
each_deployment = pytest.mark.parametrize("written", DEPLOYMENTS, ids=lambda written: written["entrypoint"])


def flow_of(written: dict[str, Any]) -> Flow[..., Any]:
    """The flow that an entrypoint names."""
    path, _, name = written["entrypoint"].partition(":")
    return load_flow_from_entrypoint(f"{ROOT / path}:{name}")


def test_every_flow_is_deployed_and_served() -> None:
    defined = {
        match[1]
        for path in (ROOT / "flows").glob("*.py")
        for match in re.finditer(r'^@flow\(name="([a-z-]+)"', path.read_text(), re.MULTILINE)
    }
    assert defined == set(FLOWS)
    assert sorted(flow_of(written).name for written in DEPLOYMENTS) == sorted(defined)
    assert sorted(served.flow.name for served in serve.SERVED_FLOWS) == sorted(defined)


@each_deployment
def test_a_deployment_is_complete(written: dict[str, Any]) -> None:
    assert written["name"] == "default"
    assert written["description"].endswith(".")
    assert written["parameters"] == {}
    assert written["tags"][0] == "f1"
    by_hand = flow_of(written).name == BY_HAND
    assert [schedule["timezone"] for schedule in written["schedules"]] == ([] if by_hand else ["UTC"])
    assert (written["work_pool"]["work_queue_name"] == "low") == (flow_of(written).name in LOW)
    assert written["concurrency_limit"]["limit"] == 1
    assert written["concurrency_limit"]["collision_strategy"] == "CANCEL_NEW"
    pool = written["work_pool"]
    assert (pool["name"], pool["work_queue_name"] in ("high", "normal", "low")) == ("f1", True)
    assert pool["job_variables"]["image_pull_policy"] == "IfNotPresent"
    assert "f1-data{{ $F1_SUFFIX }}:/data" in pool["job_variables"]["volumes"]
    assert pool["job_variables"]["env"]["PREFECT_HOME"] == "/data/prefect"


def test_the_code_is_pulled_explicitly_from_where_the_image_has_it() -> None:
    assert WRITTEN["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "/app"}}]
    assert "\nWORKDIR /app\n" in (ROOT / "Dockerfile").read_text()


def test_serve_and_the_work_pool_have_the_same_schedules() -> None:
    in_the_pool = {
        flow_of(written).name: ([schedule["cron"] for schedule in written["schedules"]], written["tags"])
        for written in DEPLOYMENTS
    }
    served = {one.flow.name: ([one.cron] if one.cron else [], list(one.tags)) for one in serve.SERVED_FLOWS}
    assert served == in_the_pool


def test_both_kinds_of_work_pool_get_the_same_deployments() -> None:
    """Except for job variables: those of a container do not apply to a process."""
    process = yaml.safe_load((ROOT / "deploy" / "process.yaml").read_text())
    kept = []
    for deployments in (DEPLOYMENTS, process["deployments"]):
        assert all(one["work_pool"]["job_variables"]["env"].items() >= serve.HEARTBEAT.items() for one in deployments)
        queues = [one["work_pool"]["work_queue_name"] for one in deployments]
        kept.append([one | {"work_pool": queue} for one, queue in zip(deployments, queues, strict=True)])
    assert kept[0] == kept[1]
    assert process["prefect-version"] == WRITTEN["prefect-version"]
    kinds = {kind: yaml.safe_load((ROOT / file).read_text())["build"][0] for kind, file in pool.FILES.items()}
    assert kinds == {kind: {"flows.runtime.pool.check": {"pool": setup.POOL, "type": kind}} for kind in kinds}


def test_what_is_served_runs_one_at_a_time() -> None:
    for made in serve.deployments():
        assert isinstance(made, RunnerDeployment)
        assert made.concurrency_limit == 1
        assert made.concurrency_options is not None
        assert made.concurrency_options.collision_strategy.value == "CANCEL_NEW"
        assert made.concurrency_options.grace_period_seconds == serve.GRACE_SECONDS
        assert made.paused is False


@each_deployment
def test_a_dead_run_is_noticed_before_its_next_scheduled_time(
    written: dict[str, Any],
) -> None:
    """A poll comes every 300 seconds, and its slot must be free then; a heartbeat or two may be lost."""
    (silence,) = [one["trigger"]["within"] for one in AUTOMATIONS if one["name"] == "f1-run-is-dead"]
    env = written["work_pool"]["job_variables"]["env"]
    assert env.items() >= serve.HEARTBEAT.items()
    assert 3 * int(env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) < silence <= 150
    assert written["concurrency_limit"]["grace_period_seconds"] == serve.GRACE_SECONDS <= 150


@pytest.mark.parametrize("password", ["plain", "it's", "back\\slash", "ends with \\", '"quoted"', "a # b", "$HOME"])
def test_settings_reach_a_run_unchanged(password: str, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("F1_PASSWORD", password)
    environment.setenv("LOG_LEVEL", "DEBUG")
    file = tmp_path / "volume.env"
    setup.write_settings(file)
    assert (file.stat().st_mode & 0o777, Settings(_env_file=file).database_schema) == (0o600, "f1")  # type: ignore[call-arg]
    environment.delenv("F1_PASSWORD")
    read = Settings(_env_file=file)  # type: ignore[call-arg]
    assert read.f1_password is not None
    assert (read.f1_password.get_secret_value(), read.log_level) == (password, "DEBUG")


def test_a_setting_that_would_reach_a_run_changed_is_refused(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("F1_PASSWORD", "a${HOME}b")
    with pytest.raises(UsageError, match="F1_PASSWORD"):
        setup.write_settings(tmp_path / "volume.env")
    assert list(tmp_path.iterdir()) == []


def test_a_run_delivers_to_the_webhooks_of_the_file(
    sqlite: Database, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It has only what setup wrote: the file itself is not in a flow run's container."""
    volume, host = tmp_path / "settings", tmp_path / "host.toml"
    volume.mkdir()
    with receiving() as first, receiving() as second:
        host.write_text(webhooks_file(("scores", first.url), ("alerts", second.url)))
        environment.setenv("F1_WEBHOOKS_FILE", "host.toml")
        setup.write_settings(volume / ".env")
        host.unlink()
        environment.delenv("F1_WEBHOOKS_FILE")
        (tmp_path / ".env").symlink_to(volume / ".env")
        assert {file.name: file.stat().st_mode & 0o777 for file in volume.iterdir()} == {
            ".env": 0o600,
            "webhooks.toml": 0o600,
        }
        now = datetime.now(UTC)
        assert [one.subscriber for one in deliver_changes.fn(now=now)] == ["scores", "alerts"]
        with sqlite.writing() as connection:
            change = Change(entity=Entity.EVENT, entity_id="2024-x", kind=ChangeKind.ADDED, before=None, after={})
            write_changes(connection, [change], now, None)
        deliver_changes.fn(now=now)
    assert first.ids == second.ids == [1]


def test_a_file_of_webhooks_that_is_no_longer_set_is_removed(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    volume, host = tmp_path / "settings", tmp_path / "host.toml"
    volume.mkdir()
    for text in (webhooks_file(("a", "https://a.example/")), webhooks_file(("b", "https://b.example/"))):
        host.write_text(text)
        environment.setenv("F1_WEBHOOKS_FILE", str(host))
        setup.write_settings(volume / ".env")
        assert (volume / "webhooks.toml").read_text() == text
    environment.setenv("F1_WEBHOOKS_FILE", "")  # as compose.yaml passes it where it is not set
    setup.write_settings(volume / ".env")
    assert [file.name for file in volume.iterdir()] == [".env"]
    assert "F1_WEBHOOKS_FILE" not in (volume / ".env").read_text()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("F1_WEBHOOKS_FILE", "nowhere.toml", "F1_WEBHOOKS_FILE nowhere.toml cannot be read: No such file"),
        ("F1_WEBHOOKS_FILE", "host.toml", "host.toml: webhook 1: url Field required"),
        ("F1_WEBHOOK_URL", "https://example.com/", "F1_WEBHOOK_SECRET is not"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL"),
    ],
)
def test_a_wrong_setting_is_wrong_usage_and_leaves_the_volume_as_it_is(
    name: str,
    value: str,
    complaint: str,
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    volume, host = tmp_path / "settings", tmp_path / "host.toml"
    volume.mkdir()
    host.write_text(webhooks_file(("a", "https://a.example/")))
    environment.setenv("F1_WEBHOOKS_FILE", "host.toml")
    setup.write_settings(volume / ".env")
    before = {file.name: file.read_bytes() for file in volume.iterdir()}
    host.write_text("[[webhooks]]\nname = 'a'")
    environment.delenv("F1_WEBHOOKS_FILE")
    capsys.readouterr()
    with environment.context() as wrong:
        wrong.setenv(name, value)
        assert setup.main(["--settings-file", str(volume / ".env")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line
    assert {file.name: file.read_bytes() for file in volume.iterdir()} == before


def test_a_wrong_setting_of_an_earlier_start_is_replaced(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The volume's .env is also setup's own, as in the image: what an earlier start left there is not read."""
    (tmp_path / ".env").write_text("LOG_LEVEL='LOUD'\nF1_WEBHOOKS_FILE='nowhere.toml'\n")
    setup.write_settings(tmp_path / ".env")
    assert Settings.load().f1_webhooks_file is None


def test_no_secret_is_in_a_deployment() -> None:
    text = (ROOT / "prefect.yaml").read_text()
    for secret in ("password", "secret", "token", "api_key", "prefect.blocks"):
        assert secret not in text.lower()
    assert not re.search(r"://[^\s/]*:[^\s/]*@", text)
    names = {name for written in DEPLOYMENTS for name in written["work_pool"]["job_variables"]["env"]}
    assert not names & {"DATABASE_URL", "F1_USERNAME", "F1_PASSWORD"}


def test_automations_are_valid_and_match_events_that_flows_emit() -> None:
    for one in copy.deepcopy(AUTOMATIONS):
        for action in one["actions"]:
            if action.pop("block", None):
                action["block_document_id"] = "00000000-0000-0000-0000-000000000000"
        assert AutomationCore.model_validate(one).description
        looked_at = {name for name in one["trigger"]["expect"] + one["trigger"].get("after", []) if name[:3] == "f1."}
        assert looked_at <= {events.SCHEDULE_CHANGED, events.SESSION_COMPLETED, *events.RESULTS.values()}


def running(flow: str) -> ReceivedEvent:
    """What Prefect's server says when a deployment's run begins."""
    run = uuid4()
    return ReceivedEvent(
        occurred=datetime(2024, 7, 28, tzinfo=UTC),
        event="prefect.flow-run.Running",
        resource=Resource({"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.name": "a-run"}),
        related=[
            RelatedResource({"prefect.resource.id": f"prefect.{role}.{name}", "prefect.resource.role": role} | named)
            for role, name, named in (
                ("flow", uuid4(), {"prefect.resource.name": flow}),
                ("deployment", uuid4(), {"prefect.resource.name": "default"}),
                ("tag", "f1", {}),
                ("tag", "auto-scheduled", {}),
            )
        ],
        id=uuid4(),
    )


@pytest.mark.parametrize("flow", FLOWS)
def test_a_backfill_alone_may_take_hours(flow: str) -> None:
    """It waits for its next request; a run that has lost its machine is noticed by its heartbeat, whatever it runs."""
    triggers = {one["name"]: EventTrigger.model_validate(one["trigger"]) for one in AUTOMATIONS}
    ends = {"f1-run-hangs", "f1-run-hangs-alert"}
    covers = {name: trigger.covers(running(flow)) for name, trigger in triggers.items() if name in ends}
    assert covers == dict.fromkeys(ends, flow != BY_HAND)
    assert triggers["f1-run-is-dead"].covers_resources(running(flow).resource, running(flow).related)


def test_a_webhooks_payload_is_json_whatever_a_runs_message_contains() -> None:
    """A refused connection to PostgreSQL has quotes and a line break in its message."""
    said = 'connection to server at "db", port 5432 failed: refused\n\tIs the server running?'
    run = {"name": "poll-results", "state": {"name": "Failed", "message": said}}
    event = {"event": "f1.results.official", "resource": {"name": "2024-x/race"}, "occurred": "2024-03-02"}
    payloads = [action["payload"] for one in AUTOMATIONS for action in one["actions"] if "payload" in action]
    sent = [json.loads(render_user_template_sync(payload, {"flow_run": run, "event": event})) for payload in payloads]
    assert {"event": "f1.results.official", "session": "2024-x/race", "at": "2024-03-02"} in sent
    assert {"text": f"F1: poll-results is Failed: {said}"} in sent
    assert len(sent) == 4


def test_compose_passes_the_apis_password_to_every_server_and_client() -> None:
    """Where .env does not set it, it is unset: an empty one would be required too."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = {name: one["environment"] for name, one in services.items() if name not in ("postgres", "redis")}
    for name, environment in ours.items():
        asks = "PREFECT_API_URL" in environment
        variable = "PREFECT_API_AUTH_STRING" if asks else "PREFECT_SERVER_API_AUTH_STRING"
        assert environment[variable] is None, name
    assert {name for name, one in ours.items() if "PREFECT_API_AUTH_STRING" in one} == {"setup", "worker"}
    names = {name for written in DEPLOYMENTS for name in written["work_pool"]["job_variables"]["env"]}
    assert "PREFECT_API_AUTH_STRING" not in names, "the worker passes it on, and Prefect's API does not store it"


def test_compose_starts_what_the_deployments_need() -> None:
    written = yaml.safe_load((ROOT / "compose.yaml").read_text())
    single = {"postgres", "server", "setup", "worker"}
    assert {name for name, service in written["services"].items() if "profiles" not in service} == single
    names = {volume["name"] for volume in written["volumes"].values() if volume}
    mounted = {volume.partition("{{")[0] for volume in DEPLOYMENTS[0]["work_pool"]["job_variables"]["volumes"]}
    assert names == mounted
    assert written["services"]["setup"]["environment"]["F1_NETWORK"] == written["networks"]["f1"]["name"]


def test_compose_passes_every_setting_to_the_flow_runs() -> None:
    """By its name on the host. The cache's path is the image's, and flows.serve, with its scheduler, does not run."""
    written = yaml.safe_load((ROOT / "compose.yaml").read_text())
    passed = written["services"]["setup"]["environment"]
    wanted = {name.upper() for name in Settings.model_fields} - {"FASTF1_CACHE_DIR", "ENABLE_SCHEDULER"}
    assert wanted <= set(passed)
    assert all(passed[name] is None or f"${{{name}:" in passed[name] for name in wanted)


def test_compose_mounts_the_file_of_webhooks_where_its_setting_says() -> None:
    """The host's path is never seen in the container; unset, the setting is empty, and the mount an empty device."""
    written = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service = written["services"]["setup"]
    (secret,) = service["secrets"]
    assert service["environment"]["F1_WEBHOOKS_FILE"] == f"${{F1_WEBHOOKS_FILE:+/run/secrets/{secret}}}"
    assert written["secrets"] == {secret: {"file": "${F1_WEBHOOKS_FILE:-/dev/null}"}}


def test_flow_runs_have_the_settings_at_the_path_to_which_setup_writes_them() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["setup"]
    file = Path(service["command"].rpartition("--settings-file ")[2])
    assert f"settings:{file.parent}" in service["volumes"]
    for written in DEPLOYMENTS:
        assert f"f1-settings{{{{ $F1_SUFFIX }}}}:{file.parent}:ro" in written["work_pool"]["job_variables"]["volumes"]
    assert f"ln -s {file} /app/.env" in (ROOT / "Dockerfile").read_text()
