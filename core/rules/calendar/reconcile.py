"""Applies a source's answer to the known calendar. Pure functions of both and a given `now`.

The rules' tests, named for the cases they come from, are in `tests/test_absence.py`, `tests/test_moves.py` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.records import Change, ListedEvent, ListedResult, ScheduleAnswer, Source
from core.rules import confirmation
from core.rules.calendar.absence import absent_events, cancel_or_hold_event
from core.rules.calendar.draft import Draft
from core.rules.calendar.identity import match_events
from core.rules.calendar.listing import add_event, update_event
from core.rules.calendar.plausibility import active_events, is_implausible, touched_events
from core.rules.calendar.qualifying import with_qualifying
from core.rules.calendar.rejection import keep_malformed, keep_rejected
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
        rejected: better sources whose answers cannot be a calendar, and why.
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
    keep_rejected(draft.confirmation, answer.season, rejected or {})
    keep_malformed(draft, matched.values())
    calendar = Calendar(draft.events, draft.sessions, draft.circuits, draft.confirmation.kept)
    return Reconciled(calendar, tuple(changes_between(known, calendar)), tuple(draft.notes))
