"""Bring results into the database: ask for what is due, oldest debt first, and ask the cheapest question.

    python -m flows.poll_results [--event ID] [--session KIND] [--force] [--now MOMENT]

With an event (and a session) it is asked for now, whatever is due.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from prefect import flow
from prefect.runtime import flow_run

from core.deadline import Deadline
from core.debts import Debt, Question, questions
from core.errors import BudgetExhausted, RateLimited, SourceError, UsageError
from core.polling import FIRST_LIVETIMING_SEASON
from core.records import Event, ResultsState, SessionKind, Source
from core.retries import FETCH, UPSERT
from core.upsert.results import Outcome, Polled
from flows import artifacts, command, events, report
from flows.run import Run
from flows.tasks import (
    ask_jolpica,
    ask_livetiming,
    compare_standings,
    read_debts,
    read_standings_owed,
    store_poll,
    store_result,
    store_standings_later,
)

logger = logging.getLogger("flows.poll_results")

TIMING_SECONDS_A_RUN = 120.0
"""Live timing is read so long in one run: a session takes seconds, and what is left of a backlog can wait."""

WITHOUT_RETRY_AFTER = timedelta(minutes=15)
"""How long a rate limit that does not say is respected."""


def _run_name() -> str:
    event, session = flow_run.parameters.get("event"), flow_run.parameters.get("session")
    return "-".join(["poll-results", *([event] if event else []), *([SessionKind(session).value] if session else [])])


@flow(name="poll-results", flow_run_name=_run_name)
def poll_results(
    event: str | None = None, session: SessionKind | None = None, force: bool = False, now: datetime | None = None
) -> list[Polled]:
    """Poll the results that are due, or those of one event.

    Args:
        event: an event's id; its sessions are asked for now.
        session: only the event's session of this kind.
        force: believe at once what would be held.
        now: the moment to reconcile with, instead of the clock's.
    """
    if session is not None and event is None:
        raise UsageError("a session is named within its event: give --event too")
    run = Run.begin(now)
    due: Sequence[Debt] = run.step(read_debts, UPSERT)(run, event, session)
    artifacts.tag_run({debt.event.season for debt in due})
    progress = artifacts.Progress(len(due))
    progress.begin("sessions polled")
    polled: list[Polled] = []
    for outcome in answers(run, questions(due), force):
        polled.append(outcome)
        logger.log(report.poll_level(outcome), "%s", report.poll_line(outcome), extra=report.poll_fields(outcome))
        announce(run, outcome)
        progress.show(len(polled))
    for owed in run.step(read_standings_owed, UPSERT)(run):
        correct_standings(run, owed)
    show_seasons(run, due, polled)
    logger.info("%s", report.polls_line(polled, len(due)), extra=run.account)
    return polled


def answers(run: Run, asked: Sequence[Question], force: bool) -> Iterator[Polled]:
    """What became of each debt: Jolpica's questions first, then those that live timing is asked in its stead."""
    timings: list[Debt] = []
    refused: SourceError | None = None
    for question in asked:
        if question.source is Source.LIVETIMING:
            timings += question.debts
            continue
        if refused is None:
            try:
                found = run.step(ask_jolpica, FETCH)(run, question)
            except (BudgetExhausted, RateLimited) as error:
                refused = error
                logger.warning(
                    "%s: what is left for Jolpica is put off until %s", error, f"{until(run, error):%H:%M} UTC"
                )
            except SourceError as error:
                logger.warning("%s %s: %s", question.season, question.kind.value, error)
                yield from failed(run, question.debts, error)
                continue
        if refused is not None:
            yield from put_off(run, question.debts, refused)
            continue
        for debt, result in found:
            yield run.step(store_result, UPSERT)(run, debt.session.id, result, force=force)
        answered = {debt.session.id for debt, _ in found}
        for debt in question.debts:
            if debt.session.id in answered:
                continue
            if debt.session.results_state is ResultsState.AWAITED and debt.event.season >= FIRST_LIVETIMING_SEASON:
                timings.append(debt)
            else:
                yield not_yet(run, debt)
    patience = Deadline(TIMING_SECONDS_A_RUN)
    for number, debt in enumerate(timings):
        if patience.left < 0:
            logger.info("%s more sessions of live timing are left to the next run", len(timings) - number)
            return
        yield timed(run, debt, force)


def timed(run: Run, debt: Debt, force: bool) -> Polled:
    """What live timing says of a session."""
    try:
        result = run.step(ask_livetiming, FETCH)(run, debt)
    except SourceError as error:
        logger.warning("%s: %s", debt.session.id, error)
        return next(failed(run, [debt], error))
    if result is None:
        return not_yet(run, debt)
    stored: Polled = run.step(store_result, UPSERT)(run, debt.session.id, result, force=force)
    return stored


def not_yet(run: Run, debt: Debt) -> Polled:
    """Enter that nothing is published yet, which is a value and no error."""
    run.step(store_poll, UPSERT)(run, debt.session.id, None, None)
    return Polled(session_id=debt.session.id, outcome=Outcome.NOT_YET, revision=debt.session.revision)


def failed(run: Run, debts: Sequence[Debt], error: SourceError) -> Iterator[Polled]:
    """Enter a fault: the sessions are asked for again soon, ever less so."""
    for debt in debts:
        run.step(store_poll, UPSERT)(run, debt.session.id, str(error), None)
        yield Polled(session_id=debt.session.id, outcome=Outcome.FAILED, revision=debt.session.revision)


def put_off(run: Run, debts: Sequence[Debt], error: SourceError) -> Iterator[Polled]:
    """Enter that sessions are asked for once the budget, or the source, allows it."""
    for debt in debts:
        run.step(store_poll, UPSERT)(run, debt.session.id, str(error), until(run, error))
        yield Polled(session_id=debt.session.id, outcome=Outcome.PUT_OFF, revision=debt.session.revision)


def until(run: Run, error: SourceError) -> datetime:
    """Until when a refusal is respected."""
    if isinstance(error, BudgetExhausted):
        return error.until
    asked = error.retry_after if isinstance(error, RateLimited) else None
    return run.upstream_now + (timedelta(seconds=asked) if asked is not None else WITHOUT_RETRY_AFTER)


def correct_standings(run: Run, event: Event) -> None:
    """Compare our standings after an event with Jolpica's, which win; where that fails they are asked for later."""
    try:
        differences = run.step(compare_standings, FETCH)(run, event)
    except SourceError as error:
        logger.warning("%s standings: %s; ours stand", event.id, error)
        run.step(store_standings_later, UPSERT)(run, event)
        return
    for difference in differences:
        logger.warning("%s standings: %s", event.id, difference)


def announce(run: Run, polled: Polled) -> None:
    """Tell of an accepted revision by a Prefect event, and show it in the UI, where a Prefect API is there."""
    if run.flow_run_id is None or not polled.outcome.is_revision:
        return
    events.results_accepted(polled)
    artifacts.show_result(run.database, polled)


def show_seasons(run: Run, due: Sequence[Debt], polled: Sequence[Polled]) -> None:
    """Show the state of each season that has a new revision."""
    if run.flow_run_id is None:
        return
    revised = {outcome.session_id for outcome in polled if outcome.outcome.is_revision}
    for season in sorted({debt.event.season for debt in due if debt.session.id in revised}):
        artifacts.show_season(run.database, season)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.poll_results", "Bring results into the database.")
    parser.add_argument("--event", metavar="ID", help="poll this event now, whatever is due")
    parser.add_argument(
        "--session", type=command.session_kind, metavar="KIND", help="only its session of this kind, such as race"
    )
    parser.add_argument("--force", action="store_true", help="believe at once what would be held")
    return command.run(poll_results, parser, arguments, report.print_polls)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
