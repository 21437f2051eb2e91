"""The holding time of answers that are accepted only once they have been repeated."""

from __future__ import annotations

from datetime import timedelta

from calendars import DAY, HOUR, at

from core.kinds import Entity, HeldKind
from core.rules.confirmation import Confirmation


def test_the_holding_time_runs_from_the_first_of_equal_answers() -> None:
    noon = at("2026-03-01T12:00")

    def ask(found: Confirmation, payload: str, wait: timedelta | None = 6 * HOUR) -> bool:
        return found.confirm_or_hold(Entity.EVENT, "e", HeldKind.ABSENT, {"said": payload}, "why", wait)

    first = Confirmation({}, noon)
    assert not ask(first, "a")
    second = Confirmation(first.kept, noon + 3 * HOUR)
    assert not ask(second, "a")
    [kept] = second.kept.values()
    assert (kept.first_seen_at, kept.last_seen_at, kept.times_seen) == (noon, noon + 3 * HOUR, 2)
    other = Confirmation(second.kept, noon + 6 * HOUR)
    assert not ask(other, "b"), "a different answer has its own holding time"
    assert [answer.times_seen for answer in other.kept.values()] == [1]
    third = Confirmation(second.kept, noon + 6 * HOUR)
    assert ask(third, "a")
    assert not third.kept
    assert not ask(Confirmation(second.kept, noon + 900 * DAY), "a", None), "time alone never satisfies it"
    assert ask(Confirmation({}, noon, force=True), "a", None), "force does"
