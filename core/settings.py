"""Settings from the environment or `.env`, with the old worker's names and meanings.

Other names in `.env`, such as the application's own, are ignored.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import UsageError, message_of

DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+asyncpg": "postgresql+psycopg",
    "postgresql+psycopg2": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
}


SECRETS = ("password", "sslpassword")
"""URL parameters that libpq treats as secrets."""


def shown_url(url: URL) -> str:
    """A database's URL with its passwords hidden."""
    hidden = {name: "***" for name in SECRETS if name in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def file_of(url: URL) -> Path | None:
    """The absolute path of a SQLite database; None for other databases, and for SQLite's own `file:` URIs."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return None
    return Path(url.database).absolute()


def in_memory(url: URL) -> bool:
    """Whether a SQLite database is in memory, and so would be lost with its first connection."""
    is_named = (url.database or ":memory:").removeprefix("file:") not in ("", ":memory:")
    return url.get_backend_name() == "sqlite" and (not is_named or url.query.get("mode") == "memory")


def is_web_url(value: str) -> bool:
    """Whether a text is a URL of a web server."""
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in value
    except ValueError:
        return False


def receiver_url(value: str) -> str:
    """Check a webhook's URL, and return it.

    Raises:
        ValueError: no message can be sent to it.
    """
    if not is_web_url(value) or not value.isascii() or not value.isprintable():
        raise ValueError("is not a URL, such as https://example.com/f1")
    parts = urlsplit(value)
    if parts.username is not None or parts.fragment:
        raise ValueError("has a user, a password or a fragment, which are not sent: messages are signed instead")
    return value


LogFormat = Literal["console", "json"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class Settings(BaseSettings):
    """The settings in force. Field names are the environment's, in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr = Field(SecretStr("sqlite:///f1.db"), description="PostgreSQL, or a SQLite file")
    database_schema: str = Field("f1", description="the tables' schema on PostgreSQL")
    fastf1_cache_dir: Path = Field(Path(".f1-cache"), description="FastF1's cache of live timing files")
    poll_interval_minutes: int = Field(30, ge=1, le=1440, description="longest time between polls on the day")
    post_session_delay_minutes: int = Field(30, ge=0, le=1440, description="from a session's end to its first poll")
    hot_poll_seconds: int = Field(60, ge=0, le=300, description="between polls while results usually come; 0: off")
    hot_poll_delay_minutes: int = Field(15, ge=0, le=1440, description="first poll of a run that stays, if earlier")
    log_level: LogLevel = Field("INFO", description="lowest level that is logged")
    log_format: LogFormat = Field("console", description="console or json")
    enable_scheduler: bool = Field(True, description="whether flows.serve schedules anything")
    f1_upstream_url: str | None = Field(None, description="a mirror of upstream; unset: the real hosts")
    f1_username: str | None = Field(None, description="Formula 1 account for live timing")
    f1_password: SecretStr | None = Field(None, description="its password")
    f1_webhook_url: str | None = Field(None, description="where changes are sent, signed")
    f1_webhook_secret: SecretStr | None = Field(None, description="what they are signed with: 24 to 64 bytes, Base64")
    f1_webhooks_file: Path | None = Field(None, description="TOML file of several webhooks")

    @field_validator("*", mode="before")
    @classmethod
    def _without_line_end(cls, value: Any) -> Any:
        return value.strip("\r\n") if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        try:
            url = make_url(value.get_secret_value())
        except (ArgumentError, ValueError):
            raise ValueError("is not a database URL, such as postgresql://user:password@host/name") from None
        if url.drivername not in DRIVERS:
            raise ValueError(f"names a database we cannot use ({url.drivername}): PostgreSQL or SQLite")
        if DRIVERS[url.drivername] != "sqlite" and "@" in f"{url.host}{url.database}":
            raise ValueError("has an @ in its user or password: write %40")
        if in_memory(url):
            raise ValueError("is a SQLite database in memory, which would not outlive this process: name a file")
        return value

    @field_validator("database_schema")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value) or value.startswith("pg_"):
            raise ValueError("must be a plain lower-case schema name")
        return value

    @field_validator("f1_upstream_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not is_web_url(value):
            raise ValueError("is not a URL, such as http://127.0.0.1:8900")
        return value and value.rstrip("/")

    @field_validator("f1_webhook_url")
    @classmethod
    def _receiver(cls, value: str | None) -> str | None:
        return None if value is None else receiver_url(value)

    @classmethod
    def load(cls) -> Settings:
        """The settings of this process.

        Raises:
            UsageError: a value is wrong; the message names the setting, never a secret's value.
        """
        try:
            return cls()
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            name = str(wrong["loc"][0]).upper()
            message = message_of(wrong)
            raise UsageError(f"{name} {message[0].lower()}{message[1:]}") from None
        except UnicodeDecodeError:
            raise UsageError(".env is not UTF-8 text") from None
        except OSError as error:
            raise UsageError(f".env cannot be read: {error.strerror}") from None

    @property
    def database(self) -> URL:
        """The database's URL for SQLAlchemy with our driver, whichever driver it names."""
        url = make_url(self.database_url.get_secret_value())
        query = dict(url.query)
        if (ssl := query.pop("ssl", None)) is not None:  # asyncpg's word for libpq's sslmode
            query["sslmode"] = {"true": "require", "false": "disable"}.get(str(ssl).lower(), ssl)
        for other in ("prepared_statement_cache_size", "statement_cache_size", "command_timeout", "timeout"):
            if url.drivername.endswith("+asyncpg"):
                query.pop(other, None)
        return url.set(drivername=DRIVERS[url.drivername]).set(query=query)

    def shown(self) -> dict[str, str]:
        """Every setting's value as text, secrets hidden."""
        texts = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name == "database_url":
                file = file_of(self.database)
                texts[name] = shown_url(self.database.set(database=str(file)) if file else self.database)
            elif isinstance(value, Path):
                texts[name] = str(value.absolute())
            elif isinstance(value, SecretStr) or (name == "f1_webhook_url" and value):
                texts[name] = "***"
            else:
                texts[name] = "" if value is None else str(value)
        return texts

    @classmethod
    def origins(cls) -> dict[str, str]:
        """Where each setting's value comes from: environment, .env or default."""
        found = {"environment": EnvSettingsSource(cls)(), ".env": DotEnvSettingsSource(cls)()}
        return {
            name: next((label for label, values in found.items() if name in values), "default")
            for name in cls.model_fields
        }
