"""Bring results into the database: ask for what is due, oldest due_poll first, and ask the cheapest query.

    python -m flows.poll_results [--event ID] [--session KIND] [--force] [--now MOMENT]

With an event (and a session) it is asked for now, whatever is due.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from prefect import flow
from prefect.runtime import flow_run

from core.deadline import Deadline
from core.errors import (
    BudgetExhausted,
    DataRefused,
    F1FlowsError,
    NotDone,
    RateLimited,
    SourceError,
    SourceMalformed,
    UsageError,
)
from core.logs import PRINTED
from core.records import Event, ResultsState, SessionKind, SessionResult, Source
from core.retries import FETCH, UPSERT
from core.rules.calendar.names import event_and_kind
from core.rules.results.due_polls import DuePoll, ResultQuery, result_queries
from core.rules.results.outcome import Outcome, Polled
from core.rules.results.polling import FIRST_LIVETIMING_SEASON, SESSIONS_OF_JOLPICA
from flows.output import artifacts, events, report
from flows.output.progress import LONG, Progress
from flows.runtime import command
from flows.runtime.run import Refusal, Run
from flows.tasks import (
    ask_jolpica,
    ask_livetiming,
    compare_standings,
    read_due,
    read_standings_owed,
    store_poll,
    store_result,
    store_standings_later,
)

if TYPE_CHECKING:
    from core.transform.answers import Answer

logger = logging.getLogger("flows.poll_results")

TIMING_SECONDS_A_RUN = 120.0
"""Live timing is read so long in one run: a session takes seconds, and what is left of a backlog can wait."""

FAILURES_IN_A_ROW = 2
"""So many failed queries end the attempt to read a season's table session by session."""


UNDONE = (Outcome.FAILED, Outcome.PUT_OFF)
"""What became of a session that was not polled to its end."""


def _run_name() -> str:
    event, session = flow_run.parameters.get("event"), flow_run.parameters.get("session")
    kind = [SessionKind(session).value] if session else []
    return "-".join(["poll-results", *(event.split("/") if event else []), *kind])


@flow(name="poll-results", flow_run_name=_run_name)
def poll_results(
    event: str | None = None, session: SessionKind | None = None, force: bool = False, now: datetime | None = None
) -> list[Polled]:
    """Poll the results that are due, or those of one event.

    Args:
        event: an event's id, or a session's; they are asked for now.
        session: only the event's session of this kind.
        force: believe at once what would be held.
        now: the moment to reconcile with, instead of the clock's.
    """
    if event is not None:
        event, session = event_and_kind(event, session)
    elif session is not None:
        raise UsageError("a session is named within its event: give --event too")
    run = Run.begin(now)
    due: Sequence[DuePoll] = run.step(read_due, UPSERT)(run, event, session)
    artifacts.tag_run({due_poll.event.season for due_poll in due})
    asked = result_queries(due)
    if len(due) >= LONG:
        logger.info("%s", report.due_line(asked))
    polled: list[Polled] = []
    with Progress(len(due), "sessions polled") as progress:
        for outcome in answers(run, asked, force):
            polled.append(outcome)
            fields = report.poll_fields(outcome)
            if event is not None and outcome.outcome in UNDONE:
                fields[PRINTED] = True  # as the error that this run ends in
            logger.log(report.poll_level(outcome), "%s", report.poll_line(outcome), extra=fields)
            announce(run, outcome)
            progress.step()
    for owed in run.step(read_standings_owed, UPSERT)(run):
        correct_standings(run, owed)
    show_seasons(run, due, polled)
    logger.info("%s", report.polls_line(polled, len(due)), extra={**run.account, PRINTED: True})
    if event is not None:
        refuse_failed(polled)
    return polled


def refuse_failed(polled: Sequence[Polled]) -> None:
    """End in failure where polls did: what was asked for by name is not done, though all of it is entered.

    Raises:
        NotDone: a poll failed or was put off.
    """
    failed = [one for one in polled if one.outcome in UNDONE]
    if failed:
        ids = ", ".join(one.session_id for one in failed)
        raise NotDone(f"{ids}: {failed[0].outcome.value}: {failed[0].reason}", list(polled))


def answers(run: Run, asked: Sequence[ResultQuery], force: bool) -> Iterator[Polled]:
    """What became of each session: Jolpica's first, then those for which live timing is read instead."""
    timings = [due_poll for query in asked if query.source is Source.LIVETIMING for due_poll in query.due_polls]
    queries = [query for query in asked if query.source is Source.JOLPICA]
    refusal = run.refusal(Source.JOLPICA) if queries else None
    for query in queries:
        if refusal is None:
            try:
                yield from published(run, query, timings, force)
                continue
            except Refused as refused:
                refusal = run.refused(refused.error)
                logger.warning(
                    "%s: Jolpica's sessions are put off until %s UTC", refusal.error, f"{refusal.until:%H:%M}"
                )
                query = replace(query, due_polls=tuple(refused.due_polls))
        yield from put_off(run, query.due_polls, refusal)
    yield from timed_sessions(run, timings, force)


@dataclass
class Refused(Exception):
    """The budget, or a source, allows no more requests; `due_polls` are the sessions that were not read."""

    error: SourceError
    due_polls: Sequence[DuePoll]


def published(run: Run, query: ResultQuery, timings: list[DuePoll], force: bool) -> Iterator[Polled]:
    """What Jolpica has of one query's sessions; those for which live timing is read instead go to `timings`.

    A season's table that cannot be read is read session by session, until that fails too.

    Raises:
        Refused: no request is allowed now.
    """
    try:
        found = run.step(ask_jolpica, FETCH)(run, query)
    except (BudgetExhausted, RateLimited) as error:
        raise Refused(error, query.due_polls) from error
    except SourceError as error:
        if not (isinstance(error, SourceMalformed) and len(query.due_polls) > 1):
            yield from failed(run, query.due_polls, error)
            return
        logger.warning("%s %s: %s; read session by session", query.season, query.kind.value, error)
    else:
        yield from entered(run, query, found, timings, force)
        return
    failures = 0
    singles = query.by_session()
    for number, single in enumerate(singles):
        try:
            found = run.step(ask_jolpica, FETCH)(run, single)
        except (BudgetExhausted, RateLimited) as error:
            raise Refused(error, [due_poll for rest in singles[number:] for due_poll in rest.due_polls]) from error
        except SourceError as error:
            yield from failed(run, single.due_polls, error)
            failures += 1
            if failures == FAILURES_IN_A_ROW:
                yield from failed(
                    run, [due_poll for rest in singles[number + 1 :] for due_poll in rest.due_polls], error
                )
                return
            continue
        failures = 0
        yield from entered(run, single, found, timings, force)


def entered(
    run: Run, query: ResultQuery, found: Sequence[Answer], timings: list[DuePoll], force: bool
) -> Iterator[Polled]:
    """Enter what was found of a query's sessions, and what was not."""
    for answer in found:
        if isinstance(answer.result, SourceMalformed):
            yield from failed(run, [answer.due_poll], answer.result, answer.document)
        else:
            yield stored(run, answer.due_poll, answer.result, force)
    answered = {answer.due_poll.session.id for answer in found}
    for due_poll in query.due_polls:
        if due_poll.session.id in answered:
            continue
        if due_poll.session.results_state is ResultsState.AWAITED and due_poll.event.season >= FIRST_LIVETIMING_SEASON:
            timings.append(due_poll)
        else:
            yield not_yet(run, due_poll)


def stored(run: Run, due_poll: DuePoll, result: SessionResult, force: bool) -> Polled:
    """Make a result the session's next revision; data that the database refuses is that session's fault alone."""
    try:
        polled: Polled = run.step(store_result, UPSERT)(run, due_poll.session.id, result, force=force)
    except DataRefused as error:
        return next(failed(run, [due_poll], error))
    return polled


def timed_sessions(run: Run, timings: Sequence[DuePoll], force: bool) -> Iterator[Polled]:
    """What live timing says of sessions, until the run's time for it is over, or it asks to wait."""
    refusal = run.refusal(Source.LIVETIMING) if timings else None
    patience = Deadline(TIMING_SECONDS_A_RUN)
    for number, due_poll in enumerate(timings):
        if patience.left < 0:
            logger.info("%s more sessions of live timing are left to the next run", len(timings) - number)
            return
        if refusal is None:
            try:
                yield timed(run, due_poll, force)
                continue
            except RateLimited as error:
                refusal = run.refused(error)
                logger.warning("%s: live timing is put off until %s UTC", error, f"{refusal.until:%H:%M}")
        if due_poll.session.kind in SESSIONS_OF_JOLPICA:
            yield not_yet(run, due_poll)  # Jolpica is polled again by its own cadence
        else:
            yield from put_off(run, [due_poll], refusal)


def timed(run: Run, due_poll: DuePoll, force: bool) -> Polled:
    """What live timing says of a session.

    Raises:
        RateLimited: it asks to wait.
    """
    try:
        result = run.step(ask_livetiming, FETCH)(run, due_poll)
    except RateLimited:
        raise
    except SourceError as error:
        return next(failed(run, [due_poll], error))
    if result is None:
        return not_yet(run, due_poll)
    return stored(run, due_poll, result, force)


def not_yet(run: Run, due_poll: DuePoll) -> Polled:
    """Enter that nothing is published yet, which is a value and no error."""
    note = run.step(store_poll, UPSERT)(run, due_poll.session.id, None, None)
    return polled_as(Outcome.NOT_YET, due_poll, note)


def failed(
    run: Run, due_polls: Sequence[DuePoll], error: F1FlowsError, document: str | None = None
) -> Iterator[Polled]:
    """Enter a fault: the sessions are polled again soon, ever less so."""
    for due_poll in due_polls:
        run.step(store_poll, UPSERT)(run, due_poll.session.id, str(error), None, document)
        yield polled_as(Outcome.FAILED, due_poll, reason=str(error))


def put_off(run: Run, due_polls: Sequence[DuePoll], refusal: Refusal) -> Iterator[Polled]:
    """Enter that sessions are polled once the budget, or the source, allows it."""
    for due_poll in due_polls:
        run.step(store_poll, UPSERT)(run, due_poll.session.id, str(refusal.error), refusal.until)
        yield polled_as(Outcome.PUT_OFF, due_poll, reason=str(refusal.error))


def polled_as(outcome: Outcome, due_poll: DuePoll, note: str = "", *, reason: str = "") -> Polled:
    """A poll that made no revision."""
    warnings = (note,) if note else ()
    session = due_poll.session
    return Polled(session_id=session.id, outcome=outcome, revision=session.revision, warnings=warnings, reason=reason)


def correct_standings(run: Run, event: Event) -> None:
    """Compare our standings after an event with Jolpica's, which win; where that fails they are asked for later."""
    try:
        differences = run.step(compare_standings, FETCH)(run, event)
    except (SourceError, DataRefused) as error:
        logger.warning("%s standings: %s; ours stand", event.id, error)
        is_refused = isinstance(error, SourceMalformed | DataRefused)
        run.step(store_standings_later, UPSERT)(run, event, str(error), is_refused=is_refused)
        return
    for difference in differences:
        logger.warning("%s standings: %s", event.id, difference)


def announce(run: Run, polled: Polled) -> None:
    """Tell of an accepted revision by a Prefect event, and show it in the UI, where a Prefect API is there."""
    if run.flow_run_id is None or not polled.outcome.is_revision:
        return
    events.results_accepted(polled)
    artifacts.show_result(run.database, polled)


def show_seasons(run: Run, due: Sequence[DuePoll], polled: Sequence[Polled]) -> None:
    """Show the state of each season that has a new revision."""
    if run.flow_run_id is None:
        return
    revised = {outcome.session_id for outcome in polled if outcome.outcome.is_revision}
    for season in sorted({due_poll.event.season for due_poll in due if due_poll.session.id in revised}):
        artifacts.show_season(run.database, season)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.poll_results", "Bring results into the database.")
    parser.add_argument("--event", metavar="ID", help="poll this event, or session, now, whatever is due")
    parser.add_argument(
        "--session", type=command.session_kind, metavar="KIND", help="only its session of this kind, such as race"
    )
    parser.add_argument("--force", action="store_true", help="believe at once what would be held")
    return command.run(poll_results, vars(parser.parse_args(arguments)), report.print_polls)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
