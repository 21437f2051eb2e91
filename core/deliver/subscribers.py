"""The subscribers in the settings: one from F1_WEBHOOK_URL, others from F1_WEBHOOKS_FILE."""

from __future__ import annotations

import base64
import binascii
import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError

from core.errors import UsageError, message_of
from core.kinds import ChangeKind
from core.records import Record
from core.settings import Settings, receiver_url

PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes of a secret, by the Standard Webhooks specification."""

OF_SETTINGS = "default"
"""The name of the subscriber from F1_WEBHOOK_URL."""


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(
            f"must be {SHORTEST_KEY} to {LONGEST_KEY} bytes in Base64, such as openssl rand -base64 32 writes"
        )
    return value


class Subscriber(Record):
    """A receiver of changes and its secret; without `kinds` it gets all kinds."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,62}$")]
    url: Annotated[str, AfterValidator(receiver_url)]
    secret: Annotated[SecretStr, AfterValidator(_secret)]
    kinds: Annotated[tuple[ChangeKind, ...], Field(min_length=1)] | None = None
    allow_private: bool = False

    @property
    def host(self) -> str:
        """The URL's scheme and host, without the path, which may be secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


def subscribers_of(settings: Settings) -> list[Subscriber]:
    """All subscribers, in the order of the settings.

    Raises:
        UsageError: one of them is incomplete, or the file cannot be read.
    """
    found: list[Subscriber] = []
    if settings.f1_webhook_url is not None:
        given = {"name": OF_SETTINGS, "url": settings.f1_webhook_url, "secret": settings.f1_webhook_secret}
        if settings.f1_webhook_secret is None:
            raise UsageError("F1_WEBHOOK_URL is set, but F1_WEBHOOK_SECRET is not: messages must be signed")
        found.append(_subscriber(given, "F1_WEBHOOK_SECRET"))
    if settings.f1_webhooks_file is not None:
        path = settings.f1_webhooks_file
        listed = _read(path)
        found += [_subscriber(one, f"{path}: webhook {number}") for number, one in enumerate(listed, 1)]
    if repeated := [name for name, times in Counter(one.name for one in found).items() if times > 1]:
        raise UsageError(f"two webhooks have the name {repeated[0]}")
    return found


def subscriber_named(subscribers: list[Subscriber], name: str) -> Subscriber:
    """The subscriber with this name.

    Raises:
        UsageError: there is none.
    """
    for one in subscribers:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in subscribers) or "none: set F1_WEBHOOK_URL or F1_WEBHOOKS_FILE"
    raise UsageError(f"there is no webhook {name}; there are: {known}")


def _read(path: Path) -> list[Any]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"F1_WEBHOOKS_FILE {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"F1_WEBHOOKS_FILE {path} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"F1_WEBHOOKS_FILE {path} is not TOML: {error}") from None
    listed = document.pop("webhooks", [])
    if document or not isinstance(listed, list):
        raise UsageError(f"F1_WEBHOOKS_FILE {path} may contain only [[webhooks]]")
    return listed


def _subscriber(given: Any, where: str) -> Subscriber:
    try:
        return Subscriber.model_validate(given)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, wrong["loc"]))
        raise UsageError(f"{where}: {field} {message_of(wrong)}") from None
