"""A sync of live timing's archives as a Prefect flow run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, TaskRunFilter, TaskRunFilterFlowRunId
from sqlalchemy import select

from core.database import Database
from core.replay import Upstream
from core.schema import changes
from core.upsert.schedule import SeasonSummary

pytestmark = pytest.mark.usefixtures("prefect_server")

RACE = "2024-sao-paulo-grand-prix/race"
COMPLETE = datetime(2024, 11, 3, 18, 15, tzinfo=UTC)


def test_each_step_is_a_task_and_the_changes_name_the_run(
    sqlite: Database, replay: Upstream, sync: Callable[..., SeasonSummary]
) -> None:
    from flows.sync_timing import sync_timing

    replay.as_of = COMPLETE
    sync(2024, COMPLETE)
    (one,) = sync_timing(event=RACE, now=COMPLETE)
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
        f"fetch-archive-{RACE}",
        f"transform-archive-{RACE}",
        f"upsert-timing-{RACE}",
    }
