"""Hot polls: a run stays, and polls sessions with expected results again until its slot ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from core.rules.results.due_polls import DuePoll
from core.rules.results.outcome import Polled
from core.rules.results.polling import is_hot, next_hot_poll
from flows.polls.outcomes import UNDONE
from flows.runtime.run import Run
from flows.tasks.results import read_due_polls

Poll = Callable[[Run, Sequence[DuePoll]], list[Polled]]


def stay(run: Run, due: Sequence[DuePoll], polled: Sequence[Polled], poll: Poll) -> list[Polled]:
    """Poll awaited sessions every HOT_POLL_SECONDS; returns the last outcome of each session.

    A session whose poll is undone is polled next by its own cadence.

    Args:
        polled: the outcomes of the run's first poll of `due`.
        poll: polls sessions in a run with a later `now`.
    """
    every = timedelta(seconds=run.settings.hot_poll_seconds)
    latest = {one.session_id: one for one in polled}
    while True:
        left_to_the_schedule = {key for key, one in latest.items() if one.outcome in UNDONE}
        now = run.time.present()
        due = _awaited(run.later(now), due, left_to_the_schedule)
        at = next_hot_poll(run.now, now, every, len(due))
        if at is None:
            break
        run.time.wait((at - now).total_seconds())
        later = run.later(run.time.present())
        if not later.ledger.allows_hot_polls():
            break
        latest |= {one.session_id: one for one in poll(later, due)}
    return list(latest.values())


def _awaited(run: Run, due: Sequence[DuePoll], without: Collection[str]) -> list[DuePoll]:
    """The sessions to stay for, as they are now."""
    hot = [
        due_poll
        for due_poll in due
        if due_poll.session.id not in without and is_hot(due_poll.session, run.now, run.cadence.delay)
    ]
    return [
        again
        for due_poll in hot
        for again in read_due_polls(run, due_poll.event.id, due_poll.session.kind)
        if is_hot(again.session, run.now, run.cadence.delay)
    ]
