"""Bring results into the database: poll the sessions that are due, oldest first, with as few requests as possible.

    python -m flows.poll_results [--event ID] [--session KIND] [--force] [--stay] [--now MOMENT]

An event or session that is given by name is polled now, due or not. While results are expected, a deployment's run
stays and polls every HOT_POLL_SECONDS until its five minutes end; in your own cron job use `--stay`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime

from prefect import flow

from core.kinds import RACED, SessionKind, Source
from core.logs import PRINTED
from core.records import Event
from core.rules.calendar.names import polled_by_name
from core.rules.results.due_polls import DuePoll, ResultQuery, result_queries
from core.rules.results.outcome import Polled
from flows.output import artifacts, report
from flows.output.progress import LONG, Progress
from flows.polls import hot, livetiming
from flows.polls.jolpica import JolpicaPolls
from flows.polls.outcomes import UNDONE, announce
from flows.polls.standings import correct_standings
from flows.runtime import command, named_event
from flows.runtime.run import Run
from flows.tasks.results import read_due_polls, read_due_standings
from flows.webhooks import deliver_at_the_end

logger = logging.getLogger("flows.poll_results")


@flow(name="poll-results", flow_run_name=named_event.run_name("poll-results"))
def poll_results(
    event: str | None = None,
    session: SessionKind | None = None,
    force: bool = False,
    stay: bool = False,
    now: datetime | None = None,
) -> list[Polled]:
    """Poll the results that are due, or those of one event.

    Args:
        event: an event's or a session's id, to be polled now.
        session: only the event's session of this kind.
        force: apply at once what would be held.
        stay: poll awaited sessions again until the run's five minutes end; a deployment's run always does.
        now: the moment to run at, instead of the clock's.
    """
    event, session = polled_by_name(event, session)
    run = Run.begin(now)
    if event is None and (stay or (run.is_deployed and not run.now_given)):
        run = run.staying()
    due = read_due_polls(run, event, session)
    artifacts.tag_run({due_poll.event.season for due_poll in due})
    polled = poll(run, due, force, by_name=event is not None)
    due_standings = read_due_standings(run)
    for one in due_standings:
        correct_standings(run, one)
    if due_standings or any(one.outcome.is_revision for one in polled):
        deliver_at_the_end(run)
    if run.stays:
        polled = hot.stay(run, due, polled, poll_again)
    show_seasons(run, due, polled, due_standings)
    logger.info("%s", report.polls_line(polled, len(due)), extra={**run.account, PRINTED: True})
    if event is not None:
        undone = {one.session_id: f"{one.outcome.value}: {one.reason}" for one in polled if one.outcome in UNDONE}
        named_event.require_done(undone, polled)
    return polled


def poll(run: Run, due: Sequence[DuePoll], force: bool, *, by_name: bool) -> list[Polled]:
    """Poll sessions and show each outcome; `by_name`: the run ends in an error if a poll is undone."""
    queries = result_queries(due)
    if len(due) >= LONG:
        logger.info("%s", report.due_line(queries))
    polled: list[Polled] = []
    with Progress(len(due), "sessions polled") as progress:
        for one in outcomes(run, queries, force):
            polled.append(one)
            fields = report.poll_fields(one)
            if by_name and one.outcome in UNDONE:
                fields[PRINTED] = True  # the run ends with this line as its error
            logger.log(report.poll_level(one), "%s", report.poll_line(one), extra=fields)
            announce(run, one)
            progress.step()
    return polled


def poll_again(run: Run, due: Sequence[DuePoll]) -> list[Polled]:
    """Poll the sessions that a run stays for, and deliver changes at once."""
    polled = poll(run, due, force=False, by_name=False)
    if any(one.outcome.is_revision for one in polled):
        deliver_at_the_end(run)
    return polled


def outcomes(run: Run, queries: Sequence[ResultQuery], force: bool) -> Iterator[Polled]:
    """The outcome for each session: Jolpica's first, then those read from live timing."""
    done = set()
    for polled in JolpicaPolls(run, force).of([query for query in queries if query.source is Source.JOLPICA]):
        done.add(polled.session_id)
        yield polled
    left = [due_poll for query in queries for due_poll in query.due_polls if due_poll.session.id not in done]
    yield from livetiming.polls(run, left, force)


def show_seasons(run: Run, due: Sequence[DuePoll], polled: Sequence[Polled], due_standings: Sequence[Event]) -> None:
    """Show each season that has a new revision, and the standings after its races and after `due_standings`."""
    if run.flow_run_id is None:
        return
    revised = {one.session_id for one in polled if one.outcome.is_revision}
    new = [due_poll for due_poll in due if due_poll.session.id in revised]
    for season in sorted({due_poll.event.season for due_poll in new}):
        artifacts.show_season(run.database, season)
    scored = [due_poll.event for due_poll in new if due_poll.session.kind in RACED]
    artifacts.show_standings(run.database, [*scored, *due_standings])


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.poll_results", "Bring results into the database.")
    named_event.add_options(parser, "poll")
    parser.add_argument("--force", action="store_true", help="apply at once what would be held")
    parser.add_argument("--stay", action="store_true", help="poll awaited sessions until the run's five minutes end")
    return command.run(poll_results, vars(parser.parse_args(arguments)), report.print_polls)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
