"""How a person names an event or a session, and the ids that come nearest. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from core.bounds import FIRST_SEASON, LAST_SEASON
from core.errors import UsageError
from core.records import SessionKind
from core.rules.calendar.identity import slug

SUGGESTED = 3


def kind_of(text: str) -> SessionKind:
    """A kind of session, also with hyphens or in capitals.

    Raises:
        UsageError: there is none of that name; those there are.
    """
    try:
        return SessionKind(text.lower().replace("-", "_"))
    except ValueError:
        raise UsageError(f"{text!r} is no session: {', '.join(kind.value for kind in SessionKind)}") from None


def event_and_kind(identity: str, kind: SessionKind | None = None) -> tuple[str, SessionKind | None]:
    """An event's id and, where one is meant, a kind of session: of an event's id, or of a session's.

    Raises:
        UsageError: there is no such kind, or `kind` is another one than the id's.
    """
    event_id, slash, named = identity.partition("/")
    if not slash:
        return event_id, kind
    own = kind_of(named)
    if kind not in (None, own):
        raise UsageError(f"{identity} and the session {kind}: one of them")
    return event_id, own


def unknown(identity: str, known: Sequence[str]) -> str:
    """What to say of an id that is not among the events' `known` ones: the nearest, or what brings its season."""
    event_id, slash, kind = identity.partition("/")
    wanted = re.match(r"(\d{4})(?!\d)", event_id)
    season = int(wanted[1]) if wanted and FIRST_SEASON <= int(wanted[1]) <= LAST_SEASON else None
    sync = f"python -m flows.sync_schedule{f' {season}' if season else ''}"
    if not known:
        return f"{identity} is not known, and no event is: run {sync} first"
    own = [one for one in known if season is None or one.startswith(f"{season}-")]
    if not own:
        return f"{identity}: season {season} is not in the database: run {sync} first"
    near = nearest(event_id[4:] if season else event_id, own)
    if not near:
        return f"{identity} is not known; ids are such as {max(own)}"
    return f"{identity} is not known; did you mean {' or '.join(f'{one}{slash}{kind}' for one in near)}?"


def nearest(text: str, ids: Sequence[str]) -> list[str]:
    """The ids whose slugs have each word of a text, the latest seasons first; else those that are spelled alike."""
    words = slug(text).split("-")
    latest = sorted(ids, key=lambda one: (-int(one[:4]), one))
    having = [one for one in latest if all(word in one[5:] for word in words)]
    if having:
        return having[:SUGGESTED]
    slugs = {one[5:]: one for one in reversed(latest)}
    spelled = get_close_matches("-".join(words), slugs, n=SUGGESTED, cutoff=0.6)
    parts = {part: one for one in reversed(latest) for part in one[5:].split("-") if part not in ("grand", "prix")}
    alike = [slugs[one] for one in spelled] or [
        parts[part] for word in words for part in get_close_matches(word, parts, n=1, cutoff=0.7)
    ]
    return list(dict.fromkeys(alike))[:SUGGESTED]
