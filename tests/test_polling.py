"""The cadence of polls, from a session's end until 30 days after the season, with a simulated clock."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from core.kinds import EventFormat, ResultsState, SessionKind, Source, Status
from core.records import Session
from core.rules.results.polling import Cadence, due, is_polled, is_settled, next_poll, retry_after_fault

DELAY, INTERVAL = timedelta(minutes=30), timedelta(minutes=30)
END = datetime(2023, 7, 2, 15, tzinfo=UTC)
FIRST = END + DELAY
SEASON_END = datetime(2023, 11, 26, 15, tzinfo=UTC)
AWAITED, PROVISIONAL, OFFICIAL = ResultsState.AWAITED, ResultsState.PROVISIONAL, ResultsState.OFFICIAL
RACE, PRACTICE = SessionKind.RACE, SessionKind.PRACTICE_1


def following(
    now: datetime,
    state: ResultsState = AWAITED,
    *,
    kind: SessionKind = RACE,
    since: datetime | None = None,
    interval: timedelta = INTERVAL,
) -> datetime | None:
    return next_poll(
        state,
        kind=kind,
        ended_at=END,
        official_since=since,
        now=now,
        season_end=SEASON_END,
        cadence=Cadence(DELAY, interval),
    )


def polls(start: datetime, state: ResultsState, until: datetime, **more: object) -> list[datetime]:
    """Every poll after `start` and up to `until`; each poll sets the time of the next."""
    found: list[datetime] = []
    now: datetime | None = start
    while (now := following(now, state, **more)) is not None and now <= until:  # type: ignore[arg-type]
        found.append(now)
    return found


def assert_follows(found: datetime | None, now: datetime, step: timedelta) -> None:
    """Assert one step; steps of days and weeks end at a common moment, so that sessions are polled together."""
    assert found is not None
    if step < timedelta(days=1):
        assert found == now + step
        return
    assert now < found <= now + step
    assert (found.hour, found.minute, found.second) == (6, 0, 0)
    assert step == timedelta(days=1) or found.weekday() == 0


@pytest.mark.parametrize(
    ("age", "step"),
    [
        (timedelta(0), timedelta(minutes=5)),
        (timedelta(hours=2, minutes=55), timedelta(minutes=5)),
        (timedelta(hours=3), timedelta(minutes=5)),
        (timedelta(hours=11, minutes=55), timedelta(minutes=5)),
        (timedelta(hours=12), timedelta(minutes=30)),
        (timedelta(hours=23, minutes=30), timedelta(minutes=30)),
        (timedelta(days=1), timedelta(hours=1)),
        (timedelta(days=3, hours=23), timedelta(hours=1)),
        (timedelta(days=4), timedelta(days=1)),
        (timedelta(days=60), timedelta(days=1)),
    ],
)
@pytest.mark.parametrize("state", [AWAITED, PROVISIONAL])
def test_polls_before_an_official_table_follow_the_cadence(
    age: timedelta, step: timedelta, state: ResultsState
) -> None:
    assert_follows(following(FIRST + age, state), FIRST + age, step)


@pytest.mark.parametrize(
    ("age", "step"),
    [
        (timedelta(0), timedelta(hours=1)),
        (timedelta(hours=23), timedelta(hours=1)),
        (timedelta(days=1), timedelta(days=1)),
        (timedelta(days=14), timedelta(days=1)),
        (timedelta(days=15), timedelta(days=7)),
        (timedelta(days=85), timedelta(days=7)),
    ],
)
def test_polls_of_official_results_follow_their_age(age: timedelta, step: timedelta) -> None:
    since = END + timedelta(hours=2, minutes=10)
    assert_follows(following(since + age, OFFICIAL, since=since), since + age, step)


def test_the_first_poll_follows_the_end_by_the_delay() -> None:
    assert following(END - timedelta(hours=1)) == FIRST
    assert following(FIRST - timedelta(seconds=1)) == FIRST


def test_a_late_poll_does_not_delay_the_next_one() -> None:
    assert following(FIRST + timedelta(seconds=20)) == FIRST + timedelta(minutes=5)
    assert following(FIRST + timedelta(minutes=9, seconds=59)) == FIRST + timedelta(minutes=10)


def test_after_a_long_outage_one_poll_is_due() -> None:
    now = FIRST + timedelta(hours=40, minutes=7)
    assert following(now) == FIRST + timedelta(hours=41)


@pytest.mark.parametrize(("minutes", "expected"), [(2, 24 * 30), (7, 144 + 12 * 60 // 7), (30, 144 + 24)])
def test_the_interval_bounds_the_first_day_only(minutes: int, expected: int) -> None:
    first_day = polls(FIRST, AWAITED, FIRST + timedelta(days=1), interval=timedelta(minutes=minutes))
    assert abs(len(first_day) - expected) <= 3  # a stage's end cuts the grid
    steps = {later - earlier for earlier, later in zip([FIRST, *first_day], first_day, strict=False)}
    assert max(steps) <= timedelta(minutes=minutes)
    assert following(FIRST + timedelta(days=2), interval=timedelta(minutes=minutes)) == FIRST + timedelta(
        days=2, hours=1
    )


def test_polls_for_corrections_are_few_and_end_thirty_days_after_the_season() -> None:
    since = FIRST + timedelta(minutes=20)
    found = polls(since, OFFICIAL, SEASON_END + timedelta(days=60), since=since)
    per_phase = Counter((moment - since).days // 15 == 0 for moment in found)
    assert (found[0], found[-1]) == (since + timedelta(hours=1), SEASON_END + timedelta(days=30))
    assert per_phase[True] == 24 + 14
    assert per_phase[False] < 30
    assert any(abs(moment - since - timedelta(days=89)) < timedelta(days=7) for moment in found)


def test_thirty_days_after_the_season_everything_is_settled() -> None:
    limit = SEASON_END + timedelta(days=30)
    assert not is_settled(limit - timedelta(seconds=1), SEASON_END)
    for state in (AWAITED, PROVISIONAL, OFFICIAL):
        assert following(limit - timedelta(minutes=1), state, since=END) == limit
        assert following(limit, state, since=END) is None
    assert following(FIRST, ResultsState.SETTLED) is None


def test_results_official_long_before_their_first_poll_are_not_polled_hourly() -> None:
    seen = END + timedelta(days=60)
    following_poll = following(seen, OFFICIAL, since=seen)
    assert following_poll is not None
    assert following_poll - seen > timedelta(hours=1)


def test_timing_of_a_practice_is_polled_again_but_rarely() -> None:
    found = polls(FIRST, PROVISIONAL, SEASON_END + timedelta(days=60), kind=PRACTICE)
    assert len(found) < 20
    assert found[0] == FIRST + timedelta(hours=1)
    assert following(FIRST, AWAITED, kind=PRACTICE) == FIRST + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("kind", "event_format", "season", "polled"),
    [
        (SessionKind.RACE, EventFormat.CONVENTIONAL, 1950, True),
        (SessionKind.PRACTICE_1, EventFormat.CONVENTIONAL, 2018, True),
        (SessionKind.PRACTICE_1, EventFormat.CONVENTIONAL, 2017, False),
        (SessionKind.SPRINT_QUALIFYING, EventFormat.SPRINT_SHOOTOUT, 2023, True),
        (SessionKind.PRACTICE_1, EventFormat.TESTING, 2023, False),
    ],
)
def test_which_sessions_have_results(kind: SessionKind, event_format: EventFormat, season: int, polled: bool) -> None:
    assert is_polled(kind, event_format, season) is polled


def test_faults_back_off_to_an_hour() -> None:
    waits = [(retry_after_fault(END, faults) - END) // timedelta(minutes=1) for faults in (1, 2, 3, 4, 5, 50)]
    assert waits == [5, 10, 20, 40, 60, 60]


def session(name: str, **more: object) -> Session:
    values: dict[str, object] = {
        "id": f"2023-{name}/race",
        "event_id": f"2023-{name}",
        "kind": RACE,
        "name": "Race",
        "local_date": date(2023, 7, 2),
        "starts_at": END - timedelta(hours=2),
        "ends_at": END,
        "utc_offset_minutes": 120,
        "status": Status.COMPLETED,
        "source": Source.FASTF1,
        **more,
    }
    return Session.model_validate(values)


def test_due_polls_are_ordered_by_age() -> None:
    now = FIRST + timedelta(hours=5)
    sessions = [
        session("later", next_poll_at=now, poll_attempts=3),
        session("not-yet", next_poll_at=now + timedelta(seconds=1), poll_attempts=3),
        session("never-polled"),
        session("dated", starts_at=None, ends_at=None, local_date=date(1958, 1, 19)),
        session("live", ends_at=now - DELAY + timedelta(seconds=1)),
        session("cancelled", status=Status.CANCELLED),
        session("settled", results_state=ResultsState.SETTLED, next_poll_at=END),
        session("given-up", poll_attempts=9),
        session("moved-ahead", ends_at=now + timedelta(days=1), next_poll_at=END, poll_attempts=2),
    ]
    assert [s.event_id for s in due(sessions, now, DELAY)] == ["2023-dated", "2023-never-polled", "2023-later"]


def test_a_session_with_only_a_date_ends_when_the_day_has_ended_everywhere() -> None:
    dated = session("dated", starts_at=None, ends_at=None)
    over = datetime(2023, 7, 3, 12, tzinfo=UTC) + DELAY
    assert due([dated], over - timedelta(seconds=1), DELAY) == []
    assert due([dated], over, DELAY) == [dated]
