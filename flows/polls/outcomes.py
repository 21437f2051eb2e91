"""Stores and announces the outcome of a session's poll."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.errors import DataRefused, F1FlowsError, SourceMalformed
from core.records import SessionResult
from core.rules.results.due_polls import Answer, DuePoll, ResultQuery
from core.rules.results.outcome import Outcome, Polled
from flows.output import artifacts, events
from flows.runtime.refusals import Refusal
from flows.runtime.run import Run
from flows.tasks.results import upsert_poll, upsert_result

UNDONE = (Outcome.FAILED, Outcome.PUT_OFF)
"""The outcomes of a session whose poll did not succeed, because a source failed or refused."""


def of_answers(run: Run, query: ResultQuery, answers: Sequence[Answer], force: bool) -> Iterator[Polled]:
    """Store and yield the outcomes of a query's sessions; unanswered ones are left out if live timing may have them."""
    answered = {answer.due_poll.session.id: answer for answer in answers}
    for due_poll in query.due_polls:
        if (answer := answered.get(due_poll.session.id)) is None:
            if not due_poll.may_have_timing:
                yield not_published(run, due_poll)
        elif isinstance(answer.result, SourceMalformed):
            yield fail(run, due_poll, answer.result, answer.document)
        else:
            yield accept(run, due_poll, answer.result, force)


def accept(run: Run, due_poll: DuePoll, result: SessionResult, force: bool) -> Polled:
    """Make a result the session's next revision; data that the database refuses fail only this session."""
    try:
        return upsert_result(run, due_poll.session.id, result, force=force)
    except DataRefused as error:
        return fail(run, due_poll, error)


def not_published(run: Run, due_poll: DuePoll) -> Polled:
    """Store that nothing is published yet, which is not an error."""
    note = upsert_poll(run, due_poll.session.id)
    return _without_revision(Outcome.NOT_YET, due_poll, warnings=(note,) if note else ())


def fail(run: Run, due_poll: DuePoll, error: F1FlowsError, document: str | None = None) -> Polled:
    """Store a fault: the session is polled again soon, and less often with each fault in a row."""
    upsert_poll(run, due_poll.session.id, error=str(error), document=document)
    return _without_revision(Outcome.FAILED, due_poll, reason=str(error))


def put_off(run: Run, due_poll: DuePoll, refusal: Refusal) -> Polled:
    """Store that the session is polled again once the source, or the budget, allows a request."""
    upsert_poll(run, due_poll.session.id, error=str(refusal.error), not_before=refusal.until)
    return _without_revision(Outcome.PUT_OFF, due_poll, reason=str(refusal.error))


def announce(run: Run, polled: Polled) -> None:
    """Emit a Prefect event for an accepted revision, and show it in the UI."""
    if run.flow_run_id is not None and polled.outcome.is_revision:
        events.results_accepted(polled)
        artifacts.show_result(run.database, polled)


def _without_revision(
    outcome: Outcome, due_poll: DuePoll, *, warnings: tuple[str, ...] = (), reason: str = ""
) -> Polled:
    session = due_poll.session
    return Polled(session_id=session.id, outcome=outcome, revision=session.revision, warnings=warnings, reason=reason)
