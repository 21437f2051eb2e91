"""Ids that never change, and matching listed events with known ones. Pure functions.

An event's id is `2026-bahrain-grand-prix` and a session's `2026-bahrain-grand-prix/race`: only this module composes
and splits them. Events are matched by name, place and dates, never by round: cancelling one race renumbers all later
ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from core.kinds import EventFormat, SessionKind, Status
from core.records import Circuit, Event, ListedEvent
from core.rules.calendar.circuits import country_key, place_key

NEAR = timedelta(days=14)
SAME_WEEKEND = timedelta(days=1)


def slug(name: str) -> str:
    """A name for use in an id: "São Paulo Grand Prix" is "sao-paulo-grand-prix"."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-") or "event"


def new_event_id(season: int, name: str, taken: Iterable[str]) -> str:
    """A new event's id: season and slug, with a number if that id was ever taken."""
    wanted = season_prefix(season) + slug(name)
    used = set(taken)
    if wanted not in used:
        return wanted
    number = 2
    while f"{wanted}-{number}" in used:
        number += 1
    return f"{wanted}-{number}"


def session_id(event_id: str, kind: SessionKind) -> str:
    """A session's id; an event has one session of a kind."""
    return f"{event_id}/{kind.value}"


def split(identity: str) -> tuple[str, str | None]:
    """The event's id and the kind in a session's id; for an event's id the kind is None."""
    event_id, slash, kind = identity.partition("/")
    return event_id, kind if slash else None


def event_id_of(identity: str) -> str:
    """The event's id in a session's id; an event's id is returned unchanged."""
    return split(identity)[0]


def kind_of(identity: str) -> SessionKind | None:
    """The kind of session in a session's id; None for an event's id.

    Raises:
        ValueError: the kind in the id is unknown.
    """
    kind = split(identity)[1]
    return None if kind is None else SessionKind(kind)


def season_of(identity: str) -> int:
    """The season that an event's or a session's id begins with."""
    return int(identity.partition("-")[0])


def slug_of(event_id: str) -> str:
    """An event's id without its season."""
    return event_id.partition("-")[2]


def season_prefix(season: int) -> str:
    """The beginning that only ids of a season's events and sessions have."""
    return f"{season}-"


def same_place(known: Event, listed: ListedEvent) -> bool:
    """Whether both are at one circuit, whatever their sources call the place."""
    if known.circuit_id and listed.circuit and known.circuit_id == listed.circuit.id:
        return True
    if not (known.locality and listed.locality):
        return False
    return place_key(known.country, known.locality) == place_key(listed.country, listed.locality)


def has_moved_away(known: Event, listed: ListedEvent) -> bool:
    """Whether an event is listed at another place; not if it is listed without one."""
    return bool(listed.locality) and not same_place(known, listed)


def match_events(known: Iterable[Event], listed: Sequence[ListedEvent]) -> dict[int, str]:
    """The known event for each listed one, as index in `listed` to event id; new events are left out.

    The best match is taken first: name, place and date; place and date (renamed); name and date (relocated); name and
    place (moved); name (moved and relocated); place and a near date. Among equals, the nearest in time. Testing is
    matched with testing only, and there the nearest in time comes before the order: if the first of two tests of one
    name is gone, the other one is still the second.
    """
    candidates = []
    for event in known:
        for index, other in enumerate(listed):
            rank = _match_rank(event, other)
            if rank is not None:
                gap = abs(event.last_date - other.last_date)
                is_cancelled = event.status is Status.CANCELLED
                candidates.append((rank, gap, is_cancelled, *event.in_order, index))
    matched: dict[int, str] = {}
    for *_, identity, index in sorted(candidates):
        if index not in matched and identity not in matched.values():
            matched[index] = identity
    return matched


def _match_rank(known: Event, listed: ListedEvent) -> int | None:
    """0 for the best match, higher numbers for weaker ones, None for no match."""
    if (known.format is EventFormat.TESTING) != (listed.format is EventFormat.TESTING):
        return None
    named = slug(known.name) == slug(listed.name)
    placed = same_place(known, listed)
    gap = abs(known.last_date - listed.last_date)
    dated = gap <= SAME_WEEKEND
    matches = (
        named and placed and dated,
        placed and dated,
        named and dated,
        named and placed,
        named,
        placed and gap <= NEAR,
    )
    return next((rank for rank, fits in enumerate(matches) if fits), None)


def circuit_of(event: ListedEvent, races: Sequence[ListedEvent], known: Mapping[str, Circuit]) -> Circuit | None:
    """A listed event's circuit: its own, else that of the race at its place and date, else the known one at its place.

    `races` are Jolpica's, with circuits; sources may differ in a place's name, and by a day in the date.
    """
    if event.circuit is not None:
        return event.circuit
    here = place_key(event.country, event.locality)
    for race in races:
        if race.circuit and here in (race.circuit.id, place_key(race.country, race.locality)):
            return race.circuit
    if event.format is not EventFormat.TESTING:
        for race in races:
            is_near = abs(race.last_date - event.last_date) <= SAME_WEEKEND
            if is_near and country_key(race.country) == country_key(event.country):
                return race.circuit
    return known.get(here)
