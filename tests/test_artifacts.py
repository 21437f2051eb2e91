"""What a person sees in Prefect's UI, and a deployment that an official result starts, on a real Prefect server."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.settings import get_current_settings
from waiting import HANGS, wait_for

from core.database import Database
from core.queries import read_calendar
from core.records import SessionKind
from core.replay import Upstream
from flows.output.artifacts import season_headline
from flows.output.next_session import read_next
from flows.output.standings import read_championships
from flows.poll_results import poll_results
from flows.refresh_statuses import refresh_statuses
from flows.runtime import limit
from flows.sync_schedule import sync_schedule

ROOT = Path(__file__).parents[1]
BAHRAIN, JEDDAH = "2024-bahrain-grand-prix", "2024-saudi-arabian-grand-prix"
SPA = "2024-belgian-grand-prix"
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


def test_the_card_has_the_venues_time_and_what_follows(replay: Upstream, database: Database) -> None:
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
