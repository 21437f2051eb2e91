"""What a poll of a session's results came to."""

from __future__ import annotations

from enum import StrEnum

from core.records import Record


class Outcome(StrEnum):
    """What became of a poll."""

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

    @property
    def is_accepted(self) -> bool:
        """Whether there was an answer and it is believed."""
        return self.is_revision or self is Outcome.UNCHANGED


class Polled(Record):
    """What one session's poll came to; `diff`, `warnings` and the `reason` of a failure are for a person."""

    session_id: str
    outcome: Outcome
    revision: int
    entries: int = 0
    diff: str = ""
    warnings: tuple[str, ...] = ()
    reason: str = ""
