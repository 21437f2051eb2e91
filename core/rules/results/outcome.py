"""The outcome of a poll of a session's results."""

from __future__ import annotations

from enum import StrEnum

from core.records import Record


class Outcome(StrEnum):
    """The kinds of outcome."""

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
        """Whether an answer was accepted."""
        return self.is_revision or self is Outcome.UNCHANGED


class Polled(Record):
    """The outcome of one session's poll; `diff`, `warnings` and the `reason` of a failure are for people."""

    session_id: str
    outcome: Outcome
    revision: int
    entries: int = 0
    diff: str = ""
    warnings: tuple[str, ...] = ()
    reason: str = ""
