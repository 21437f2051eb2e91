"""Decides about an answer to a poll of a session's results, or about a poll without one. Pure functions.

`core.upsert` reads what is known, calls `decide`, and writes the decision; for calendars `reconcile` does the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.kinds import ChangeKind, Entity, HeldKind, ResultsState, Source, Status
from core.records import Change, Held, Session, SessionResult
from core.rules import confirmation
from core.rules.changes import session_changes
from core.rules.confirmation import Confirmation, Key
from core.rules.results import polling
from core.rules.results.differences import Difference, diff_entries, diff_text
from core.rules.results.known import HELD_KINDS, KnownResults
from core.rules.results.outcome import Outcome, Polled
from core.rules.results.points import SCORING
from core.rules.results.polling import Cadence
from core.rules.results.quality import Case, Severity, examine, is_short


@dataclass(frozen=True)
class Revision:
    """A new classification, and its differences from the one before as data and as text."""

    number: int
    state: ResultsState
    rows: list[dict[str, Any]]
    differences: list[Difference]
    diff: str


@dataclass(frozen=True)
class Decision:
    """What to write: the session with its next poll, what is held, the changes, and a new revision if there is one.

    `is_news`: the session differs in more than the bookkeeping of polls.
    """

    outcome: Outcome
    session: Session
    held: Mapping[Key, Held]
    changes: tuple[Change, ...]
    is_news: bool
    warnings: tuple[str, ...]
    revision: Revision | None

    @property
    def changes_standings(self) -> bool:
        """Whether there is a new official table of a session that pays points."""
        is_official = self.revision is not None and self.revision.state is ResultsState.OFFICIAL
        return is_official and self.session.kind in SCORING

    def polled(self, entries: int) -> Polled:
        """The decision as a poll's outcome; `entries` is the number of entries before."""
        revised = self.revision
        return Polled(
            session_id=self.session.id,
            outcome=self.outcome,
            revision=self.session.revision,
            entries=len(revised.rows) if revised else entries,
            diff=revised.diff if revised else "",
            warnings=self.warnings,
        )


def decide(
    known: KnownResults, result: SessionResult, now: datetime, cadence: Cadence, *, force: bool = False
) -> Decision:
    """Apply a result to a session: make it the next revision, unless it is unchanged, held or rejected."""
    held = Confirmation(known.held, now, force=force)
    outcome, warnings, refused = _judge(known, result, now, held)
    session, revision = known.session, None
    if outcome.is_revision:
        revision = _revision(known, result)
        session = session.model_copy(
            update={
                "results_state": revision.state,
                "revision": revision.number,
                "status": Status.CANCELLED if session.status is Status.CANCELLED else Status.COMPLETED,
            }
        )
    if outcome.is_accepted:
        for kind in HELD_KINDS:
            held.forget(Entity.SESSION, session.id, kind)
    else:
        held.forget(Entity.SESSION, session.id, HeldKind.RESULTS_ABSENT)
    update: dict[str, Any] = {
        "poll_attempts": session.poll_attempts + 1,
        "poll_faults": 0,
        "last_error": f"refused: {refused.reason}" if refused else None,
        "next_poll_at": known.next_poll(session, now, cadence),
    }
    if update["next_poll_at"] is None and session.results_state is not ResultsState.SETTLED:
        # The season is past: only an accepted answer settles the session.
        if not outcome.is_accepted:
            update["next_poll_at"] = polling.retry_past(now, refused.times_seen if refused else 1)
        elif session.results_state is ResultsState.PROVISIONAL and session.kind in polling.SESSIONS_OF_JOLPICA:
            update["next_poll_at"], _ = _after_nothing(held, session.id, now)
    session = session.model_copy(update=update)
    return _decision(known, session, outcome, held, warnings, revision)


def decide_without_result(
    known: KnownResults,
    now: datetime,
    cadence: Cadence,
    *,
    error: str | None = None,
    document: str | None = None,
    not_before: datetime | None = None,
) -> Decision:
    """Apply a poll without a result to a session: nothing is published (no error), or a fault.

    Args:
        document: upstream's unreadable text, which is held with the error as the reason.
        not_before: the source allows no request until then, which does not count as a fault.
    """
    session = known.session
    held = Confirmation(known.held, now)
    update: dict[str, Any] = {"poll_attempts": session.poll_attempts + 1, "last_error": error}
    outcome, warnings = Outcome.FAILED, []
    if not_before is not None:
        outcome = Outcome.PUT_OFF
        update["next_poll_at"] = max(not_before, now)
    elif error is not None:
        faults = session.poll_faults + 1
        update |= {"poll_faults": faults, "next_poll_at": polling.retry_after_fault(now, faults)}
        if document is not None:
            about = Entity.SESSION, session.id, HeldKind.RESULTS_REJECTED
            refused = held.hold_answer(*about, {"document": document}, error)
            if polling.is_settled(now, known.season_end):
                update["next_poll_at"] = polling.retry_past(now, refused.times_seen)
    else:
        outcome = Outcome.NOT_YET
        update |= {"poll_faults": 0, "next_poll_at": known.next_poll(session, now, cadence)}
        if update["next_poll_at"] is None and session.results_state is not ResultsState.SETTLED:
            update["next_poll_at"], note = _after_nothing(held, session.id, now)
            warnings = [note]
    return _decision(known, session.model_copy(update=update), outcome, held, warnings)


def _judge(
    known: KnownResults, result: SessionResult, now: datetime, held: Confirmation
) -> tuple[Outcome, list[str], Held | None]:
    """The outcome for a result, warnings, and the held answer if it is rejected; one to be confirmed is held too."""
    session = known.session
    rejected = Entity.SESSION, session.id, HeldKind.RESULTS_REJECTED
    if known.is_unchanged_by(result):
        return Outcome.UNCHANGED, [], None
    if not session.has_results and not polling.has_begun(session, now):
        reason = "results of a session that has not begun"
        return Outcome.REJECTED, [reason], held.hold_answer(*rejected, _payload(result), reason)
    findings = examine(Case(result, known.entries, session.results_state, known.evidence.numbers, known.evidence.alike))
    warnings = [f"{finding.gate}: {finding.message}" for finding in findings] + _unidentified(result)
    if reasons := [finding.message for finding in findings if finding.severity is Severity.REJECT]:
        return Outcome.REJECTED, warnings, held.hold_answer(*rejected, _payload(result), "; ".join(reasons))
    is_official = result.source is Source.JOLPICA
    is_first_official = is_official and not session.results_state.is_official
    if is_first_official and is_short(len(result.entries), result.season, known.evidence.entry_counts):
        reason = f"{len(result.entries)} entries, but comparable sessions have {max(known.evidence.entry_counts)}"
        about = Entity.SESSION, session.id, HeldKind.RESULTS_SHORT
        if not held.confirm_or_hold(*about, _payload(result), reason, confirmation.SHORT):
            return Outcome.HELD, [*warnings, "short: fewer entries than comparable sessions have"], None
    if session.has_results and any(rows == _rows(result) for rows in known.evidence.revisions):
        about = Entity.SESSION, session.id, HeldKind.RESULTS_SUPERSEDED
        reason = "an earlier classification, already superseded"
        is_confirmed = held.confirm_or_hold(*about, _payload(result), reason, confirmation.SUPERSEDED)
        return Outcome.RESTORED if is_confirmed else Outcome.HELD, warnings, None
    if is_first_official:
        return Outcome.OFFICIAL, warnings, None
    return Outcome.REVISED if session.has_results else Outcome.PUBLISHED, warnings, None


def _payload(result: SessionResult) -> dict[str, Any]:
    return {"rows": [entry.model_dump(mode="json", exclude_none=True) for entry in result.entries]}


def _rows(result: SessionResult) -> list[dict[str, Any]]:
    return [entry.model_dump(mode="json") for entry in result.entries]


def _unidentified(result: SessionResult) -> list[str]:
    unknown = [entry for entry in result.entries if entry.driver_id is None]
    names = ", ".join(f"{entry.driver_code or '?'} ({entry.car_number or '?'})" for entry in unknown)
    return [f"driver_unknown: not matched by number: {names}"] if unknown else []


def _revision(known: KnownResults, result: SessionResult) -> Revision:
    differences = diff_entries(known.entries, result.entries)
    names = {**known.evidence.names, **{driver.id: driver.family_name for driver in result.drivers}}
    return Revision(
        number=known.session.revision + 1,
        state=ResultsState.OFFICIAL if result.source is Source.JOLPICA else ResultsState.PROVISIONAL,
        rows=_rows(result),
        differences=differences,
        diff=diff_text(differences, names) if known.entries else "",
    )


CHANGE_KINDS = {
    Outcome.PUBLISHED: ChangeKind.RESULTS_PUBLISHED,
    Outcome.OFFICIAL: ChangeKind.RESULTS_OFFICIAL,
    Outcome.REVISED: ChangeKind.RESULTS_REVISED,
    Outcome.RESTORED: ChangeKind.RESULTS_RESTORED,
}


def _change(before: Session, revision: Revision, outcome: Outcome) -> Change:
    return Change(
        entity=Entity.SESSION,
        entity_id=before.id,
        kind=CHANGE_KINDS[outcome],
        before={"revision": before.revision, "results_state": before.results_state.value},
        after={
            "revision": revision.number,
            "results_state": revision.state.value,
            "entries": len(revision.rows),
            "diff": revision.diff,
        },
    )


def _decision(
    known: KnownResults,
    session: Session,
    outcome: Outcome,
    held: Confirmation,
    warnings: Sequence[str],
    revision: Revision | None = None,
) -> Decision:
    """The decision about a session in its new state, which is settled if it has no next poll."""
    before = known.session
    happened = () if revision is None else (_change(before, revision, outcome),)
    if session.next_poll_at is None:
        session = session.model_copy(update={"results_state": ResultsState.SETTLED})
    same: dict[str, Any] = {"revision": before.revision}
    if happened and session.results_state is not ResultsState.SETTLED:
        same["results_state"] = before.results_state  # the revision's own change includes it
    changes = session_changes(before, session.model_copy(update=same))
    return Decision(
        outcome=outcome,
        session=session,
        held=held.kept,
        changes=(*changes, *happened),
        is_news=bool(changes or happened),
        warnings=tuple(warnings),
        revision=revision,
    )


def _after_nothing(held: Confirmation, session_id: str, now: datetime) -> tuple[datetime | None, str]:
    """The next poll of a past session without results upstream (None after enough such polls), and a note."""
    times = held.hold_absent(session_id, polling.NOTHING_EVERY)
    if times >= polling.NOTHING_TIMES:
        held.forget(Entity.SESSION, session_id, HeldKind.RESULTS_ABSENT)
        return None, f"no results upstream, {times} times over weeks: no longer polled"
    again = now + polling.NOTHING_EVERY
    return again, f"a past session without results upstream ({times} of {polling.NOTHING_TIMES} polls, a week apart)"
