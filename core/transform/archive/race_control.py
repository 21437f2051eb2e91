"""Race control's messages."""

from __future__ import annotations

from core.documents import ArchiveDocument, Document
from core.kinds import SessionKind
from core.timing_records import RaceControlMessage
from core.transform.archive.clock import moment, race_control_messages
from core.transform.cells import number, text


def race_control(document: ArchiveDocument, kind: SessionKind) -> tuple[RaceControlMessage, ...] | None:
    """Every message, in order; None if the feed is missing."""
    if document["race_control"] is None:
        return None
    said = [message for _, message in race_control_messages(document)]
    return tuple(_message(ordinal, message) for ordinal, message in enumerate(said, start=1)) or None


def _message(ordinal: int, message: Document) -> RaceControlMessage:
    return RaceControlMessage(
        ordinal=ordinal,
        at=moment(message["Utc"]),
        lap=number(message.get("Lap")),
        category=text(message.get("Category")),
        flag=text(message.get("Flag")),
        scope=text(message.get("Scope")),
        sector=number(message.get("Sector")),
        car_number=text(message.get("RacingNumber")),
        message=text(message["Message"]) or "",
    )
