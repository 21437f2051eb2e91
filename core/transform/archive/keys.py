"""Formula 1's own keys of a session, its meeting and circuit, and its drivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from core.bounds import name_or_none
from core.documents import ArchiveDocument
from core.errors import MISSHAPEN
from core.timing_records import ArchiveKeys, Key, Reference
from core.transform.archive.clock import messages
from core.transform.cells import number, text

PLACES = {"session": ("Key",), "event": ("Meeting", "Key"), "circuit": ("Meeting", "Circuit", "Key")}
"""The path to each key in a message about the session."""

KEY: TypeAdapter[int | None] = TypeAdapter(Key | None)
REFERENCE: TypeAdapter[str | None] = TypeAdapter(Reference | None)


def archive_keys(document: ArchiveDocument) -> ArchiveKeys:
    """The keys of an archive, each from the last message that has it; unreadable ones are left out."""
    found: dict[str, int] = {}
    for _, message in messages(document["info"]):
        for name, place in PLACES.items():
            if (key := _key(_at(message, place))) is not None:
                found[name] = key
    return ArchiveKeys(**found, drivers=_references(document))


def _references(document: ArchiveDocument) -> dict[str, str]:
    """The drivers' references by car number; live timing's list had none in 2018."""
    return {
        car: reference
        for _, message in messages(document["driver_list"] or ())
        for listed, driver in message.items()
        if (car := name_or_none(listed)) and (reference := _reference(_at(driver, ("Reference",))))
    }


def _at(message: Any, place: tuple[str, ...]) -> Any:
    """A message's value at a path; None if it has no such path."""
    for name in place:
        message = message.get(name) if isinstance(message, Mapping) else None
    return message


def _key(value: Any) -> int | None:
    try:
        return KEY.validate_python(number(value))
    except MISSHAPEN:
        return None


def _reference(value: Any) -> str | None:
    try:
        return REFERENCE.validate_python(text(value))
    except MISSHAPEN:
        return None
