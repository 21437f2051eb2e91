"""The argument parser of every command, and the types of its arguments."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any, NoReturn

from core.text import printable


class Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line."""

    def __init__(self, prog: str, description: str | None = None, **options: Any) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"error: {printable(message.removeprefix('argument '))} (see {self.prog} --help)\n")


def moment(text: str) -> datetime:
    """An ISO 8601 moment with its offset from UTC."""
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a moment, such as 2024-07-28T15:00:00Z") from None
    except OverflowError:
        raise argparse.ArgumentTypeError(f"{text!r} is before the first or after the last year") from None
    raise argparse.ArgumentTypeError(f"{text!r} has no offset from UTC: add Z or +02:00")
