"""Polls live timing: session by session, within a time limit per run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from core.deadline import Deadline
from core.errors import RateLimited, SourceError
from core.kinds import Source
from core.rules.results.due_polls import DuePoll
from core.rules.results.outcome import Polled
from core.rules.results.polling import SESSIONS_OF_JOLPICA
from flows.polls import outcomes
from flows.runtime.refusals import put_off, refusal_in_force
from flows.runtime.run import Run
from flows.tasks.results import fetch_timing, transform_timing

logger = logging.getLogger(__name__)

SECONDS_PER_SESSION = 60.0
SECONDS_PER_RUN = 120.0
"""The time limit of live timing in one run; the rest is left to the next run."""


def polls(run: Run, due_polls: Sequence[DuePoll], force: bool) -> Iterator[Polled]:
    """The outcome for each session, until the run's time limit, or until live timing refuses a request."""
    refusal = refusal_in_force(run, Source.LIVETIMING) if due_polls else None
    time = Deadline(SECONDS_PER_RUN)
    for number, due_poll in enumerate(due_polls):
        if time.left < 0:
            logger.info("%s more sessions of live timing are left to the next run", len(due_polls) - number)
            return
        if refusal is None:
            try:
                yield _poll(run, due_poll, force)
                continue
            except RateLimited as error:
                refusal = put_off(run, error)
        if due_poll.session.kind in SESSIONS_OF_JOLPICA:
            yield outcomes.not_published(run, due_poll)  # the next poll of Jolpica is due by its own cadence
        else:
            yield outcomes.put_off(run, due_poll, refusal)


def _poll(run: Run, due_poll: DuePoll, force: bool) -> Polled:
    """The outcome for one session.

    Raises:
        RateLimited: live timing refuses the request.
    """
    try:
        document = fetch_timing(run, due_poll, Deadline(SECONDS_PER_SESSION))
        if document is None:
            return outcomes.not_published(run, due_poll)
        result = transform_timing(run, due_poll, document)
    except RateLimited:
        raise
    except SourceError as error:
        return outcomes.fail(run, due_poll, error)
    return outcomes.accept(run, due_poll, result, force)
