"""Applies a source's answer to the known calendar. Pure.

The rules' tests, named for the cases they come from, are in `tests/test_absence.py`, `tests/test_moves.py` and so on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.kinds import Entity, HeldKind, Source
from core.records import Change, ListedEvent, ListedResult, ScheduleAnswer
from core.rules import confirmation
from core.rules.calendar.absence import absent_events, cancel_or_hold_event, namesakes
from core.rules.calendar.draft import Draft
from core.rules.calendar.identity import match_events, new_event_id
from core.rules.calendar.listing import add_event, update_event
from core.rules.calendar.plausibility import active_events, is_implausible, touched_events
from core.rules.calendar.qualifying import with_qualifying
from core.rules.calendar.season import Calendar
from core.rules.changes import changes_between
from core.rules.confirmation import Confirmation
from core.text import hours


@dataclass(frozen=True)
class Reconciled:
    """The reconciled calendar, the changes that lead to it, and notes for people."""

    calendar: Calendar
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def reconcile(
    known: Calendar,
    answer: ScheduleAnswer,
    now: datetime,
    *,
    races: Sequence[ListedEvent] = (),
    qualifying: Sequence[ListedResult] = (),
    rejected: Mapping[Source, str] | None = None,
    force: bool = False,
) -> Reconciled:
    """Apply a source's answer to a known season.

    Args:
        races: Jolpica's events of the season, for their circuits, if they were fetched.
        qualifying: Jolpica's qualifying tables of the season, for the sessions that its schedule lacks.
        rejected: better sources whose answers were rejected, and why.
        force: apply at once what would be held; unreadable parts are still held.
    """
    matched = match_events(known.events.values(), answer.events)
    answer = with_qualifying(known, answer, matched, qualifying)
    absent = absent_events(known, answer, matched.values())
    touched = touched_events(known, answer, matched, absent, now)
    draft = Draft(
        known=known,
        answer=answer,
        now=now,
        races=races,
        implausible=is_implausible(known, touched),
        confirmation=Confirmation(known.held, now, force=force),
        events=dict(known.events),
        sessions=dict(known.sessions),
        circuits=dict(known.circuits),
    )
    if draft.implausible:
        draft.notes.append(
            f"{answer.source.value} drops or moves {len(touched)} of {active_events(known)} events at once: "
            f"what it drops or moves is held for {hours(confirmation.IMPLAUSIBLE)}"
        )
    for index, listed in enumerate(answer.events):
        if index in matched:
            update_event(draft, known.events[matched[index]], listed)
        else:
            add_event(draft, listed)
    for event in absent:
        cancel_or_hold_event(draft, event)
    _keep_rejected(draft.confirmation, answer.season, rejected or {})
    _keep_malformed(draft, matched.values())
    calendar = Calendar(draft.events, draft.sessions, draft.circuits, draft.confirmation.kept)
    return Reconciled(calendar, tuple(changes_between(known, calendar)), tuple(draft.notes))


def _keep_rejected(confirmation: Confirmation, season: int, rejected: Mapping[Source, str]) -> None:
    """Hold which sources' answers were rejected, and why, until they give another answer."""
    about = Entity.SEASON, str(season), HeldKind.SCHEDULE_REJECTED
    if rejected:
        reasons = {source.value: why for source, why in rejected.items()}
        reason = "; ".join(f"{source}: {why}" for source, why in reasons.items())
        confirmation.hold_answer(*about, reasons, reason)
    else:
        confirmation.forget(*about)


def _keep_malformed(draft: Draft, found: Collection[str]) -> None:
    """Hold unreadable events under the ids they have or would have; `found` are the known events listed readably."""
    answer, confirmation = draft.answer, draft.confirmation
    kept: set[str] = set()
    for malformed in answer.malformed:
        possible = [event.id for event in namesakes(draft.known, found, malformed) if event.id not in kept]
        identity = (
            possible[0] if possible else new_event_id(answer.season, malformed.name or "event", {*draft.events, *kept})
        )
        kept.add(identity)
        confirmation.forget(Entity.EVENT, identity, HeldKind.ABSENT)
        payload = {"source": answer.source.value, "document": malformed.document}
        confirmation.hold_answer(Entity.EVENT, identity, HeldKind.SCHEDULE_REJECTED, payload, malformed.reason)
        what = "left as it is" if possible else "left out"
        draft.notes.append(f"{malformed.name or 'an event without a name'}: {what}: {malformed.reason}")
    for held in list(confirmation.kept.values()):
        is_malformed = held.entity is Entity.EVENT and held.kind is HeldKind.SCHEDULE_REJECTED
        if is_malformed and held.entity_id not in kept and Source(held.payload["source"]).rank >= answer.source.rank:
            confirmation.forget(held.entity, held.entity_id, held.kind)
