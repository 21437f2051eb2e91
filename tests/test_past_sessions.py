"""Sessions of a past season without a believable answer are polled on, and settled only if none is published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from conftest import held_of, session_of
from hostile_tables import VALUES, cut, in_row, overlay
from polls import begun, poll
from reached import Reached

from core.database import Database
from core.kinds import ResultsState, SessionKind
from core.replay import Upstream
from core.rules.results.outcome import Outcome
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]
QUALIFYING = SessionKind.QUALIFYING
PAST = datetime(2025, 2, 1, 12, tzinfo=UTC)
"""More than 30 days after the season."""

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)

pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.fixture
def past(replay: Upstream, database: Database, sync: Sync, reached: Reached) -> Upstream:
    """The season ended more than 30 days ago, and nothing was polled yet."""
    replay.timing_after = timedelta(days=999)
    reached(PAST, partial(begun, replay, sync, PAST))
    replay.as_of = PAST
    return replay


def test_three_polls_without_results_a_week_apart_settle_a_past_session(
    past: Upstream, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    past.overlay[2024, "results"] = []
    for times, now in enumerate((PAST, PAST + WEEK, PAST + 2 * WEEK), start=1):
        assert poll(now).outcome is Outcome.NOT_YET
        session = session_of(database)
        if times < 3:
            assert (session.results_state, session.next_poll_at) == (ResultsState.AWAITED, now + WEEK)
            assert f"a past session without results upstream ({times} of 3 polls, a week apart)" in caplog.text
            again = poll(now + HOUR)
            assert again.outcome is Outcome.NOT_YET
            assert f"({times} of 3" in "".join(again.warnings), "a poll an hour later does not count"
            assert session_of(database).results_state is ResultsState.AWAITED
    session = session_of(database)
    assert (session.results_state, session.next_poll_at) == (ResultsState.SETTLED, None)
    assert "3 times over weeks: no longer polled" in caplog.text
    assert held_of(database) == []


def test_a_past_session_without_results_gets_them_when_they_are_published(past: Upstream, database: Database) -> None:
    past.overlay[2024, "results"] = []
    assert poll(PAST).outcome is Outcome.NOT_YET
    past.overlay.clear()
    assert poll(PAST + WEEK).outcome is Outcome.OFFICIAL
    assert session_of(database).results_state is ResultsState.SETTLED
    assert held_of(database) == []


def test_a_refused_table_does_not_settle_a_past_session(past: Upstream, database: Database) -> None:
    overlay(past, "results", in_row(0, "points", value="999"))
    now = PAST
    for days in (1, 2, 4, 8, 16, 28, 28):
        assert poll(now).outcome is Outcome.REJECTED
        session = session_of(database)
        assert (session.results_state, session.next_poll_at) == (ResultsState.AWAITED, now + days * DAY)
        assert "999 points" in str(session.last_error)
        now += days * DAY
    past.overlay.clear()
    assert poll(now).outcome is Outcome.OFFICIAL
    assert session_of(database).results_state is ResultsState.SETTLED


def test_an_unreadable_table_does_not_settle_a_past_session(past: Upstream, database: Database) -> None:
    overlay(past, "results", VALUES["laps 40000"])
    for now in (PAST, PAST + DAY, PAST + 3 * DAY):
        assert poll(now).outcome is Outcome.FAILED
        session = session_of(database)
        assert session.results_state is ResultsState.AWAITED
        assert session.next_poll_at is not None
        assert session.next_poll_at >= now + DAY
    past.overlay.clear()
    assert poll(PAST + 7 * DAY).outcome is Outcome.OFFICIAL


@pytest.mark.parametrize("heals", [True, False])
def test_a_short_table_does_not_settle_a_past_session_at_once(heals: bool, past: Upstream, database: Database) -> None:
    assert poll(PAST, kind=QUALIFYING).outcome is Outcome.OFFICIAL
    overlay(past, "results", cut(10))
    assert poll(PAST).outcome is Outcome.HELD
    session = session_of(database)
    assert (session.results_state, session.revision) == (ResultsState.AWAITED, 0)
    assert session.next_poll_at == PAST + DAY
    if heals:
        past.overlay.clear()
    found = poll(PAST + DAY)
    assert (found.outcome, found.entries) == (Outcome.OFFICIAL, 20 if heals else 10)
    assert session_of(database).results_state is ResultsState.SETTLED
    assert held_of(database) == []
