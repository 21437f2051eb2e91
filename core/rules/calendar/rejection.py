"""Rejected and unreadable parts of a schedule, kept in `held` regardless of time and force."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.records import Entity, HeldKind, Source
from core.rules.calendar.absence import namesakes
from core.rules.calendar.draft import Draft
from core.rules.calendar.identity import new_event_id
from core.rules.confirmation import Confirmation


def keep_rejected(confirmation: Confirmation, season: int, rejected: Mapping[Source, str]) -> None:
    """Hold which sources' answers cannot be a calendar, and why, until they give another answer."""
    about = Entity.SEASON, str(season), HeldKind.SCHEDULE_REJECTED
    if rejected:
        reasons = {source.value: why for source, why in rejected.items()}
        reason = "; ".join(f"{source}: {why}" for source, why in reasons.items())
        confirmation.hold_answer(*about, reasons, reason)
    else:
        confirmation.forget(*about)


def keep_malformed(draft: Draft, found: Collection[str]) -> None:
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
