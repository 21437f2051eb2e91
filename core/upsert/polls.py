"""A session's polls in the database: when it is asked for next, and what a poll without a result leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select

from core import polling
from core.changes import session_changes
from core.database import Database
from core.identity import season_of
from core.records import Change, HeldKind, ResultsState, Session, Status
from core.schema import held, result_revisions, sessions
from core.times import date_over
from core.upsert.rows import write_changes, write_rows

HELD_KINDS = (HeldKind.RESULTS_REJECTED, HeldKind.RESULTS_SUPERSEDED)


@dataclass(frozen=True)
class Cadence:
    """The settings that the polling cadence depends on."""

    delay: timedelta
    interval: timedelta


def note_poll(
    database: Database,
    session_id: str,
    now: datetime,
    cadence: Cadence,
    *,
    error: str | None = None,
    not_before: datetime | None = None,
    flow_run_id: str | None = None,
) -> None:
    """Enter a poll that brought no result: "not published yet" (no error) or a fault; `not_before` puts it off."""
    with database.writing() as connection:
        known = known_session(connection, session_id)
        session = known.session
        after = session.model_copy(
            update={
                "poll_attempts": session.poll_attempts + 1,
                "last_error": error,
                "next_poll_at": polling.retry_after_fault(now, 1 if session.last_error is None else 3)
                if error
                else known.next_poll(session, now, cadence),
            }
        )
        if not_before is not None:
            after = after.model_copy(update={"next_poll_at": max(not_before, now)})
        after = settled(after)
        write_rows(connection, sessions, {session.id: session}, {after.id: after}, stamp=stamp(session, after, now))
        write_changes(connection, state_changes(session, after), now, flow_run_id)


@dataclass(frozen=True)
class KnownSession:
    """A session with what its next poll depends on, and whether anything of it is held: one query."""

    session: Session
    last_date: date | None
    official_since: datetime | None
    holds: bool

    def next_poll(self, session: Session, now: datetime, cadence: Cadence) -> datetime | None:
        """When a session, in whatever state it is by now, is asked for next."""
        ended = polling.over_at(session)
        season_end = ended if self.last_date is None else max(ended, date_over(self.last_date))
        return polling.next_poll(
            session.results_state,
            kind=session.kind,
            ended_at=ended,
            official_since=self.official_since or now,
            now=now,
            season_end=season_end,
            delay=cadence.delay,
            interval=cadence.interval,
        )


def settled(session: Session) -> Session:
    """A session that is never asked for again is settled."""
    if session.next_poll_at is not None:
        return session
    return session.model_copy(update={"results_state": ResultsState.SETTLED})


def state_changes(before: Session, after: Session, *, told: bool = False) -> list[Change]:
    """The status that results bring, and the settling of a session; a revision tells of its own state."""
    same = {"revision": before.revision}
    if told and after.results_state is not ResultsState.SETTLED:
        same["results_state"] = before.results_state  # type: ignore[assignment]
    return session_changes(before, after.model_copy(update=same))


def stamp(before: Session, after: Session, now: datetime) -> datetime | None:
    """`updated_at` moves with what is news, not with the bookkeeping of polls."""
    news = session_changes(before, after)
    return now if news else None


def known_session(connection: Connection, session_id: str) -> KnownSession:
    """Read a session with all that its next poll depends on."""
    others = sessions.alias()
    season = season_of(session_id)
    official = result_revisions.c.state == ResultsState.OFFICIAL.value
    wanted = [column for column in sessions.columns if column.name in Session.model_fields]
    row = dict(
        connection.execute(
            select(
                *wanted,
                select(func.max(others.c.local_date))
                .where(others.c.event_id.like(f"{season}-%"), others.c.status != Status.CANCELLED.value)
                .scalar_subquery()
                .label("last_date"),
                select(func.min(result_revisions.c.observed_at))
                .where(result_revisions.c.session_id == session_id, official)
                .scalar_subquery()
                .label("official_since"),
                select(func.count())
                .where(held.c.entity_id == session_id, held.c.kind.in_(HELD_KINDS))
                .scalar_subquery()
                .label("holds"),
            ).where(sessions.c.id == session_id)
        )
        .mappings()
        .one()
    )
    last_date, official_since, holds = row.pop("last_date"), row.pop("official_since"), row.pop("holds")
    return KnownSession(Session(**row), last_date, official_since, bool(holds))
