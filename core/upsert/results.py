"""A session's results into the database: examined, numbered as a revision, with changes and standings, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from statistics import median
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from core.bounds import STORED
from core.database import Database
from core.records import (
    Change,
    ChangeKind,
    Entity,
    Entry,
    Held,
    HeldKind,
    Record,
    ResultsState,
    Session,
    SessionKind,
    SessionResult,
    Source,
    Status,
)
from core.rules import confirmation
from core.rules.calendar.identity import season_of
from core.rules.confirmation import Confirmation
from core.rules.results import polling
from core.rules.results.differences import diff_entries, diff_text
from core.rules.results.quality import Severity, examine, is_short
from core.schema import columns, drivers, result_revisions, results, sessions
from core.upsert.polls import HELD_KINDS, Cadence, after_nothing, known_session, settled, stamp, state_changes
from core.upsert.rows import records_of, write_changes, write_held, write_rows
from core.upsert.standings import recompute_standings, write_competitors


class Outcome(StrEnum):
    """What became of an answer about results."""

    PUBLISHED = "provisional"
    OFFICIAL = "official"
    REVISED = "revised"
    RESTORED = "restored"
    UNCHANGED = "unchanged"
    HELD = "held"
    REJECTED = "rejected"
    NOT_YET = "not published yet"
    FAILED = "failed"
    PUT_OFF = "put off"

    @property
    def is_revision(self) -> bool:
        """Whether a new revision was written."""
        return self in (Outcome.PUBLISHED, Outcome.OFFICIAL, Outcome.REVISED, Outcome.RESTORED)


class Polled(Record):
    """What one session's poll came to; `diff`, `warnings` and the `reason` of a failure are for a person."""

    session_id: str
    outcome: Outcome
    revision: int
    entries: int = 0
    diff: str = ""
    warnings: tuple[str, ...] = ()
    reason: str = ""


def accept_result(
    database: Database,
    session_id: str,
    result: SessionResult,
    now: datetime,
    cadence: Cadence,
    *,
    flow_run_id: str | None = None,
    force: bool = False,
) -> Polled:
    """Make a result the session's next revision, unless it is what holds, is not believed yet, or is refused.

    One transaction: entries replaced, revision, session, changes, standings, the next poll's moment.

    Raises:
        DatabaseError: nothing was written.
    """
    with database.writing() as connection:
        return _Acceptance(connection, session_id, result, now, cadence, flow_run_id, force).run()


class _Acceptance:
    """One result on its way into the database."""

    def __init__(
        self,
        connection: Connection,
        session_id: str,
        result: SessionResult,
        now: datetime,
        cadence: Cadence,
        flow_run_id: str | None,
        force: bool,
    ) -> None:
        self.connection = connection
        self.now = now
        self.cadence = cadence
        self.flow_run_id = flow_run_id
        self.force = force
        self.poll_context = known_session(connection, session_id)
        self.session = self.poll_context.session
        self.before = read_entries(connection, session_id)
        self.result = self._identified(result)
        self.confirmation = Confirmation(self.poll_context.read_held(connection), now, force=force)

    @cached_property
    def known(self) -> Mapping[str, tuple[str | None, str | None]]:
        """The season's drivers and teams by car number."""
        return _drivers_by_number(self.connection, self.session.event_id)

    def run(self) -> Polled:
        """Decide, write, and tell."""
        provisional = self.result.source is not Source.JOLPICA
        if provisional and self.session.results_state in (ResultsState.OFFICIAL, ResultsState.SETTLED):
            return self._leave(Outcome.UNCHANGED)
        if self._holds_already():
            write_competitors(self.connection, self.result.drivers, self.result.teams)
            return self._leave(Outcome.UNCHANGED)
        if not self.session.has_results and not polling.has_begun(self.session, self.now):
            reason = "results of a session that has not begun"
            refused = self.confirmation.hold_rejected(self.session.id, self._payload, reason)
            return self._leave(Outcome.REJECTED, [reason], refused)
        findings = examine(
            self.result,
            self.before,
            previous_state=self.session.results_state,
            known_numbers=set(self.known),
            expected_kinds={self.session.kind},
            others=read_alike(self.connection, self.session.id, self.result.entries),
        )
        warnings = [f"{finding.gate}: {finding.message}" for finding in findings] + self._unidentified()
        reasons = [finding.message for finding in findings if finding.severity is Severity.REJECT]
        if reasons:
            refused = self.confirmation.hold_rejected(self.session.id, self._payload, "; ".join(reasons))
            return self._leave(Outcome.REJECTED, warnings, refused)
        if not provisional and self._is_short():
            return self._leave(Outcome.HELD, [*warnings, "short: fewer entries than comparable sessions have"])
        rows = [entry.model_dump(mode="json") for entry in self.result.entries]
        own = result_revisions.c.session_id == self.session.id
        superseded = self.session.has_results and any(
            then == rows for then in self.connection.scalars(select(result_revisions.c.rows).where(own))
        )
        if superseded and not self._hold(
            HeldKind.RESULTS_SUPERSEDED, "it is a classification that was superseded", confirmation.SUPERSEDED
        ):
            return self._leave(Outcome.HELD, warnings)
        return self._revise(rows, superseded, provisional, warnings)

    def _revise(self, rows: list[dict[str, Any]], superseded: bool, provisional: bool, warnings: list[str]) -> Polled:
        state = ResultsState.PROVISIONAL if provisional else ResultsState.OFFICIAL
        first_official = not provisional and self.session.results_state in (
            ResultsState.AWAITED,
            ResultsState.PROVISIONAL,
        )
        if superseded:
            outcome, kind = Outcome.RESTORED, ChangeKind.RESULTS_RESTORED
        elif first_official:
            outcome, kind = Outcome.OFFICIAL, ChangeKind.RESULTS_OFFICIAL
        elif not self.session.has_results:
            outcome, kind = Outcome.PUBLISHED, ChangeKind.RESULTS_PUBLISHED
        else:
            outcome, kind = Outcome.REVISED, ChangeKind.RESULTS_REVISED
        write_competitors(self.connection, self.result.drivers, self.result.teams)
        connection, revision = self.connection, self.session.revision + 1
        difference = diff_entries(self.before, self.result.entries)
        if self.before:
            connection.execute(delete(results).where(results.c.session_id == self.session.id))
        connection.execute(
            insert(results),
            [{**columns(results, entry), "session_id": self.session.id} for entry in self.result.entries],
        )
        connection.execute(
            insert(result_revisions),
            {
                "session_id": self.session.id,
                "revision": revision,
                "observed_at": self.now,
                "source": self.result.source.value,
                "state": state.value,
                "rows": rows,
                "diff": difference,
            },
        )
        after = self.session.model_copy(
            update={
                "results_state": state,
                "revision": revision,
                "status": Status.CANCELLED if self.session.status is Status.CANCELLED else Status.COMPLETED,
            }
        )
        told = diff_text(difference, self._names()) if self.before else ""
        happened = Change(
            entity=Entity.SESSION,
            entity_id=self.session.id,
            kind=kind,
            before={"revision": self.session.revision, "results_state": self.session.results_state.value},
            after={
                "revision": revision,
                "results_state": state.value,
                "entries": len(rows),
                "diff": told,
            },
        )
        standings: list[Change] = []
        if self.session.kind in (SessionKind.RACE, SessionKind.SPRINT) and not provisional:
            standings = recompute_standings(connection, self.session.id, self.now)
        self._close(after, [happened, *standings], is_confirmed=True)
        return Polled(
            session_id=self.session.id,
            outcome=outcome,
            revision=revision,
            entries=len(rows),
            diff=told,
            warnings=tuple(warnings),
        )

    def _leave(self, outcome: Outcome, warnings: Sequence[str] = (), refused: Held | None = None) -> Polled:
        """Nothing of the results changes, only their next poll and what is held."""
        if outcome is Outcome.UNCHANGED:
            for kind in HELD_KINDS:
                self.confirmation.forget(Entity.SESSION, self.session.id, kind)
        else:
            self.confirmation.forget(Entity.SESSION, self.session.id, HeldKind.RESULTS_ABSENT)
        self._close(self.session, [], is_confirmed=outcome is Outcome.UNCHANGED, refused=refused)
        return Polled(
            session_id=self.session.id,
            outcome=outcome,
            revision=self.session.revision,
            entries=len(self.before),
            warnings=tuple(warnings),
        )

    def _close(
        self, after: Session, happened: list[Change], *, is_confirmed: bool, refused: Held | None = None
    ) -> None:
        """Write the session with its next poll, what is held, and the changes.

        A past season's session is settled by an answer that passed its gates, and by no other.
        """
        if after.revision > self.session.revision:
            for kind in HELD_KINDS:
                self.confirmation.forget(Entity.SESSION, self.session.id, kind)
        next_poll_at = self.poll_context.next_poll(after, self.now, self.cadence)
        if next_poll_at is None and after.results_state is not ResultsState.SETTLED:
            if not is_confirmed:
                next_poll_at = polling.retry_past(self.now, refused.times_seen if refused else 1)
            elif after.results_state is ResultsState.PROVISIONAL and after.kind in polling.SESSIONS_OF_JOLPICA:
                next_poll_at, _ = after_nothing(self.confirmation, after.id, self.now)
        after = settled(
            after.model_copy(
                update={
                    "poll_attempts": after.poll_attempts + 1,
                    "poll_faults": 0,
                    "last_error": f"refused: {refused.reason}" if refused else None,
                    "next_poll_at": next_poll_at,
                }
            )
        )
        news_at = stamp(self.session, after, self.now)
        write_rows(self.connection, sessions, {after.id: self.session}, {after.id: after}, stamp=news_at)
        write_held(self.connection, self.confirmation.found, self.confirmation.kept)
        told = [*state_changes(self.session, after, told=bool(happened)), *happened]
        write_changes(self.connection, told, self.now, self.flow_run_id)

    def _holds_already(self) -> bool:
        """Whether the answer says what is in the database; from the official source it also must come from there."""
        is_news = self.result.source is Source.JOLPICA and self.session.results_state is ResultsState.PROVISIONAL
        if is_news or not self.session.has_results:
            return False
        return list(self.before) == sorted(self.result.entries, key=_order)

    def _is_short(self) -> bool:
        """Whether a first official table has too few entries and is held; compared with what is known of the season."""
        if self.session.results_state not in (ResultsState.AWAITED, ResultsState.PROVISIONAL):
            return False
        entries = len(self.result.entries)
        compared_with = read_entry_counts(self.connection, self.session)
        if not is_short(entries, self.result.season, compared_with):
            return False
        reason = f"{entries} entries, where comparable sessions have {max(compared_with)}"
        return not self._hold(HeldKind.RESULTS_SHORT, reason, confirmation.SHORT)

    @property
    def _payload(self) -> dict[str, Any]:
        return {"rows": [entry.model_dump(mode="json", exclude_none=True) for entry in self.result.entries]}

    def _hold(self, kind: HeldKind, reason: str, wait: timedelta) -> bool:
        return self.confirmation.confirm_or_hold(Entity.SESSION, self.session.id, kind, self._payload, reason, wait)

    def _identified(self, result: SessionResult) -> SessionResult:
        """Timing's entries with the drivers and teams that the season's official results know by car number."""
        if result.source is Source.JOLPICA:
            return result
        entries = []
        for entry in result.entries:
            driver_id, team_id = self.known.get(entry.car_number, (None, None))
            entries.append(entry.model_copy(update={"driver_id": driver_id, "team_id": team_id}))
        return result.model_copy(update={"entries": tuple(entries)})

    def _unidentified(self) -> list[str]:
        unknown = [entry for entry in self.result.entries if entry.driver_id is None]
        names = ", ".join(f"{entry.driver_code or '?'} ({entry.car_number or '?'})" for entry in unknown)
        return [f"driver_unknown: not matched by number: {names}"] if unknown else []

    def _names(self) -> dict[str, str]:
        rows = self.connection.execute(select(drivers.c.id, drivers.c.family_name))
        return {row.id: row.family_name for row in rows}


ENTRIES = records_of(results, Entry).where(results.c.session_id == bindparam("session_id"))


def read_entries(connection: Connection, session_id: str) -> list[Entry]:
    """A session's entries as they hold now, in upstream's order."""
    rows = connection.execute(ENTRIES, {"session_id": session_id}).mappings()
    return sorted((Entry(**row) for row in rows), key=_order)


def results_as_of(connection: Connection, session_id: str, moment: datetime) -> tuple[int, str, list[Entry]] | None:
    """What was believed of a session at a moment: revision, state and entries; None before any result."""
    then = result_revisions.c.session_id == session_id, result_revisions.c.observed_at <= moment
    row = connection.execute(
        select(result_revisions).where(*then).order_by(result_revisions.c.revision.desc()).limit(1)
    ).first()
    return (
        None
        if row is None
        else (row.revision, row.state, [Entry.model_validate(entry, context=STORED) for entry in row.rows])
    )


def _order(entry: Entry) -> tuple[Any, ...]:
    return (entry.listed_position is None, entry.listed_position or 0, entry.car_number, entry.ordinal)


ENTRY_COUNTS = (
    select(sessions.c.event_id, func.count())
    .select_from(results.join(sessions))
    .where(
        sessions.c.event_id.like(bindparam("of_season")),
        sessions.c.id != bindparam("session_id"),
        results.c.source == Source.JOLPICA.value,
    )
    .group_by(sessions.c.id, sessions.c.event_id)
)


def read_entry_counts(connection: Connection, session: Session) -> list[int]:
    """How many entries comparable sessions have: those of its event, and the middle one of its season."""
    named = {"of_season": f"{season_of(session.id)}-%", "session_id": session.id}
    counted = connection.execute(ENTRY_COUNTS, named).all()
    counts = [count for _, count in counted]
    own = [count for event_id, count in counted if event_id == session.event_id]
    return [*own, int(median(counts))] if counts else []


def read_alike(connection: Connection, session_id: str, entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The classifications of other sessions that begin with the same driver and time, by session id."""
    first = entries[0] if entries else None
    timed = next(
        (name for name in ("time_ms", "q3_ms", "q2_ms", "q1_ms", "best_lap_ms") if getattr(first, name, None)), None
    )
    if first is None or timed is None or first.driver_id is None:
        return {}
    same = results.c.driver_id == first.driver_id, results.c[timed] == getattr(first, timed)
    ids = connection.scalars(select(results.c.session_id).where(*same, results.c.session_id != session_id)).all()
    return {other: read_entries(connection, other) for other in ids}


NUMBERS = (
    select(results.c.car_number, results.c.driver_id, results.c.team_id, func.max(sessions.c.local_date).label("at"))
    .join(sessions, sessions.c.id == results.c.session_id)
    .where(sessions.c.event_id.like(bindparam("of_season")), results.c.source == Source.JOLPICA.value)
    .group_by(results.c.car_number, results.c.driver_id, results.c.team_id)
    .order_by("at")
)


def _drivers_by_number(connection: Connection, event_id: str) -> Mapping[str, tuple[str | None, str | None]]:
    """Driver and team by car number, as the season's latest official results have them."""
    rows = connection.execute(NUMBERS, {"of_season": f"{season_of(event_id)}-%"}).all()
    return {row.car_number: (row.driver_id, row.team_id) for row in rows if row.car_number}
