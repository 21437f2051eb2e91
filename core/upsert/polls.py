"""A session's polls in the database: when it is asked for next, and what a poll without a result leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from core.database import Database
from core.records import Change, Entity, Held, HeldKind, ResultsState, Session, Status
from core.rules.calendar.identity import season_of
from core.rules.calendar.times import date_over
from core.rules.changes import session_changes
from core.rules.confirmation import Confirmation, Key
from core.rules.results import polling
from core.schema import held, result_revisions, sessions
from core.upsert.rows import read_records, records_of, write_changes, write_held, write_rows

HELD_KINDS = (
    HeldKind.RESULTS_REJECTED,
    HeldKind.RESULTS_SUPERSEDED,
    HeldKind.RESULTS_SHORT,
    HeldKind.RESULTS_ABSENT,
)


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
    document: str | None = None,
    not_before: datetime | None = None,
    flow_run_id: str | None = None,
) -> str:
    """Enter a poll that brought no result: nothing published (no error), or a fault.

    Args:
        document: what upstream said, where it could not be read: it is held, with the error as the reason.
        not_before: the source allows no request until then, which is no fault of the session.

    Returns:
        What a person should know of it: that a past session has no results; else nothing.
    """
    with database.writing() as connection:
        known = known_session(connection, session_id)
        session = known.session
        confirmation = Confirmation(known.read_held(connection), now)
        update: dict[str, Any] = {"poll_attempts": session.poll_attempts + 1, "last_error": error}
        note = ""
        if not_before is not None:
            update["next_poll_at"] = max(not_before, now)
        elif error is not None:
            update |= {"poll_faults": session.poll_faults + 1}
            update["next_poll_at"] = polling.retry_after_fault(now, session.poll_faults + 1)
            if document is not None:
                refused = confirmation.hold_rejected(session_id, {"document": document}, error)
                if known.is_past(now):
                    update["next_poll_at"] = polling.retry_past(now, refused.times_seen)
        else:
            update |= {"poll_faults": 0, "next_poll_at": known.next_poll(session, now, cadence)}
            if update["next_poll_at"] is None and session.results_state is not ResultsState.SETTLED:
                update["next_poll_at"], note = after_nothing(confirmation, session_id, now)
        after = settled(session.model_copy(update=update))
        write_rows(connection, sessions, {session.id: session}, {after.id: after}, stamp=stamp(session, after, now))
        write_held(connection, confirmation.found, confirmation.kept)
        write_changes(connection, state_changes(session, after), now, flow_run_id)
    return note


def after_nothing(confirmation: Confirmation, session_id: str, now: datetime) -> tuple[datetime | None, str]:
    """When a past session that upstream has nothing of is polled again, None once that is certain; and a note."""
    times = confirmation.hold_absent(session_id, polling.NOTHING_EVERY)
    if times >= polling.NOTHING_TIMES:
        confirmation.forget(Entity.SESSION, session_id, HeldKind.RESULTS_ABSENT)
        return None, f"no results upstream, {times} times over weeks: no longer polled"
    again = now + polling.NOTHING_EVERY
    return again, f"a past session without results upstream ({times} of {polling.NOTHING_TIMES} polls, a week apart)"


@dataclass(frozen=True)
class KnownSession:
    """A session with what its next poll depends on, and whether anything of it is held: one query."""

    session: Session
    last_date: date | None
    official_since: datetime | None
    holds: bool

    @property
    def season_end(self) -> datetime:
        """When the season's last session is over."""
        ended = polling.over_at(self.session)
        return ended if self.last_date is None else max(ended, date_over(self.last_date))

    def is_past(self, now: datetime) -> bool:
        """Whether the season is past, so that a good answer settles the session."""
        return polling.is_settled(now, self.season_end)

    def read_held(self, connection: Connection) -> dict[Key, Held]:
        """The session's held answers by their keys; no query where there are none."""
        if not self.holds:
            return {}
        of_session = held.c.entity_id == self.session.id, held.c.kind.in_(HELD_KINDS)
        return {answer.key: answer for answer in read_records(connection, held, Held, *of_session)}

    def next_poll(self, session: Session, now: datetime, cadence: Cadence) -> datetime | None:
        """The next poll of a session, in the state that it has by now, by the season's cadence."""
        return polling.next_poll(
            session.results_state,
            kind=session.kind,
            ended_at=polling.over_at(session),
            official_since=self.official_since or now,
            now=now,
            season_end=self.season_end,
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


_others = sessions.alias()
_own: BindParameter[str] = bindparam("session_id")
KNOWN_SESSION = (
    records_of(sessions, Session)
    .where(sessions.c.id == _own)
    .add_columns(
        select(func.max(_others.c.local_date))
        .where(_others.c.event_id.like(bindparam("of_season")), _others.c.status != Status.CANCELLED.value)
        .scalar_subquery()
        .label("last_date"),
        select(func.min(result_revisions.c.observed_at))
        .where(result_revisions.c.session_id == _own, result_revisions.c.state == ResultsState.OFFICIAL.value)
        .scalar_subquery()
        .label("official_since"),
        select(func.count())
        .where(held.c.entity_id == _own, held.c.kind.in_(HELD_KINDS))
        .scalar_subquery()
        .label("holds"),
    )
)


def known_session(connection: Connection, session_id: str) -> KnownSession:
    """Read a session with all that its next poll depends on."""
    named = {"session_id": session_id, "of_season": f"{season_of(session_id)}-%"}
    row = dict(connection.execute(KNOWN_SESSION, named).mappings().one())
    last_date, official_since, holds = row.pop("last_date"), row.pop("official_since"), row.pop("holds")
    return KnownSession(Session(**row), last_date, official_since, bool(holds))
