"""Events and sessions named by a person, and the nearest ids. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from core.bounds import FIRST_SEASON, LAST_SEASON
from core.errors import UsageError
from core.kinds import SessionKind
from core.records import Session
from core.rules.calendar.identity import event_id_of, season_of, season_prefix, slug, slug_of, split

SUGGESTED = 3


def kind_named(text: str) -> SessionKind:
    """The kind of session that a text names; hyphens and capitals are allowed.

    Raises:
        UsageError: there is no such kind; the message lists all kinds.
    """
    try:
        return SessionKind(text.lower().replace("-", "_"))
    except ValueError:
        raise UsageError(
            f"{text!r} is not a kind of session: {', '.join(kind.value for kind in SessionKind)}"
        ) from None


def event_and_kind(identity: str, kind: SessionKind | None = None) -> tuple[str, SessionKind | None]:
    """The event's id and the kind of session in an event's or a session's id; `kind` is used if the id has none.

    Raises:
        UsageError: there is no such kind, or `kind` differs from the id's.
    """
    event_id, named = split(identity)
    if named is None:
        return event_id, kind
    own = kind_named(named)
    if kind not in (None, own):
        raise UsageError(f"{identity} and the session {kind}: give one or the other")
    return event_id, own


def polled_by_name(
    identity: str | None, kind: SessionKind | None
) -> tuple[str, SessionKind | None] | tuple[None, None]:
    """The event and the kind of session that a run is given by name; None if it is given none.

    Raises:
        UsageError: as `event_and_kind`, or a session is named without its event.
    """
    if identity is not None:
        return event_and_kind(identity, kind)
    if kind is not None:
        raise UsageError("a session is named within its event: give --event too")
    return None, None


def unknown(identity: str, known: Sequence[str]) -> str:
    """The message for an id that is not among the `known` event ids: the nearest ones, or the command to run first."""
    event_id = event_id_of(identity)
    wanted = re.match(r"(\d{4})(?!\d)", event_id)
    season = int(wanted[1]) if wanted and FIRST_SEASON <= int(wanted[1]) <= LAST_SEASON else None
    sync = f"python -m flows.sync_schedule{f' {season}' if season else ''}"
    if not known:
        return f"{identity} is not known; the database has no events: run {sync} first"
    own = [one for one in known if season is None or one.startswith(season_prefix(season))]
    if not own:
        return f"{identity}: season {season} is not in the database: run {sync} first"
    near = nearest(event_id[4:] if season else event_id, own)
    if not near:
        return f"{identity} is not known; ids look like {max(own)}"
    ending = identity.removeprefix(event_id)
    return f"{identity} is not known; did you mean {' or '.join(one + ending for one in near)}?"


def without_session(event_id: str, kind: SessionKind, own: Iterable[Session]) -> str:
    """The message for an event that has no session of a kind; `own` are those it has."""
    return f"{event_id} has no {kind.value}: it has {', '.join(session.kind.value for session in own)}"


def nearest(text: str, ids: Sequence[str]) -> list[str]:
    """The ids whose slugs contain each word of a text, latest seasons first; otherwise ids spelled alike."""
    words = slug(text).split("-")
    latest = sorted(ids, key=lambda one: (-season_of(one), one))
    having = [one for one in latest if all(word in slug_of(one) for word in words)]
    if having:
        return having[:SUGGESTED]
    slugs = {slug_of(one): one for one in reversed(latest)}
    spelled = get_close_matches("-".join(words), slugs, n=SUGGESTED, cutoff=0.6)
    parts = {part: one for one in reversed(latest) for part in slug_of(one).split("-") if part not in ("grand", "prix")}
    alike = [slugs[one] for one in spelled] or [
        parts[part] for word in words for part in get_close_matches(word, parts, n=1, cutoff=0.7)
    ]
    return list(dict.fromkeys(alike))[:SUGGESTED]
