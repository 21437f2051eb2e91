"""Formula 1's own keys of a session, its meeting and circuit, and its drivers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter

from core.bounds import name_or_none
from core.documents import ArchiveDocument
from core.errors import MISSHAPEN
from core.timing_records import ArchiveKeys, Key, Reference
from core.transform.archive.clock import messages
from core.transform.cells import number, text

PLACES = {"session": ("Key",), "event": ("Meeting", "Key"), "circuit": ("Meeting", "Circuit", "Key")}
"""The path to each key in a message about the session."""

T = TypeVar("T")

KEY: TypeAdapter[int | None] = TypeAdapter(Key | None)
REFERENCE: TypeAdapter[str | None] = TypeAdapter(Reference | None)


def archive_keys(document: ArchiveDocument) -> ArchiveKeys:
    """The keys of an archive, each from the last message that has it; unreadable ones are left out."""
    found: dict[str, int] = {}
    for _, message in messages(document["info"]):
        for name, place in PLACES.items():
            if (key := _read(KEY, number, message, place)) is not None:
                found[name] = key
    return ArchiveKeys(**found, drivers=_references(document))


def _references(document: ArchiveDocument) -> dict[str, str]:
    """The drivers' references by car number; live timing's list had none in 2018."""
    return {
        car: reference
        for _, message in messages(document["driver_list"] or ())
        for listed, driver in message.items()
        if (car := name_or_none(listed)) and (reference := _read(REFERENCE, text, driver, ("Reference",)))
    }


def _read(kind: TypeAdapter[T], cell: Callable[[Any], Any], message: Any, place: tuple[str, ...]) -> T | None:
    """A message's value at a path; None if it has no such path, or the value is unreadable."""
    for name in place:
        message = message.get(name) if isinstance(message, Mapping) else None
    try:
        return kind.validate_python(cell(message))
    except MISSHAPEN:
        return None
