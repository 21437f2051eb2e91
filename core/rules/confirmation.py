"""Held answers: confirmed once repeated for their holding time, counted from the first sighting. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from core.kinds import Entity, HeldKind
from core.records import Held

Key = tuple[str, str, str]

AT_ONCE = timedelta(0)
ABSENCE = timedelta(hours=6)
PAST_MOVE = timedelta(hours=48)
IMPLAUSIBLE = timedelta(hours=24)
SUPERSEDED = timedelta(hours=24)
SHORT = timedelta(hours=24)
DIFFERENT = timedelta(hours=24)


class Confirmation:
    """The held answers: `found` before a run, and `kept` after it."""

    def __init__(self, found: Mapping[Key, Held], now: datetime, *, force: bool = False) -> None:
        self.found = dict(found)
        self._now = now
        self._force = force
        self.kept = dict(found)

    def confirm_or_hold(
        self,
        entity: Entity,
        entity_id: str,
        kind: HeldKind,
        payload: dict[str, Any],
        reason: str,
        holding: timedelta | None,
    ) -> bool:
        """Whether an answer may be applied now: it is forced, or was repeated unchanged for its `holding` time.

        Otherwise it is held. With `holding` None only force applies it.
        """
        seen = self.hold_answer(entity, entity_id, kind, payload, reason)
        if self._force or (holding is not None and self._now - seen.first_seen_at >= holding):
            self.forget(entity, entity_id, kind)
            return True
        return False

    def hold_answer(self, entity: Entity, entity_id: str, kind: HeldKind, payload: dict[str, Any], reason: str) -> Held:
        """Hold an answer; while it is unchanged, its first sighting is kept. Returns the held answer."""
        key = (entity.value, entity_id, kind.value)
        before = self.found.get(key)
        same = before if before is not None and before.payload == payload else None
        self.kept[key] = Held(
            entity=entity,
            entity_id=entity_id,
            kind=kind,
            payload=payload,
            reason=reason,
            first_seen_at=same.first_seen_at if same else self._now,
            last_seen_at=self._now,
            times_seen=same.times_seen + 1 if same else 1,
        )
        return self.kept[key]

    def hold_absent(self, session_id: str, apart: timedelta) -> int:
        """Count that a past session has no results, at most once per `apart`; returns the count so far."""
        before = self.found.get((Entity.SESSION.value, session_id, HeldKind.RESULTS_ABSENT.value))
        if before is not None and self._now - before.last_seen_at < apart:
            return before.times_seen
        reason = "upstream has no results of this past session"
        return self.hold_answer(Entity.SESSION, session_id, HeldKind.RESULTS_ABSENT, {}, reason).times_seen

    def forget(self, entity: Entity, entity_id: str, kind: HeldKind) -> None:
        """Drop a held answer, because upstream now gives another one."""
        self.kept.pop((entity.value, entity_id, kind.value), None)
