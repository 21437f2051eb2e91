"""Hot polls: while results usually come a run polls again, until its slot in the schedule ends. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.records import ResultsState, Session
from core.rules.results.polling import HOUR, MINUTE, SESSIONS_OF_JOLPICA, over_at

HOT_LASTS = 6 * HOUR
"""From the first poll on; most results come within this time."""

SLOT = 5 * MINUTE
"""The interval of `poll-results`' schedule: Prefect would cancel a run that starts before this one ends."""

TAKES = timedelta(seconds=100)
"""The longest time for one session: Jolpica's answer, live timing's, and delivery of the changes."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_hot(session: Session, now: datetime, delay: timedelta) -> bool:
    """Whether a better table of a session usually comes about now; `delay` is from its end to the first poll."""
    if session.ends_at is None or session.results_state.is_official:
        return False
    if session.results_state is ResultsState.PROVISIONAL and session.kind not in SESSIONS_OF_JOLPICA:
        return False
    first = over_at(session) + delay
    return first <= now < first + HOT_LASTS


def next_hot_poll(began: datetime, now: datetime, every: timedelta, sessions: int) -> datetime | None:
    """When a run polls this many sessions again; None if that would not end within its slot."""
    if not sessions:
        return None
    at = began + ((now - began) // every + 1) * every
    slot_ends = EPOCH + ((began - EPOCH) // SLOT + 1) * SLOT
    return at if at + sessions * TAKES <= slot_ends else None
