"""Webhooks in runs of a real Prefect server: delivery is a task at the end of a flow, and a pause is an event."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker
from receiver import Receiver, Reply, receiving, webhooks_file

from core.database import Database
from core.records import Change, ChangeKind, Entity
from core.replay import Upstream
from core.upsert.rows import write_changes
from flows.deliver_changes import deliver_changes
from flows.output import events
from flows.refresh_statuses import refresh_statuses
from flows.sync_schedule import sync_schedule


@pytest.fixture
def receiver(environment: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Receiver]:
    with receiving() as found:
        (tmp_path / "webhooks.toml").write_text(webhooks_file(("scores", found.url)))
        environment.setenv("F1_WEBHOOKS_FILE", str(tmp_path / "webhooks.toml"))
        yield found


def test_a_run_delivers_in_a_task_and_tells_of_a_pause(
    prefect_server: str,
    replay: Upstream,
    sqlite: Database,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The receiver's clock is the real one, and so is the runs': the specification's library refuses old messages."""
    before_the_season = datetime(2024, 2, 1, tzinfo=UTC)
    sync_schedule.fn(season=2024, now=before_the_season)
    deliver_changes()
    caplog.set_level(logging.INFO)
    refresh_statuses()
    assert receiver.messages, "the whole season is over by now"
    assert all(change["after"]["status"] == "completed" for change in receiver.messages[0][1]["data"]["changes"])
    ended = {record.getMessage() for record in caplog.records if record.name == "prefect.task_runs"}
    assert {"Finished in state Completed()"} == {message for message in ended if message.startswith("Finished")}

    worker = EventsWorker.instance(AssertingEventsClient)
    monkeypatch.setattr(EventsWorker, "instance", classmethod(lambda *_: worker))
    receiver.replies = [Reply(410)]
    happened = Change(entity=Entity.SEASON, entity_id="2024", kind=ChangeKind.STANDINGS, before=None, after={})
    with sqlite.writing() as connection:
        write_changes(connection, [happened], before_the_season, None)
    deliver_changes()
    worker.drain()
    client = AssertingEventsClient.last
    assert client is not None
    (paused,) = [event for event in client.events if event.event == events.WEBHOOK_PAUSED]
    assert (paused.resource.id, paused.payload["waiting"]) == ("f1.webhook.scores", 1)
