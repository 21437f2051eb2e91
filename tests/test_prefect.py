"""The flows as flow runs of a real Prefect server: names, tasks, caching, retries, log lines and limits."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, TaskRunFilter, TaskRunFilterFlowRunId
from prefect.exceptions import ObjectNotFound
from prefect.logging.handlers import PrefectConsoleHandler
from sqlalchemy import select

from core import logs
from core.database import Database
from core.errors import NotDone, PrefectError
from core.kinds import SessionKind
from core.replay import Fault, Upstream
from core.schema import changes, sessions
from core.settings import Settings
from core.upsert.schedule import SeasonSummary
from flows.poll_results import poll_results
from flows.refresh_statuses import refresh_statuses
from flows.runtime import limit
from flows.runtime import logs as prefect_logs
from flows.sync_schedule import sync_schedule
from flows.sync_timing import sync_timing

NOW = datetime(2024, 2, 1, tzinfo=UTC)
SPA = "2024-belgian-grand-prix"
SAO_PAULO, ARCHIVED = "2024-sao-paulo-grand-prix/race", datetime(2024, 11, 3, 18, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine(prefect_server: str) -> None:
    """A Prefect server for this module's runs."""


@pytest.fixture(autouse=True)
def room(engine: None) -> None:
    """A concurrency limit with enough slots for a test's requests; the one that runs create has 20."""
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(limit.NAME, 1000, 1000.0)


def tasks_ended(caplog: pytest.LogCaptureFixture) -> set[str]:
    """How tasks ended, by Prefect's log lines, because its API has the states only a little later."""
    said = [record.getMessage() for record in caplog.records if record.name == "prefect.task_runs"]
    return {message for message in said if message.startswith("Finished")}


def test_a_sync_is_a_flow_run_with_a_readable_name(
    engine: None, storage: Path, replay: Upstream, database: Database
) -> None:
    state = sync_schedule(season=2024, now=NOW, return_state=True)
    assert state.is_completed()
    run_id = str(state.state_details.flow_run_id)
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).name == "sync-schedule-2024"
    with database.reading() as connection:
        assert set(connection.scalars(select(changes.c.flow_run_id))) == {run_id}


def test_a_schedule_is_cached_as_json_and_a_given_now_bypasses_it(
    engine: None, storage: Path, replay: Upstream
) -> None:
    for _ in range(2):
        assert sync_schedule(season=2024)[0].events == 25
    schedules = [request.path for request in replay.requests if request.path.startswith("/schedule/")]
    assert len(schedules) == 1
    (kept,) = [path for path in storage.rglob("*") if path.is_file()]
    result = json.loads(json.loads(kept.read_text())["result"])
    assert len(result) == 25
    assert {event["EventName"] for event in result} >= {"Bahrain Grand Prix", "Belgian Grand Prix"}
    sync_schedule(season=2024, now=NOW)
    assert len([request for request in replay.requests if request.path.startswith("/schedule/")]) == 2


def test_an_unpublished_schedule_is_neither_a_failed_task_nor_cached(
    engine: None, storage: Path, replay: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        replay.requests.clear()
        assert sync_schedule(season=2027) == []
        assert tasks_ended(caplog) == {"Finished in state Completed()"}
        assert [request.path for request in replay.requests if request.path.startswith("/schedule/")]
    assert list(storage.rglob("f1-flows-schedule-*")) == []


def test_a_document_that_holds_no_calendar_is_a_failed_transform_and_not_cached(
    engine: None, storage: Path, replay: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """A schedule without races is fetched successfully, and the next run fetches it again."""
    whole = json.loads(Upstream().answer("/schedule/schedule_2024.json").body)
    del whole["session5"]
    replay.faults = [Fault("/schedule/", times=1, body=json.dumps(whole).encode())]
    assert sync_schedule(season=2024)[0].source == "jolpica"
    assert task_runs(caplog) == [
        ("read-calendar-2024", "Completed"),
        ("fetch-schedule-2024-fastf1", "Completed"),
        ("transform-schedule-2024-fastf1", "Failed"),
        ("fetch-schedule-2024-jolpica", "Completed"),
        ("transform-schedule-2024-jolpica", "Completed"),
        ("upsert-schedule-2024", "Completed"),
    ]
    assert list(storage.rglob("f1-flows-schedule-*")) == []
    assert sync_schedule(season=2024)[0].source == "fastf1"


def test_a_runs_graph_is_fetch_transform_and_upsert(
    engine: None, storage: Path, replay: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    replay.as_of = now = datetime(2024, 3, 2, 20, tzinfo=UTC)
    sync_schedule(season=2024, now=now)
    assert names(caplog) == [
        "read-calendar-2024",
        "fetch-schedule-2024-fastf1",
        "transform-schedule-2024-fastf1",
        "fetch-schedule-2024-jolpica",
        "transform-schedule-2024-jolpica",
        "upsert-schedule-2024",
    ]
    caplog.clear()
    refresh_statuses(now=now)
    assert names(caplog) == ["upsert-statuses"]
    caplog.clear()
    bahrain = "2024-bahrain-grand-prix"
    poll_results(event=bahrain, session=SessionKind.RACE, now=now)
    assert names(caplog) == [
        "read-due-polls",
        "fetch-results-2024-race",
        "transform-results-2024-race",
        f"upsert-results-{bahrain}/race",
        "read-due-standings",
        f"fetch-standings-{bahrain}",
        f"transform-standings-{bahrain}",
        f"upsert-standings-{bahrain}",
    ]
    caplog.clear()
    poll_results(event=bahrain, session=SessionKind.PRACTICE_1, now=now)
    practice = f"{bahrain}/practice_1"
    assert names(caplog) == [
        "read-due-polls",
        f"fetch-timing-{practice}",
        f"upsert-poll-{practice}",
        "read-due-standings",
    ]


def test_a_document_that_cannot_be_read_is_a_failed_transform(
    engine: None, storage: Path, replay: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """The run's other session is stored."""
    replay.as_of = now = datetime(2024, 3, 2, 20, tzinfo=UTC)
    sync_schedule(season=2024, now=now)
    caplog.clear()
    path = "/ergast/f1/2024/1/results.json?limit=100&offset=0"
    bad = Upstream(as_of=now).answer(path).body.replace(b'"laps": "57"', b'"laps": "many"')
    replay.faults = [Fault("/2024/1/results", times=1, body=bad)]
    with pytest.raises(NotDone, match="2024-bahrain-grand-prix/race: failed"):
        poll_results(event="2024-bahrain-grand-prix", now=now)
    ended = dict(task_runs(caplog))
    assert ended["transform-results-2024-race"] == "Failed"
    assert ended["fetch-results-2024-race"] == ended["transform-results-2024-qualifying"] == "Completed"
    assert ended["upsert-poll-2024-bahrain-grand-prix/race"] == "Completed"


def test_an_answer_nested_too_deeply_for_prefect_is_refused_before_it_is_passed_on(
    engine: None, storage: Path, replay: Upstream
) -> None:
    """Python parses JSON of this depth, but Prefect fails when it visits the arguments of a task."""
    replay.as_of = now = datetime(2024, 3, 2, 20, tzinfo=UTC)
    sync_schedule(season=2024, now=now)
    good = Upstream(as_of=now).answer("/ergast/f1/2024/1/results.json?limit=100&offset=0").body
    deep = good.replace(b'"laps": "57"', b'"laps": ' + b"[" * 600 + b"]" * 600, 1)
    assert deep != good
    replay.faults = [Fault("/2024/1/results", times=9, body=deep)]
    with pytest.raises(NotDone, match="an answer nested too deeply"):
        poll_results(event="2024-bahrain-grand-prix", session=SessionKind.RACE, now=now)


def task_runs(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """The task runs that ended, by name, each with its final state."""
    ended = [record for record in caplog.records if record.name == "prefect.task_runs"]
    states = [(record, re.match(r"Finished in state (\w+)", record.getMessage())) for record in ended]
    return [(str(record.__dict__["task_run_name"]), state[1]) for record, state in states if state]


def names(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The names of the task runs, all of which were completed."""
    ended = task_runs(caplog)
    assert {state for _, state in ended} == {"Completed"}
    return [name for name, _ in ended]


def test_a_lesser_source_is_never_cached(engine: None, storage: Path, replay: Upstream) -> None:
    replay.faults = [Fault("/schedule/", times=9, status=404)]
    assert sync_schedule(season=2024)[0].source == "jolpica"
    assert list(storage.rglob("f1-flows-schedule-*")) == []
    replay.faults = []
    assert sync_schedule(season=2024)[0].source == "fastf1"


def test_a_transient_fault_is_retried_and_a_permanent_one_is_not(engine: None, storage: Path, replay: Upstream) -> None:
    replay.faults = [Fault("/schedule/", times=1, status=503)]
    assert sync_schedule(season=2024, now=NOW)[0].source == "fastf1"
    assert [r.status for r in replay.requests if r.path.startswith("/schedule/")] == [503, 200]
    replay.requests.clear()
    replay.faults = [Fault("/schedule/", times=9, status=400)]
    sync_schedule(season=2024, now=NOW)
    assert [r.status for r in replay.requests if r.path.startswith("/schedule/")] == [400]


def test_with_all_sources_down_the_run_fails_with_the_reason(engine: None, storage: Path, replay: Upstream) -> None:
    replay.faults = [Fault(".", times=99, status=404)]
    sync_schedule(season=2024, now=NOW)
    replay.faults = [Fault(".", times=99, status=400)]
    state = sync_schedule(season=2024, now=NOW, return_state=True)
    assert state.is_failed()
    assert "no source has the 2024 schedule" in (state.message or "")


def test_an_idle_poll_is_a_completed_run_without_a_request(engine: None, storage: Path, replay: Upstream) -> None:
    state = poll_results(now=NOW, return_state=True)
    assert state.is_completed()
    assert replay.requests == []


def test_a_poll_by_name_that_failed_is_a_failed_run_after_its_commit(
    engine: None, storage: Path, replay: Upstream, sqlite: Database
) -> None:
    replay.as_of = now = datetime(2024, 3, 2, 20, tzinfo=UTC)
    sync_schedule(season=2024, now=now)
    replay.faults = [Fault(match="^/ergast/.*results", body=b"nonsense", times=99)]
    state = poll_results(event="2024-bahrain-grand-prix", now=now, return_state=True)
    assert state.is_failed()
    assert "2024-bahrain-grand-prix/race: failed: jolpica" in str(state.message)
    with sqlite.reading() as connection:
        known = connection.execute(select(sessions.c.kind, sessions.c.results_state)).all()
    assert ("qualifying", "official") in [tuple(row) for row in known]


def test_results_not_published_yet_are_no_failed_task(
    engine: None, storage: Path, replay: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    replay.as_of, now = datetime(2024, 3, 2, 14, tzinfo=UTC), datetime(2024, 3, 2, 17, 45, tzinfo=UTC)
    sync_schedule(season=2024, now=now)
    (polled,) = poll_results(event="2024-bahrain-grand-prix", session=SessionKind.RACE, now=now)
    assert polled.outcome == "not published yet"
    assert tasks_ended(caplog) == {"Finished in state Completed()"}


def test_prefects_log_lines_and_ours_are_json_of_one_form(
    engine: None, storage: Path, replay: Upstream, environment: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("prefect")
    kept = [(handler, handler.formatter) for name in ("prefect", "") for handler in logging.getLogger(name).handlers]
    environment.setenv("LOG_FORMAT", "json")
    console = PrefectConsoleHandler(stream=sys.stderr)
    logger.addHandler(console)
    prefect_logs.configure(Settings.load())
    capfd.readouterr()
    try:
        sync_schedule(season=2024, now=NOW)
    finally:
        logger.removeHandler(console)
        for handler, formatter in kept:
            handler.setFormatter(formatter)
        for name in logs.LOGGERS:
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = True
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    tasks = [line for line in lines if line["logger"] == "prefect.task_runs"]
    assert lines[0]["message"].startswith("Beginning flow run")
    ours = [line for line in lines if line["logger"] == "flows.sync_schedule"]
    assert {"time", "level", "message", "flow_run_id"} <= set(tasks[0])
    assert "148 added" in ours[-1]["message"]
    assert (ours[-1]["flow_run_id"], ours[-1]["flow_run_name"]) == (tasks[0]["flow_run_id"], "sync-schedule-2024")
    assert ours[-1]["requests"] == {"fastf1": 1, "jolpica": 1}
    assert ours[-1]["seconds"] > 0


def test_the_global_limit_applies_beside_the_ledger(
    engine: None, storage: Path, replay: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request to Jolpica takes a slot of the limit; without a free one, none is made."""
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(limit.NAME, 1, 0.0001)
    try:
        sync_schedule(season=2024, now=NOW)
        replay.requests.clear()
        monkeypatch.setattr("flows.runtime.limit.WAIT_SECONDS", 0.5)
        with pytest.raises(NotDone) as ended:
            poll_results(event=SPA, session=SessionKind.RACE, now=datetime(2024, 7, 29, tzinfo=UTC))
        (polled,) = ended.value.outcome
        assert polled.outcome == "put off"
        assert [request for request in replay.requests if "/ergast/" in request.path] == []
    finally:
        with get_client(sync_client=True) as client:
            client.delete_global_concurrency_limit_by_name(limit.NAME)


def test_a_deployments_run_without_the_limit_makes_no_request(
    engine: None, storage: Path, replay: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the limit does not exist, a deployment's run fails with that reason, and a run by hand creates it."""
    caplog.set_level(logging.INFO, logger="flows")

    @flow
    def taking(strict: bool) -> None:
        limit.take(strict=strict)

    def made() -> tuple[int, float]:
        with get_client(sync_client=True) as client:
            found = client.read_global_concurrency_limit_by_name(limit.NAME)
        return found.limit, found.slot_decay_per_second

    with get_client(sync_client=True) as client:
        client.delete_global_concurrency_limit_by_name(limit.NAME)
    with pytest.raises(PrefectError, match="prefect deploy --all"):
        taking(strict=True)
    with pytest.raises(ObjectNotFound):
        made()
    try:
        for _ in range(2):
            taking(strict=False)
        assert made() == (20, 0.05)
        assert [text for text in caplog.messages if "not exist" in text] == [
            "the limit f1-upstream did not exist: creating it"
        ]
        taking(strict=True)
    finally:
        with get_client(sync_client=True) as client:
            client.delete_global_concurrency_limit_by_name(limit.NAME)


def test_each_step_of_a_sync_of_timing_is_a_task_and_the_changes_name_the_run(
    sqlite: Database, replay: Upstream, sync: Callable[..., SeasonSummary]
) -> None:
    replay.as_of = ARCHIVED
    sync(2024, ARCHIVED)
    (one,) = sync_timing(event=SAO_PAULO, now=ARCHIVED)
    assert len(one.datasets) == 6
    with sqlite.reading() as connection:
        (run_id,) = set(connection.scalars(select(changes.c.flow_run_id).where(changes.c.kind == "timing")))
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])))
        tasks = client.read_task_runs(task_run_filter=TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[run.id])))
    assert (run.name, run.tags) == ("sync-timing-2024-sao-paulo-grand-prix-race", ["2024"])
    assert {task.name for task in tasks} == {
        "upsert-drivers-named",
        "read-due-timing",
        f"fetch-archive-{SAO_PAULO}",
        f"transform-archive-{SAO_PAULO}",
        f"upsert-timing-{SAO_PAULO}",
    }
