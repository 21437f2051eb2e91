"""Text from elsewhere as it may reach a screen or a line of a log."""

from __future__ import annotations

import unicodedata

CONTROL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of control characters, format characters (bidi overrides), surrogates and line separators."""


def is_control(character: str) -> bool:
    """Whether a character steers what shows it, rather than being shown."""
    return unicodedata.category(character) in CONTROL_CATEGORIES


def printable(text: str) -> str:
    """The text in one line, with control characters as escapes such as `\\x1b`: what shows it cannot be steered."""
    if text.isprintable():
        return text
    return "".join(escape(character) if is_control(character) else character for character in text)


def escape(character: str) -> str:
    """A character as Python writes it in a literal."""
    return character.encode("unicode_escape").decode("ascii")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: 1 session, 2 sessions."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
