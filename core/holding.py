"""What upstream says and is not believed yet: held until it was repeated unchanged for its holding time.

A glitch so costs nothing, and since every repetition counts from the first, a missed run loses nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from core.records import Entity, Held, HeldKind

Key = tuple[str, str, str]

ABSENCE = timedelta(hours=6)
PAST_MOVE = timedelta(hours=48)
IMPLAUSIBLE = timedelta(hours=24)
SUPERSEDED = timedelta(hours=24)


class Holding:
    """The held answers, as they were found and as one run leaves them."""

    def __init__(self, found: Mapping[Key, Held], now: datetime, *, force: bool = False) -> None:
        self._found = dict(found)
        self._now = now
        self._force = force
        self.kept = dict(found)

    def believes(
        self,
        entity: Entity,
        entity_id: str,
        kind: HeldKind,
        payload: dict[str, Any],
        reason: str,
        holding: timedelta | None,
    ) -> bool:
        """Whether an answer may be applied now: it is forced, or was repeated unchanged for its `holding` time.

        Otherwise it is held. A `holding` of None is never satisfied by time.
        """
        key = (entity.value, entity_id, kind.value)
        before = self._found.get(key)
        same = before is not None and before.payload == payload
        first = before.first_seen_at if before is not None and same else self._now
        times = before.times_seen + 1 if before is not None and same else 1
        if self._force or (holding is not None and self._now - first >= holding):
            self.kept.pop(key, None)
            return True
        self.kept[key] = Held(
            entity=entity,
            entity_id=entity_id,
            kind=kind,
            payload=payload,
            reason=reason,
            first_seen_at=first,
            last_seen_at=self._now,
            times_seen=times,
        )
        return False

    def forget(self, entity: Entity, entity_id: str, kind: HeldKind) -> None:
        """Upstream says something else by now: what was held is void."""
        self.kept.pop((entity.value, entity_id, kind.value), None)
