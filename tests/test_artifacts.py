"""Artifacts in Prefect's UI, events, and a deployment that an official result starts, on a real Prefect server."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker
from prefect.settings import get_current_settings
from receiver import Receiver, Reply, receiving, webhooks_file
from waiting import HANGS, wait_for

from core.database import Database
from core.kinds import ChangeKind, Entity, SessionKind
from core.queries import read_calendar
from core.records import Change
from core.replay import Upstream
from core.rules.calendar.identity import season_of, slug, slug_of
from core.upsert.rows import write_changes
from flows.deliver_changes import deliver_changes
from flows.output import artifacts, events
from flows.output.artifacts import season_headline
from flows.output.next_session import read_next
from flows.output.progress import LONG
from flows.output.standings import read_championships
from flows.poll_results import poll_results
from flows.refresh_statuses import refresh_statuses
from flows.runtime import limit
from flows.sync_schedule import sync_schedule

ROOT = Path(__file__).parents[1]
BAHRAIN, JEDDAH = "2024-bahrain-grand-prix", "2024-saudi-arabian-grand-prix"
SPA = "2024-belgian-grand-prix"
NOW = datetime(2024, 2, 1, tzinfo=UTC)
BEFORE_SPA, AFTER_SPA = datetime(2024, 7, 28, 12, tzinfo=UTC), datetime(2024, 7, 28, 16, 30, tzinfo=UTC)


@pytest.fixture
def engine(prefect_server: str) -> None:
    """The server, with a concurrency limit that has enough slots for a test's requests."""
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(limit.NAME, 1000, 1000.0)


def shown(key: str) -> Any:
    """The latest artifact of a key."""
    found = Artifact.get(key)
    assert found is not None
    return found


def test_artifacts_say_in_a_line_what_they_are(engine: None, replay: Upstream, sqlite: Database) -> None:
    replay.as_of = BEFORE_SPA
    sync_schedule(season=2024, now=BEFORE_SPA)
    assert shown("next-session").description == "Sun 28 Jul 13:00 UTC: Race, Belgian Grand Prix"
    assert "2024: 25 events" in shown("schedule-2024").description
    refresh_statuses(now=AFTER_SPA)
    assert shown("next-session").description == "Fri 23 Aug 10:30 UTC: Practice 1, Dutch Grand Prix"
    assert shown("season-2024").description == "14 of 24 races driven, 0 official; next: Dutch Grand Prix, 2024-08-23"
    replay.as_of = AFTER_SPA
    poll_results(event=SPA, session=SessionKind.RACE, now=AFTER_SPA)
    assert shown(f"{SPA}-race").description == "George Russell wins, official; 1 revision"
    assert shown(f"standings-{SPA}").description == "Max Verstappen 275, Lando Norris 197 after Belgian Grand Prix"
    replay.as_of = later = datetime(2024, 7, 28, 18, 30, tzinfo=UTC)
    poll_results(event=SPA, session=SessionKind.RACE, now=later)
    assert shown(f"{SPA}-race").description == "Lewis Hamilton wins, official; 2 revisions"


def test_the_standings_have_places_gained_since_the_event_before(replay: Upstream, database: Database) -> None:
    replay.as_of = now = datetime(2024, 3, 10, tzinfo=UTC)
    sync_schedule.fn(season=2024, now=now)
    assert read_championships(database, BAHRAIN) is None
    poll_results.fn(now=now)
    first, second = read_championships(database, BAHRAIN), read_championships(database, JEDDAH)
    assert first is not None
    assert second is not None
    assert first.headline == "Max Verstappen 26, Sergio Pérez 18 after Bahrain Grand Prix"
    assert "| 1 |  | Max Verstappen | 26 | 1 |" in first.lines
    assert "| 3 | +1 | Charles Leclerc | 28 |  |" in second.lines
    assert "## Teams" in second.lines


def test_the_next_sessions_card_has_the_venues_time_and_what_follows(replay: Upstream, database: Database) -> None:
    replay.as_of = BEFORE_SPA
    sync_schedule.fn(season=2024, now=BEFORE_SPA)
    card = read_next(database, BEFORE_SPA)
    assert card is not None
    assert card.lines[2] == "Sun 28 Jul 13:00 UTC; in Spa-Francorchamps Sun 28 Jul 15:00."
    assert "| Practice 1 | Dutch Grand Prix | Fri 23 Aug 12:30 | Fri 23 Aug 10:30 |" in card.lines
    assert read_next(database, datetime(2024, 12, 31, tzinfo=UTC)) is None
    with database.reading() as connection:
        headline = season_headline(read_calendar(connection, 2024))
    assert headline == "13 of 24 races driven, 0 official; next: Belgian Grand Prix, 2024-07-26"


def test_an_official_result_starts_an_applications_deployment(engine: None, replay: Upstream, sqlite: Database) -> None:
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="scoring", type="process"))
    prefect("--no-prompt", "deploy", "--all", "--prefect-file", "deploy/scoring/prefect.yaml")
    replay.as_of = AFTER_SPA
    sync_schedule(season=2024, now=AFTER_SPA)
    poll_results(event=SPA, session=SessionKind.RACE, now=AFTER_SPA)
    run = started("score/default")
    assert run.parameters == {"session_id": f"{SPA}/race"}
    prefect("flow-run", "execute", str(run.id))
    with get_client(sync_client=True) as client:
        done = client.read_flow_run(run.id)
    assert done.state is not None
    assert (done.name, done.state.type.value) == (f"score-{SPA}/race", "COMPLETED"), done.state.message


def prefect(*arguments: str) -> None:
    """Prefect's command line, in the checkout, with the test's server and database."""
    url = str(get_current_settings().api.url)
    environment = os.environ | {"PREFECT_API_URL": url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def started(deployment: str) -> FlowRun:
    """The run of a deployment that its trigger starts; the server looks at events as they come."""
    with get_client(sync_client=True) as client:
        found: Any = client.read_deployment_by_name(deployment)
        only = DeploymentFilter(id=DeploymentFilterId(any_=[found.id]))
        wait_for(lambda: bool(client.read_flow_runs(deployment_filter=only)), "a run")
        (run,) = client.read_flow_runs(deployment_filter=only)
    return run


def test_a_poll_emits_an_event_for_each_accepted_revision_and_is_never_cached(
    engine: None, storage: Path, replay: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = EventsWorker.instance(AssertingEventsClient)
    monkeypatch.setattr(EventsWorker, "instance", classmethod(lambda *_: worker))
    now = datetime(2024, 7, 29, tzinfo=UTC)
    replay.as_of = datetime(2024, 7, 28, 16, 30, tzinfo=UTC)
    sync_schedule(season=2024, now=now)
    for outcome in ("official", "revised", "unchanged"):
        (polled,) = poll_results(event=SPA, session=SessionKind.RACE, now=now)
        assert polled.outcome == outcome
        replay.as_of = now
    worker.drain()
    client = AssertingEventsClient.last
    assert client is not None
    ours = [(event.event, event.resource.id) for event in client.events if event.event.startswith("f1.results")]
    assert ours == [
        ("f1.results.official", f"f1.session.{SPA}/race"),
        ("f1.results.revised", f"f1.session.{SPA}/race"),
    ]
    related = {(each.role, each.id) for event in client.events for each in event.related if each.id.startswith("f1.")}
    assert related == {("event", f"f1.event.{SPA}"), ("season", "f1.season.2024")}
    assert list(storage.rglob("f1-flows-*")) == []
    shown = artifact("2024-belgian-grand-prix-race")
    assert "Revised: Russell 1 → DSQ, 25 → 0 points" in shown
    assert "| DSQ | 63 | George Russell | Mercedes |" in shown
    assert "| 1 | 44 | Lewis Hamilton | Mercedes | 3 | +2 | 44 |" in shown


def artifact(key: str) -> str:
    """The latest artifact of a key, as the UI shows it."""
    return str(shown(key).data)


def test_a_sync_with_changes_has_an_artifact_and_an_event(
    engine: None, storage: Path, replay: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = EventsWorker.instance(AssertingEventsClient)
    monkeypatch.setattr(EventsWorker, "instance", classmethod(lambda *_: worker))
    for moment in (datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 12, 10, tzinfo=UTC)):
        replay.as_of = moment
        sync_schedule(season=2024, now=moment)
        shown = artifact("schedule-2024")
        sync_schedule(season=2024, now=moment)
    worker.drain()
    client = AssertingEventsClient.last
    assert client is not None
    counts = [event.payload["changes"] for event in client.events if event.event == "f1.schedule.changed"]
    assert counts == [148, 12], "the first sync, and the sprints' new name; no event without changes"
    assert "| 2024-chinese-grand-prix/sprint_qualifying | renamed: Sprint Shootout → Sprint Qualifying |" in shown


def test_the_state_of_a_season_is_a_table_and_its_freshness_is_shown(
    engine: None, storage: Path, replay: Upstream
) -> None:
    """Bahrain's race is awaited, then official; the next sync with changes shows how soon after its end."""
    replay.as_of = datetime(2024, 3, 2, 14, tzinfo=UTC)
    sync_schedule(season=2024, now=replay.as_of)
    bahrain = "2024-bahrain-grand-prix"
    assert state_of(bahrain)["race"] == "scheduled"
    refresh_statuses(now=datetime(2024, 3, 2, 17, 20, tzinfo=UTC))
    assert state_of(bahrain)["race"] == "awaited"
    assert state_of(bahrain)["status"] == "completed"
    replay.as_of = datetime(2024, 3, 2, 20, tzinfo=UTC)
    state = poll_results(event=bahrain, session=SessionKind.RACE, now=replay.as_of, return_state=True)
    assert state_of(bahrain)["race"] == "official"
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)
    assert (run.name, run.tags) == (f"poll-results-{bahrain}-race", ["2024"])
    replay.as_of = datetime(2024, 3, 12, 10, tzinfo=UTC)
    sync_schedule(season=2024, now=replay.as_of)
    assert f"| {bahrain}/race | – | 3 h | 3 h |" in artifact("schedule-2024")


def state_of(event: str) -> dict[str, object]:
    """An event's row in the table of its season's state."""
    rows = json.loads(artifact(f"season-{season_of(event)}"))
    (found,) = [row for row in rows if slug(row["event"]) == slug_of(event)]
    return dict(found)


def test_a_backlog_has_a_progress_bar_that_ends_full(engine: None, storage: Path, replay: Upstream) -> None:
    replay.as_of = now = datetime(2024, 4, 22, tzinfo=UTC)
    sync_schedule(season=2024, now=now)
    polled = poll_results(now=now)
    assert len(polled) > LONG
    assert artifact("sessions-polled") == "100"


def test_events_are_emitted_where_artifacts_fail(
    engine: None, storage: Path, replay: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows are committed only once, so a failing artifact must not prevent their event."""

    def refused(*_: object, **__: object) -> None:
        raise httpx.ConnectError("refused")

    for name in ("create_markdown_artifact", "create_table_artifact", "get_client"):
        monkeypatch.setattr(artifacts, name, refused)
    worker = EventsWorker.instance(AssertingEventsClient)
    monkeypatch.setattr(EventsWorker, "instance", classmethod(lambda *_: worker))
    replay.as_of = now = datetime(2024, 3, 2, 20, tzinfo=UTC)
    sync_schedule(season=2024, now=now)
    refresh_statuses(now=now)
    state = poll_results(event="2024-bahrain-grand-prix", session=SessionKind.RACE, now=now, return_state=True)
    assert state.is_completed()
    worker.drain()
    client = AssertingEventsClient.last
    assert client is not None
    ours = {event.event for event in client.events if event.event.startswith("f1.")}
    assert ours == {"f1.schedule.changed", "f1.results.official"}
    assert "not shown in Prefect's UI: ConnectError: refused" in caplog.messages


def test_statuses_move_in_a_flow_run(
    engine: None, storage: Path, replay: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = EventsWorker.instance(AssertingEventsClient)
    monkeypatch.setattr(EventsWorker, "instance", classmethod(lambda *_: worker))
    sync_schedule(season=2024, now=NOW)
    moved = refresh_statuses(now=datetime(2024, 3, 2, 16, tzinfo=UTC))
    assert ("2024-bahrain-grand-prix/race", "live") in {(c.entity_id, (c.after or {})["status"]) for c in moved}
    worker.drain()
    client = AssertingEventsClient.last
    assert client is not None
    over = [event.resource.id for event in client.events if event.event == "f1.session.completed"]
    assert over == ["f1.session.2024-bahrain-grand-prix/qualifying"], (
        "neither tests nor practices, of which Jolpica has no results"
    )


@pytest.fixture
def receiver(environment: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Receiver]:
    with receiving() as found:
        (tmp_path / "webhooks.toml").write_text(webhooks_file(("scores", found.url)))
        environment.setenv("F1_WEBHOOKS_FILE", str(tmp_path / "webhooks.toml"))
        yield found


def test_a_run_delivers_webhooks_in_a_task_and_a_paused_webhook_is_an_event(
    engine: None,
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
