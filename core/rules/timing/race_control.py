"""Which of race control's messages are accepted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from core.rules.results.polling import over_at
from core.rules.timing.evidence import Evidence, Examined
from core.text import moment
from core.timing_records import RaceControlMessage

NEAR = timedelta(hours=12)
"""The allowed distance of a message from its session: a race delayed for hours has its messages too."""


def examine_race_control(rows: Sequence[RaceControlMessage], evidence: Evidence) -> Examined[RaceControlMessage]:
    """The messages, or the reason to refuse them: they belong to another session."""
    session = evidence.session
    first = (session.starts_at or over_at(session)) - NEAR
    if strange := next((row for row in rows if not first <= row.at <= over_at(session) + NEAR), None):
        return Examined(rows, refused=f"message {strange.ordinal} is dated {moment(strange.at, year=True)}")
    return Examined(rows)
