"""Ids that name nothing. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator

from core.kinds import Entity, HeldKind
from core.rules.audit.season import AuditedSeason, Found
from core.rules.calendar.identity import season_prefix, session_id

TABLES = {Entity.EVENT: "events", Entity.SESSION: "sessions"}


def unknown_id(season: AuditedSeason) -> Found:
    """A row with the id of a missing event, session, driver, team or circuit; reported once per holder."""
    seen = set()
    for holder, what, table, identity in _references(season):
        if identity is not None and identity not in season.ids[table] and (holder, table, identity) not in seen:
            seen.add((holder, table, identity))
            yield holder, f"{what}: there is no {table.removesuffix('s')} {identity}"


def id_unlike_row(season: AuditedSeason) -> Found:
    """An event's id that does not match its season, or a session's that does not match its event and kind."""
    for event in season.events.values():
        if not event.id.startswith(season_prefix(event.season)):
            yield event.id, f"an event of {event.season}"
    for session in season.sessions.values():
        if session.id != session_id(session.event_id, session.kind):
            yield session.id, f"the {session.kind.value} of {session.event_id}"


def _references(season: AuditedSeason) -> Iterator[tuple[str, str, str, str | None]]:
    """Each id in a row: its holder, a name for the rows, the table it refers to, and the id."""
    for event in season.events.values():
        yield event.id, "its circuit", "circuits", event.circuit_id
    for session in season.sessions.values():
        yield session.id, "its event", "events", session.event_id
    for holder, entries in season.entries.items():
        yield holder, "results", "sessions", holder
        for entry in entries:
            yield holder, "results", "drivers", entry.driver_id
            yield holder, "results", "teams", entry.team_id
    for holder in season.revisions:
        yield holder, "revisions", "sessions", holder
    for (holder, competitor), table in season.standings.items():
        yield holder, "standings", "events", holder
        for standing in table:
            yield holder, "standings", f"{competitor}s", standing.competitor_id
    rounds = [event.round or 0 for event in season.events.values() if (event.id, "driver") in season.standings]
    for adjustment in season.adjustments:
        if any(map(adjustment.holds_after, rounds)):
            yield str(season.season), "an adjustment", f"{adjustment.competitor}s", adjustment.competitor_id
    for state in season.states:
        if table_of := TABLES.get(state.entity):
            yield state.entity_id, f"the state of {state.dataset}", table_of, state.entity_id
    for held in season.held.values():
        # An unreadable part of a schedule is held under the id that the event would have.
        if (table_of := TABLES.get(held.entity)) and held.kind is not HeldKind.SCHEDULE_REJECTED:
            yield held.entity_id, "held answers", table_of, held.entity_id
    for change in season.feed:
        if table_of := TABLES.get(change.entity):
            yield change.entity_id, "the feed", table_of, change.entity_id
