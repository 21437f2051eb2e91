"""Bring what happened on track into the database: laps, stints and the rest of live timing's archive.

    python -m flows.sync_timing [--event ID] [--session KIND] [--now MOMENT]

For sessions since 2018: entries once they have begun, the rest once they are over and their archive is complete, and
all again a day later. An event or session that is given by name is read now, due or not.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime

from prefect import flow

from core.deadline import Deadline
from core.errors import DataRefused, RateLimited, SourceError
from core.kinds import SessionKind, Source
from core.logs import PRINTED
from core.rules.calendar.names import polled_by_name
from core.rules.results.due_polls import DuePoll
from core.rules.timing.outcome import DatasetOutcome, SyncedTiming, TimingOutcome
from flows.output import artifacts, timing
from flows.output.progress import Progress
from flows.runtime import command, named_event
from flows.runtime.refusals import enter_refusal, refusal_in_force
from flows.runtime.run import Run
from flows.tasks.timing import (
    fetch_archive,
    read_due_timing,
    transform_archive,
    upsert_drivers_named,
    upsert_timing,
    upsert_timing_postponed,
)
from flows.webhooks import deliver_at_the_end

logger = logging.getLogger("flows.sync_timing")

SECONDS_PER_SESSION = 120.0
SECONDS_PER_RUN = 600.0
"""The rest is left to the next run."""

UNDONE = (TimingOutcome.FAILED, TimingOutcome.PUT_OFF)
"""The outcomes of an archive that could not be fetched."""


@flow(name="sync-timing", flow_run_name=named_event.run_name("sync-timing"))
def sync_timing(
    event: str | None = None, session: SessionKind | None = None, now: datetime | None = None
) -> list[SyncedTiming]:
    """Read the archives of live timing that are due, or those of one event.

    Args:
        event: an event's or a session's id, to be read now.
        session: only the event's session of this kind.
        now: the moment to run at, instead of the clock's.
    """
    event, session = polled_by_name(event, session)
    run = Run.begin(now)
    for name in upsert_drivers_named(run):
        logger.info("%s", name, extra={PRINTED: True})
    due = read_due_timing(run, event, session)
    artifacts.tag_run({due_poll.event.season for due_poll in due})
    synced: list[SyncedTiming] = []
    with Progress(len(due), "archives read") as progress:
        for one in archives(run, due, by_name=event is not None):
            synced.append(one)
            logger.log(timing.level(one), "%s", timing.line(one), extra=timing.fields(one))
            progress.step()
    logger.info("%s", timing.summary(synced, len(due)), extra={**run.account, PRINTED: True})
    if any(one.of(TimingOutcome.STORED) for one in synced):
        deliver_at_the_end(run)
    if event is not None:
        undone = {one.session_id: one.datasets[0].reason for one in synced if one.of(*UNDONE)}
        named_event.require_done(undone, synced)
    return synced


def archives(run: Run, due: Sequence[DuePoll], *, by_name: bool) -> Iterator[SyncedTiming]:
    """The outcome for each session, until the run's time limit, or until live timing refuses a request."""
    refusal = refusal_in_force(run, Source.LIVETIMING) if due else None
    time = Deadline(SECONDS_PER_RUN)
    for number, due_poll in enumerate(due):
        if time.left < 0:
            logger.info("%s more archives are left to the next run", len(due) - number)
            return
        if refusal is None:
            try:
                yield sync(run, due_poll, by_name=by_name)
                continue
            except RateLimited as error:
                refusal = enter_refusal(run, error)
        put_off = DatasetOutcome("all", TimingOutcome.PUT_OFF, 0, str(refusal.error))
        yield SyncedTiming(due_poll.session.id, (put_off,))  # it stays due


def sync(run: Run, due_poll: DuePoll, *, by_name: bool) -> SyncedTiming:
    """Read one session's archive, and upsert each due dataset.

    Raises:
        RateLimited: live timing refuses the request.
    """
    session_id = due_poll.session.id
    try:
        document = fetch_archive(run, due_poll, Deadline(SECONDS_PER_SESSION))
        if document is None:
            return upsert_timing_postponed(run, session_id, None, by_name=by_name)
        return upsert_timing(run, session_id, transform_archive(run, due_poll, document), by_name=by_name)
    except RateLimited:
        raise
    except (SourceError, DataRefused) as error:
        return upsert_timing_postponed(run, session_id, str(error), by_name=by_name)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.sync_timing", "Bring what happened on track into the database.")
    named_event.add_options(parser, "read")
    return command.run(sync_timing, vars(parser.parse_args(arguments)), timing.print_synced)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
