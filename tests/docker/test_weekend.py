"""The Sunday of Spa 2024 in ten minutes, unattended: every deployment that polls has a cron of a minute."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stack import DEPLOYMENTS, HANGS, POLLS, Stack, docker, within

from core.replay import Upstream

pytestmark = pytest.mark.night

MORNING = datetime(2024, 7, 28, 9, 30, tzinfo=UTC)
"""Time runs from here while the image with its clock is built and deployed.

Race from 13:00, over at 15:00; live timing from 15:30; Russell disqualified two hours after Jolpica has results.
"""

SPEED = 60.0
JOLPICA_AFTER = timedelta(hours=4)
"""From the start to Jolpica's results: at 17:00, so that a cron of an hour finds live timing's before."""

MINUTES = 10
RACE = "2024-belgian-grand-prix/race"

CLOCK = '''

from datetime import timedelta


def present() -> datetime:
    """This moment of the replayed weekend."""
    passed = datetime.now(UTC) - datetime.fromisoformat("{began}")
    return datetime.fromisoformat("{as_of}") + timedelta(seconds=passed.total_seconds() * {speed})
'''
"""Appended to the image's flows/runtime/clock.py, so that everything else in it stays."""

DOCKERFILE = """\
FROM {image}
USER root
COPY present.py /tmp/present.py
RUN cat /tmp/present.py >> /app/flows/runtime/clock.py
USER f1
"""


@pytest.fixture(scope="module")
def replayed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start the upstream and the image's clock at the same replayed moment, and deploy that image."""
    folder: Path = tmp_path_factory.mktemp("weekend")
    tag = f"{stack.id}:weekend"
    clock = CLOCK.format(began=datetime.now(UTC).isoformat(), as_of=MORNING.isoformat(), speed=SPEED)
    upstream = Upstream(MORNING, SPEED)
    upstream.publish_after_of[14, "results"] = JOLPICA_AFTER
    stack.serve_upstream(upstream)
    (folder / "present.py").write_text(clock)
    (folder / "Dockerfile").write_text(DOCKERFILE.format(image=stack.image))
    docker("build", "--tag", tag, str(folder), merged=True)
    stack.deploy(tag)
    yield
    stack.schedule(None)
    within(HANGS, "the end of all runs", lambda: all(run.state and run.state.is_final() for run in stack.read()))
    docker("rmi", "--force", tag)


def test_a_race_sunday_runs_unattended(stack: Stack, replayed: None) -> None:
    stack.schedule("* * * * *", POLLS)
    time.sleep(MINUTES * 60)
    stack.schedule(None)
    within(HANGS, "the end of all runs", lambda: all(run.state and run.state.is_final() for run in stack.read()))

    states = {name: Counter(run.state_name for run in stack.runs_of(name)) for name in POLLS}
    print("runs:", {name: dict(counted) for name, counted in states.items()})
    for name, counted in states.items():
        assert set(counted) <= {"Completed", "Cancelled"}, name
        assert counted["Completed"] >= MINUTES / 2, name

    feed = stack.rows(
        "SELECT at, kind, after ->> 'status', after ->> 'diff' FROM changes"
        f" WHERE entity_id = '{RACE}' AND kind <> 'added' ORDER BY id"
    )
    print(*(f"{at:%H:%M} {kind} {status or diff or ''}" for at, kind, status, diff in feed), sep="\n")
    assert [(kind, status) for _, kind, status, _ in feed] == [
        ("status", "live"),
        ("status", "completed"),
        ("results_published", None),
        ("results_official", None),
        ("results_revised", None),
    ]
    assert "Russell 1 → DSQ" in feed[-1][3]
    assert stack.rows("SELECT count(*) FROM events WHERE season = 2024") == [(25,)]
    revisions = stack.rows(f"SELECT state FROM result_revisions WHERE session_id = '{RACE}' ORDER BY revision")
    assert revisions == [("provisional",), ("official",), ("official",)]
    assert stack.rows(f"SELECT driver_id FROM results WHERE session_id = '{RACE}' AND position = 1") == [("hamilton",)]

    busiest = stack.rows(
        "SELECT max(asked) FROM (SELECT count(*) OVER an_hour AS asked FROM upstream_requests"
        " WINDOW an_hour AS (ORDER BY at RANGE BETWEEN '1 hour' PRECEDING AND CURRENT ROW)) AS counted"
    )
    print("requests to Jolpica:", len(stack.asked("/ergast/")), "in the busiest replayed hour:", busiest[0][0])
    assert busiest[0][0] <= 180
    within(HANGS, "no container of a run is left", lambda: not stack.run_containers())
    assert stack.slots_taken() == dict.fromkeys(DEPLOYMENTS, 0)
