"""A run that stays while results usually come: when it polls again, when it stops, and how fresh that keeps results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

import pytest
import recorded_season
from conftest import session_of
from receiver import VirtualClock, receiving, webhooks_file
from recorded_season import Season
from recording import RECORDED, Recording, needs_recording
from sqlalchemy import func, insert, select

from core.database import Database
from core.fetch.session import SESSION
from core.kinds import ResultsState, SessionKind, Status
from core.replay import Fault, Upstream
from core.rules.calendar.identity import slug
from core.rules.results import polling
from core.rules.results.outcome import Outcome, Polled
from core.rules.results.polling import HOT_LASTS, HOUR, MINUTE, Stage, is_hot, next_hot_poll
from core.schema import result_revisions, sessions, upstream_requests
from core.settings import Settings
from core.upsert.ledger import HOT_REQUESTS
from flows import deliver_changes
from flows.poll_results import poll_results
from flows.runtime import run as runs
from flows.sync_schedule import sync_schedule

SPA = "2024-belgian-grand-prix/race"
OVER = datetime(2024, 7, 28, 15, tzinfo=UTC)
DELAY = timedelta(minutes=30)
FIRST = OVER + DELAY
SECOND = timedelta(seconds=1)
EVERY = 60 * SECOND


class SlotClock(VirtualClock):
    """The time of runs: each run's begins with its `now`, and passes only while it waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, on_wait: Callable[[datetime], None]) -> None:
        super().__init__(FIRST)
        self._on_wait = on_wait
        monkeypatch.setattr(runs, "Elapsing", self._begin)

    def _begin(self, moment: datetime) -> SlotClock:
        self.moment = moment
        self.waits = []
        return self

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        self._on_wait(self.moment)


@pytest.mark.parametrize(
    ("began", "now", "sessions", "expected"),
    [
        (0, 2, 1, 60),
        (0, 60, 1, 120),
        (0, 125, 1, 180),
        (0, 180, 1, None),
        (20, 150, 1, 200),
        (21, 150, 1, None),
        (0, 2, 2, 60),
        (0, 62, 2, None),
        (290, 291, 1, None),
        (0, 2, 0, None),
    ],
)
def test_a_run_polls_again_only_if_it_ends_before_the_next_run(
    began: int, now: int, sessions: int, expected: int | None
) -> None:
    at = next_hot_poll(FIRST + began * SECOND, FIRST + now * SECOND, EVERY, sessions)
    assert at == (None if expected is None else FIRST + expected * SECOND)


def test_which_sessions_are_hot(replay: Upstream, sqlite: Database) -> None:
    sync_schedule.fn(season=2024, now=OVER - timedelta(days=9))
    race = session_of(sqlite, SPA)
    practice = session_of(sqlite, SPA.replace("race", "practice_1"))
    assert race.ends_at == OVER
    last = FIRST + HOT_LASTS
    assert [is_hot(race, at, DELAY) for at in (FIRST - SECOND, FIRST, last - SECOND, last)] == [
        False,
        True,
        True,
        False,
    ]
    provisional = {"results_state": ResultsState.PROVISIONAL}
    assert is_hot(race.model_copy(update=provisional), FIRST, DELAY), "its official table is awaited"
    assert not is_hot(race.model_copy(update={"results_state": ResultsState.OFFICIAL}), FIRST, DELAY)
    assert not is_hot(race.model_copy(update={"ends_at": None}), FIRST, DELAY)
    assert practice.ends_at is not None
    timed = practice.ends_at + DELAY
    assert is_hot(practice, timed, DELAY)
    assert not is_hot(practice.model_copy(update=provisional), timed, DELAY)


@pytest.fixture
def spa(replay: Upstream, sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Upstream after Spa's race, of which Jolpica's results come two minutes and a half after the first poll."""
    monkeypatch.setattr(polling, "FIRST_LIVETIMING_SEASON", 2100)
    sync_schedule.fn(season=2024, now=OVER - timedelta(days=9))
    with sqlite.writing() as connection:
        only = sessions.c.id != SPA
        connection.execute(sessions.update().where(only).values(status=Status.CANCELLED.value))
    replay.as_of = FIRST
    replay.publish_after_of[14, "results"] = timedelta(hours=2) + DELAY + timedelta(seconds=150)
    replay.requests.clear()
    return replay


def poll(monkeypatch: pytest.MonkeyPatch, upstream: Upstream, *, stay: bool = True) -> tuple[SlotClock, list[Polled]]:
    """A run of `poll_results` at the race's first poll, in which upstream's time goes on."""
    clock = SlotClock(monkeypatch, lambda moment: setattr(upstream, "as_of", moment))
    return clock, poll_results.fn(now=FIRST, stay=stay)


def test_a_run_stays_until_the_result_is_there(
    spa: Upstream, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, polled = poll(monkeypatch, spa)
    assert [(one.session_id, one.outcome) for one in polled] == [(SPA, Outcome.OFFICIAL)]
    assert clock.moment == FIRST + timedelta(minutes=3)
    race = session_of(sqlite, SPA)
    assert (race.results_state, race.poll_attempts) == (ResultsState.OFFICIAL, 4)


def test_a_run_does_not_stay_unless_it_is_asked_to(spa: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, polled = poll(monkeypatch, spa, stay=False)
    assert [one.outcome for one in polled] == [Outcome.NOT_YET]
    assert clock.waits == []


def test_a_deployments_run_stays_without_being_asked_to(
    spa: Upstream, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where an event is named, or `now` is given."""
    clock = SlotClock(monkeypatch, lambda moment: setattr(spa, "as_of", moment))
    monkeypatch.setattr("flows.runtime.clock.present", lambda: FIRST)
    monkeypatch.setattr(runs.Run, "is_deployed", True)
    poll_results.fn(now=FIRST)
    poll_results.fn(event=SPA)
    assert clock.waits == []
    with sqlite.writing() as connection:
        connection.execute(sessions.update().where(sessions.c.id == SPA).values(next_poll_at=FIRST))
    assert [one.outcome for one in poll_results.fn()] == [Outcome.OFFICIAL]
    assert len(clock.waits) == 3


EARLY = OVER + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("stay", "settings", "polls"),
    [
        (True, {}, 4),
        (False, {}, 0),
        (True, {"HOT_POLL_DELAY_MINUTES": "25"}, 0),
        (True, {"POST_SESSION_DELAY_MINUTES": "10", "HOT_POLL_DELAY_MINUTES": "25"}, 4),
        (True, {"HOT_POLL_SECONDS": "0"}, 0),
    ],
)
def test_a_run_that_stays_polls_earlier(
    stay: bool,
    settings: dict[str, str],
    polls: int,
    spa: Upstream,
    sqlite: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    SlotClock(monkeypatch, lambda _: None)
    poll_results.fn(now=EARLY, stay=stay)
    assert session_of(sqlite, SPA).poll_attempts == polls


def test_zero_seconds_turn_hot_polls_off(spa: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOT_POLL_SECONDS", "0")
    clock, polled = poll(monkeypatch, spa)
    assert ([one.outcome for one in polled], clock.waits) == ([Outcome.NOT_YET], [])


def test_a_failed_hot_poll_is_left_to_the_schedule(
    spa: Upstream, monkeypatch: pytest.MonkeyPatch, no_waiting: None
) -> None:
    spa.faults = [Fault("/ergast/", times=99, status=500)]
    clock, polled = poll(monkeypatch, spa)
    assert ([one.outcome for one in polled], clock.waits) == ([Outcome.FAILED], [])


def test_other_requests_within_the_hour_end_hot_polls(
    spa: Upstream, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two more requests are allowed: the run's first poll and one again."""
    made = [{"at": FIRST - MINUTE, "host": "jolpica", "path": f"/{n}", "status": 200} for n in range(HOT_REQUESTS - 2)]
    with sqlite.writing() as connection:
        connection.execute(insert(upstream_requests), made)
    _, polled = poll(monkeypatch, spa)
    assert [one.outcome for one in polled] == [Outcome.NOT_YET]
    assert session_of(sqlite, SPA).poll_attempts == 2


OLD = (
    Stage(3 * HOUR, 5 * MINUTE, urgent=True),
    Stage(9 * HOUR, 10 * MINUTE, urgent=True),
    *polling.UNTIL_OFFICIAL[1:],
)
"""The cadence without hot polls."""

STARTS_AFTER = 8 * SECOND
"""From the cron's minute to a run's first poll: its process has to start."""

CADENCES: dict[str, dict[str, str]] = {"old cadence": {"HOT_POLL_SECONDS": "0"}, "as it is": {}}


class Fresh:
    """A season in which results are published at any second, and runs begin every five minutes."""

    def __init__(self, season: int, recording: Recording, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recorded_season, "rounds_then", lambda *_: {})  # the final calendar's, all along
        self.season = season
        self.database = database
        self.upstream = Season(season, recording)
        # Not on the grid of runs: every second of five minutes is as likely.
        spread = [(at + n * 37 % 300 * SECOND, name, kind) for n, (at, name, kind) in enumerate(self.published)]
        self.upstream.publications = sorted(spread)
        self.clock = SlotClock(monkeypatch, self.publish)
        self.received: dict[str, datetime] = {}
        self.busiest_hour = 0
        self._served = 0

    @property
    def published(self) -> list[tuple[datetime, str, SessionKind]]:
        return self.upstream.publications

    def publish(self, now: datetime) -> None:
        """Serve what is published by now."""
        served = sum(at <= now for at, _, _ in self.published)
        if served > self._served:
            self.upstream.publish(now)
            self._served = served

    def live(self) -> None:
        """Run `poll_results` whenever anything is due, until the last result has come."""
        now = datetime(self.season, 1, 10, tzinfo=UTC)
        self.upstream.publish(datetime(self.season, 12, 31, tzinfo=UTC))  # the final calendar
        sync_schedule.fn(season=self.season, now=now)
        self.upstream.publish(now)
        last = self.published[-1][0] + timedelta(days=1)
        while (now := self._next_run(now)) <= last:
            self.publish(now)
            poll_results.fn(now=now, stay=True)
            with self.database.reading() as connection:
                hour = upstream_requests.c.at > now - HOUR
                asked = connection.scalar(select(func.count()).select_from(upstream_requests).where(hour)) or 0
            self.busiest_hour = max(self.busiest_hour, asked)

    def _next_run(self, now: datetime) -> datetime:
        """The first run after `now` that finds something due."""
        settings = Settings.load()
        minutes = settings.hot_poll_delay_minutes if settings.hot_poll_seconds else settings.post_session_delay_minutes
        delay = timedelta(minutes=minutes)
        is_polled = sessions.c.status != Status.CANCELLED.value, sessions.c.kind.in_([kind.value for kind in LATE])
        with self.database.reading() as connection:
            rows = connection.execute(
                select(sessions.c.ends_at, sessions.c.next_poll_at, sessions.c.poll_attempts).where(*is_polled)
            ).all()
        due = min(row.next_poll_at or row.ends_at + delay for row in rows if row.next_poll_at or not row.poll_attempts)
        slot = max(due, now + SECOND) - datetime(2000, 1, 1, tzinfo=UTC) - STARTS_AFTER
        return datetime(2000, 1, 1, tzinfo=UTC) + -(-slot // (5 * MINUTE)) * 5 * MINUTE + STARTS_AFTER

    @property
    def committed(self) -> dict[str, datetime]:
        """When each session's official result was written, by session."""
        is_official = result_revisions.c.state == ResultsState.OFFICIAL.value
        with self.database.reading() as connection:
            rows = connection.execute(select(result_revisions).where(is_official, result_revisions.c.revision == 1))
            return {row.session_id: row.observed_at for row in rows}

    def latencies(self, arrived: dict[str, datetime]) -> list[float]:
        """Seconds from publication, one for each session."""
        ids = {f"{self.season}-{slug(name)}/{kind.value}": at for at, name, kind in self.published}
        assert set(arrived) == set(ids)
        return [(arrived[key] - at).total_seconds() for key, at in ids.items()]


LATE = (SessionKind.RACE, SessionKind.SPRINT, SessionKind.QUALIFYING)


def shown(seconds: list[float]) -> str:
    late = quantiles(seconds, n=20)[-1]
    return f"median {median(seconds):.0f} s, 95 % within {late:.0f} s, longest {max(seconds):.0f} s"


@needs_recording
@pytest.mark.night
@pytest.mark.parametrize("season", [2023, 2020])
@pytest.mark.parametrize("cadence", CADENCES)
def test_the_delay_from_publication_to_webhook(
    season: int,
    cadence: str,
    recording: Recording,
    sqlite: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Jolpica's results only, published 20 minutes to 12 hours after the end; the clock is virtual."""
    assert (RECORDED / "ergast" / str(season)).is_dir()
    monkeypatch.setattr(polling, "FIRST_LIVETIMING_SEASON", 2100)
    monkeypatch.setitem(SESSION.headers, "Connection", "close")
    for name, value in CADENCES[cadence].items():
        monkeypatch.setenv(name, value)
    if cadence == "old cadence":
        monkeypatch.setattr(polling, "UNTIL_OFFICIAL", OLD)
    fresh = Fresh(season, recording, sqlite, monkeypatch)
    fresh.clock.of_receivers(monkeypatch)
    with receiving() as receiver:

        def enter() -> None:
            for change in receiver.messages[-1][1]["data"]["changes"]:
                if change["kind"] == "results_official":
                    fresh.received.setdefault(change["entity_id"], fresh.clock.moment)

        receiver.on_request = enter
        (tmp_path / "webhooks.toml").write_text(webhooks_file(("scores", receiver.url)))
        monkeypatch.setenv("F1_WEBHOOKS_FILE", str(tmp_path / "webhooks.toml"))
        deliver_changes.deliver_changes.fn(now=datetime(season, 1, 10, tzinfo=UTC))
        fresh.live()
    to_row, to_webhook = fresh.latencies(fresh.committed), fresh.latencies(fresh.received)
    with capsys.disabled():
        print(
            f"\n{season}, {cadence}: to the row {shown(to_row)}; to the webhook {shown(to_webhook)}; "
            f"{fresh.busiest_hour} requests in the busiest hour"
        )
    assert fresh.busiest_hour <= 60
    if cadence != "old cadence":
        assert median(to_webhook) <= 90
        assert quantiles(to_webhook, n=20)[-1] <= 300
