"""Decides about a session's dataset from live timing's archive, a poll without it, or Jolpica's table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.kinds import ChangeKind, Entity, Source
from core.records import Change, Held, Record, Session
from core.rules import datasets
from core.rules.calendar.identity import season_of
from core.rules.confirmation import Confirmation, Key
from core.rules.datasets import DatasetState
from core.rules.results.polling import DAY, has_livetiming, is_filed, over_at
from core.rules.timing.evidence import Evidence, Examined
from core.rules.timing.gates import Gate
from core.rules.timing.outcome import DatasetOutcome, TimingOutcome

AT_START = timedelta(minutes=15)
"""How long after a poll at a session's start missing data is requested again."""


@dataclass(frozen=True)
class KnownDataset:
    """A dataset of a session as the database holds it."""

    state: DatasetState
    held: Mapping[Key, Held]
    rows: Sequence[Record]


@dataclass(frozen=True)
class TimingDecision:
    """What to write for a dataset; with `rows` None the stored rows are kept."""

    state: DatasetState
    held: Mapping[Key, Held]
    rows: Sequence[Record] | None
    changes: tuple[Change, ...]
    outcome: DatasetOutcome


def decide_timing(
    gate: Gate, known: KnownDataset, rows: Sequence[Any] | None, fault: str | None, evidence: Evidence, now: datetime
) -> TimingDecision:
    """Accept a dataset whole, refuse it with the reason, or request it again if its feed is missing."""
    session = evidence.session
    if rows is None and fault is None:
        state = _awaited(gate, known, session, now)
        rarely = now + AT_START if now < over_at(session) else max(state.next_poll_at or now, now + DAY)
        return _decision(gate, known, datasets.with_next_poll(state, rarely), TimingOutcome.MISSING)
    if rows is None:
        return _refused(gate, known, session, fault or "", {}, now)
    examined = gate.examine(rows, evidence)
    accepted, reason = examined.rows, examined.refused
    if reason is None and gate.complete is not None and known.rows:
        accepted, reason = gate.complete(accepted, known.rows)
    if reason is not None:
        return _refused(gate, known, session, reason, {"rows": len(rows)}, now)
    decision = _taken(gate, known, replace(examined, rows=accepted), evidence, now, Source.LIVETIMING)
    return replace(decision, state=datasets.with_next_poll(decision.state, _again(known.state, session, now)))


def decide_incomplete(gate: Gate, known: KnownDataset, session: Session, now: datetime) -> TimingDecision:
    """Request a dataset again, because its archive does not include the session's end yet."""
    state = _awaited(gate, known, session, now)
    if now < over_at(session):
        state = datasets.with_next_poll(state, now + AT_START)
    return _decision(gate, known, state, TimingOutcome.INCOMPLETE)


def decide_fault(gate: Gate, known: KnownDataset, error: str, now: datetime) -> TimingDecision:
    """Request a dataset again soon after a fault, and less often with each fault in a row."""
    return _decision(gate, known, datasets.failed(known.state, now, error), TimingOutcome.FAILED, error)


def decide_listed(
    gate: Gate, known: KnownDataset, rows: Sequence[Any], reason: str | None, evidence: Evidence, now: datetime
) -> TimingDecision:
    """Accept Jolpica's table of a race without known rows, or refuse it; with `reason`, refuse it for that reason.

    The state records that Jolpica was requested. If live timing has an archive, its poll stays due.
    """
    session = evidence.session
    examined = gate.examine(rows, evidence) if reason is None else Examined(rows, refused=reason)
    if not rows and reason is None:
        decision = _decision(gate, known, _awaited(gate, known, session, now), TimingOutcome.UNPUBLISHED)
    elif examined.refused is not None:
        decision = _refused(gate, known, session, examined.refused, {"rows": len(rows)}, now)
    else:
        decision = _taken(gate, known, examined, evidence, now, Source.JOLPICA)
    state = decision.state.model_copy(update={"source": Source.JOLPICA})
    if has_livetiming(season_of(session.id)):
        state = datasets.with_next_poll(state, known.state.next_poll_at if known.state.poll_attempts else now)
    return replace(decision, state=state)


def _values(gate: Gate, rows: Sequence[Record]) -> set[tuple[Any, ...]]:
    return {tuple(getattr(row, name) for name in gate.record.model_fields) for row in rows}


def _again(state: DatasetState, session: Session, now: datetime) -> datetime | None:
    """When an accepted dataset is read once more: at the session's end, and a day after that or the first read."""
    over = over_at(session)
    if now < over:
        return over
    if now < over + DAY:
        return over + DAY  # archives are completed for hours after the end
    return now + DAY if state.source is None and not is_filed(session, now) else None


def _awaited(
    gate: Gate, known: KnownDataset, session: Session, now: datetime, refused: str | None = None
) -> DatasetState:
    return datasets.awaited(gate.dataset, known.state, over_at(session), now, refused)


def _refused(
    gate: Gate, known: KnownDataset, session: Session, reason: str, payload: dict[str, Any], now: datetime
) -> TimingDecision:
    confirmation = Confirmation(known.held, now)
    confirmation.hold_answer(Entity.SESSION, session.id, gate.dataset.rejected, payload, reason)
    state = _awaited(gate, known, session, now, reason)
    outcome = DatasetOutcome(gate.dataset.name, TimingOutcome.REFUSED, len(known.rows), reason)
    return TimingDecision(state, confirmation.kept, None, (), outcome)


def _taken(
    gate: Gate, known: KnownDataset, examined: Examined[Any], evidence: Evidence, now: datetime, source: Source
) -> TimingDecision:
    """Accept the rows: a revision if they differ from the known ones. The held answer is dropped."""
    rows = examined.rows
    is_revision = len(known.rows) != len(rows) or _values(gate, known.rows) != _values(gate, rows)
    confirmation = Confirmation(known.held, now)
    confirmation.forget(Entity.SESSION, evidence.session.id, gate.dataset.rejected)
    outcome = TimingOutcome.STORED if is_revision else TimingOutcome.UNCHANGED
    return TimingDecision(
        state=datasets.accepted(known.state, source, is_revision=is_revision),
        held=confirmation.kept,
        rows=rows if is_revision else None,
        changes=(_change(gate, known, evidence, rows),) if is_revision else (),
        outcome=DatasetOutcome(gate.dataset.name, outcome, len(rows), "; ".join(examined.notes)),
    )


def _decision(
    gate: Gate, known: KnownDataset, state: DatasetState, outcome: TimingOutcome, reason: str = ""
) -> TimingDecision:
    return TimingDecision(
        state, known.held, None, (), DatasetOutcome(gate.dataset.name, outcome, len(known.rows), reason)
    )


def _change(gate: Gate, known: KnownDataset, evidence: Evidence, rows: Sequence[Any]) -> Change:
    """The session's change: the gate's own, otherwise that the dataset was stored or changed."""
    if gate.announce is not None and (announced := gate.announce(evidence, known.rows, rows)) is not None:
        return announced
    before = {"dataset": gate.dataset.name, "rows": len(known.rows), "revision": known.state.revision}
    after = {"dataset": gate.dataset.name, "rows": len(rows), "revision": known.state.revision + 1}
    return Change(
        entity=Entity.SESSION,
        entity_id=evidence.session.id,
        kind=ChangeKind.TIMING,
        before=before if known.state.revision else None,
        after=after,
    )
