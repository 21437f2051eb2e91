"""A backfill's requests beside polls: it waits for its own, and polls never wait for it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from core.database import Database
from core.errors import Braked, BudgetExhausted, RateLimited
from core.schema import upstream_requests
from core.upsert.ledger import BUDGET, HOUR, RESERVE, Ledger
from flows.runtime.allowance import APART_SECONDS, Allowance
from flows.runtime.limit import DECAY, SLOTS
from flows.runtime.run import Run

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ALL = 560
"""The requests for all seasons."""

WEEKEND = 16
"""The requests of polls in the busiest hour of a weekend."""


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Said:
    """Until when a run said that it waits."""

    def __init__(self) -> None:
        self.until: list[datetime | None] = []

    def waits(self, until: datetime | None) -> None:
        self.until.append(until)

    def fetched(self) -> None:
        """Nothing is said of an answer."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the allowance and the ledger."""
    found = Clock()
    monkeypatch.setattr(time, "monotonic", found.monotonic)
    monkeypatch.setattr(time, "sleep", found.sleep)
    return found


@pytest.fixture
def run(sqlite: Database, clock: Clock) -> Run:
    return Run.begin(NOW, reserve=RESERVE)


def in_a_flow_run(run: Run) -> Run:
    return replace(run, flow_run_id="5f0c0f6e-7e63-4f0c-8a52-000000000000")


def test_all_of_history_takes_less_than_five_hours_and_no_poll_waits(run: Run, clock: Clock, sqlite: Database) -> None:
    """Polls of the busiest weekend, every hour: the ledger allows each, and the limit's slots are there."""
    allowance, polls = Allowance(in_a_flow_run(run), Said().waits, Said().fetched), Ledger(sqlite, NOW)
    taken, fullest, at = 0.0, 0.0, 0.0
    polled = 0
    for number in range(ALL):
        allowance.ask(lambda number=number: run.ledger.permit("host", f"/{number}")(200, 1.0))
        while polled < WEEKEND * clock.seconds / 3600:
            polls.permit("host", "/poll")(200, 1.0)
            polled += 1
        taken = max(taken - DECAY * (clock.seconds - at), 0.0) + 1
        fullest, at = max(fullest, taken), clock.seconds
    assert clock.seconds < 5 * 3600
    assert polled >= 4 * WEEKEND
    assert fullest <= 1 < SLOTS
    with sqlite.reading() as connection:
        asked = sorted(connection.scalars(select(upstream_requests.c.at)))
    assert max(sum(one - HOUR < other <= one for other in asked) for one in asked) <= BUDGET - RESERVE + WEEKEND


def test_a_reserve_is_left_to_polls(run: Run, sqlite: Database) -> None:
    for number in range(BUDGET - RESERVE):
        run.ledger.permit("host", f"/{number}")
    assert run.ledger.left() == 0
    with pytest.raises(BudgetExhausted):
        run.ledger.permit("host", "/")
    polls = Ledger(sqlite, NOW)
    for number in range(RESERVE):
        polls.permit("host", f"/{number}")
    with pytest.raises(BudgetExhausted):
        polls.permit("host", "/")


def test_requests_of_a_killed_run_count_for_the_next_one(run: Run, sqlite: Database) -> None:
    """And what polls asked before it: it may be that run's."""
    for number in range(BUDGET - RESERVE):
        run.ledger.permit("host", f"/{number}")
    assert Run.begin(NOW + timedelta(minutes=1), reserve=RESERVE).ledger.left() == 0


def test_a_direct_run_makes_its_requests_at_once_and_then_waits_for_the_next_hour(run: Run, clock: Clock) -> None:
    said = Said()
    allowance = Allowance(run, said.waits, said.fetched)
    for number in range(BUDGET - RESERVE):
        allowance.ask(lambda number=number: run.ledger.permit("host", f"/{number}"))
    assert (clock.seconds, said.until) == (0, [])
    allowance.ask(lambda: run.ledger.permit("host", "/"))
    assert clock.seconds == 3600
    assert said.until == [NOW + HOUR, None]


def test_requests_of_a_flow_run_are_apart(run: Run, clock: Clock) -> None:
    allowance = Allowance(in_a_flow_run(run), Said().waits, Said().fetched)
    moments = [allowance.ask(clock.monotonic) for _ in range(3)]
    assert moments == [0, APART_SECONDS, 2 * APART_SECONDS]
    assert APART_SECONDS > 1 / DECAY


@pytest.mark.parametrize(
    ("refusal", "waited"),
    [
        (RateLimited("jolpica", 90.0), 90),
        (RateLimited("jolpica", None), 15 * 60),
        (Braked("jolpica", 60.0), 60),
        (BudgetExhausted("jolpica", NOW + timedelta(minutes=2)), 120),
    ],
)
def test_a_refused_request_is_repeated_after_its_wait(
    refusal: Exception, waited: float, run: Run, clock: Clock
) -> None:
    answers = iter([refusal, "answer"])

    def request() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert Allowance(run, Said().waits, Said().fetched).ask(request) == "answer"
    assert clock.seconds == waited


def test_a_rate_limit_of_another_process_is_obeyed(run: Run, clock: Clock, sqlite: Database) -> None:
    entry = {"at": NOW, "host": "jolpica", "path": "", "status": 429, "retry_at": NOW + timedelta(minutes=5)}
    with sqlite.writing() as connection:
        connection.execute(insert(upstream_requests), entry)
    Allowance(run, Said().waits, Said().fetched).ask(lambda: run.ledger.permit("host", "/"))
    assert clock.seconds == 300
