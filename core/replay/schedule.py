"""The calendar as the f1schedule file that FastF1 reads first."""

import json
from collections.abc import Sequence
from typing import Any

from core.replay.facts import EventFacts

MOST_SESSIONS = 5


def file(events: Sequence[EventFacts]) -> bytes:
    """The f1schedule file: one object per column, keyed by the event's index as text."""
    columns: dict[str, list[Any]] = {
        "round_number": [event.round for event in events],
        "country": [event.country for event in events],
        "location": [event.location for event in events],
        "official_event_name": [event.official_name for event in events],
        "event_date": [event.last_date and f"{event.last_date.isoformat()}T00:00:00" for event in events],
        "event_name": [event.name for event in events],
        "gmt_offset": [event.gmt_offset for event in events],
        "event_format": [event.format for event in events],
    }
    for n in range(MOST_SESSIONS):
        sessions = [event.sessions[n] if n < len(event.sessions) else None for event in events]
        columns[f"session{n + 1}"] = [session.name if session else None for session in sessions]
        columns[f"session{n + 1}_date"] = [
            session.local.isoformat() if session and session.local else None for session in sessions
        ]
    columns["f1_api_support"] = [True for _ in events]
    return json.dumps(
        {name: {str(i): value for i, value in enumerate(column)} for name, column in columns.items()}
    ).encode()
