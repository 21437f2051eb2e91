"""Shared by the steps that read a session's live timing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, TypeVar

from core.deadline import Deadline
from core.errors import SourceEmpty
from core.fetch.access import Access
from core.records import Event, Session
from core.rules.results import polling
from core.rules.results.due_polls import DuePoll
from flows.runtime.run import Run

D = TypeVar("D")


def fetch_timed(
    run: Run,
    due_poll: DuePoll,
    deadline: Deadline,
    fetch_session: Callable[Concatenate[Event, Session, Access, ...], D],
) -> D | None:
    """A session's document; None if there is nothing yet, or the session's time is unknown."""
    if due_poll.session.wall_time is None:
        return None
    try:
        settled = polling.is_filed(due_poll.session, run.upstream_now)
        return fetch_session(due_poll.event, due_poll.session, run.access(deadline), settled=settled)
    except SourceEmpty:
        return None
