"""FastF1's undocumented names: each still exists, and only one module of ours uses them."""

from __future__ import annotations

import ast
import builtins
import getpass
import re
import sys
from functools import reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import fastf1._api
import fastf1.core
import fastf1.ergast.interface
import fastf1.ergast.legacy
import fastf1.events
import fastf1.internals.f1account.discovery
import fastf1.internals.f1account.login
import fastf1.internals.f1account.tokens
import fastf1.internals.f1account.transport
import fastf1.logger
import fastf1.req
import pytest
from fastf1.exceptions import F1AuthError, FastF1CriticalError
from trickling import PARTS, trickling
from waiting import HANGS

from core.cutoff import Cutoff
from core.fetch import fastf1_internals
from core.fetch.connections import cut_by
from core.fetch.session import SESSION, prepare
from core.settings import Settings

ROOT = Path(__file__).parents[1]
OURS = Path(fastf1_internals.__file__)
NAMES = [
    "_api.base_url",
    "_api.base_url_mirror",
    "_api.fetch_page",
    "_api.pages",
    "core.Session.api_path",
    "core.Session._ergast",
    "ergast.interface.BASE_URL",
    "ergast.legacy.base_url",
    "events._SCHEDULE_BASE_URL",
    "internals.f1account.login._get_current_user_agent",
    "internals.f1account.login.login",
    "internals.f1account.login.requests",
    "internals.f1account.tokens.TokenManager",
    "internals.f1account.transport.LIVETIMING_URL",
    "internals.f1account.transport.LivetimingAuthAdapter",
    "logger.LoggingManager._console_handler",
    "logger.LoggingManager._root_logger",
    "req.Cache._requests_session",
    "req.Cache._requests_session_cached",
    "req._SessionWithRateLimiting._RATE_LIMITS",
]
MADE_BY_A_SESSION = ("core.Session.api_path", "core.Session._ergast")
"""Attributes that FastF1's source assigns when a session is made."""

PLAIN = {"base_url", "fetch_page", "pages"}
"""Words too common to search for; they are reached through a module that is searched for."""


@pytest.mark.parametrize("name", NAMES)
def test_fastf1_still_has_each_name(name: str) -> None:
    if name in MADE_BY_A_SESSION:
        assert f"self.{name.rpartition('.')[2]} = " in Path(fastf1.core.__file__).read_text()
    else:
        reduce(getattr, name.split("."), fastf1)


def test_fastf1_still_names_its_cache_so() -> None:
    assert f'"{fastf1_internals.HTTP_CACHE}"' in Path(fastf1.req.__file__).read_text().replace("'", '"')


def test_each_private_name_that_we_use_is_listed() -> None:
    listed = {part for name in NAMES for part in name.split(".")}
    for node in ast.walk(ast.parse(OURS.read_text())):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            assert node.attr in listed
        elif isinstance(node, ast.ImportFrom) and re.match(r"fastf1\.(req|internals|logger)", node.module or ""):
            assert {alias.name for alias in node.names} <= listed | {"Cache"}


def test_no_other_file_uses_a_private_name() -> None:
    """Nor an undocumented module, nor any private attribute of FastF1, also in scripts within strings."""
    words = {word for name in NAMES for word in name.split(".")[-2:] if word[0] == "_" or word.isupper()} - PLAIN
    words |= {"api_path", "base_url_mirror", "LoggingManager", "LivetimingAuthAdapter", "TokenManager"}
    private = "|".join(
        [
            *(rf"\b(?<!self\.){word}\b" for word in sorted(words)),
            r"fastf1\.(?:_api|req|logger|internals|ergast\.interface|ergast\.legacy)\b",
            r"fastf1(?:\.\w+)*\._\w+",
        ]
    )
    files = [
        path for room in ("core", "flows", "benchmarks", "deploy", "tests") for path in (ROOT / room).rglob("*.py")
    ]
    assert OURS in files
    for path in set(files) - {OURS, Path(__file__)}:
        assert re.findall(private, path.read_text()) == [], path


def test_a_request_outside_asking_is_refused() -> None:
    """FastF1 might make one by itself, or a function of ours without `asking`: it has no deadline and no budget."""
    assert fastf1.Cache._requests_session is SESSION
    with pytest.raises(FastF1CriticalError, match="outside asking"):
        fastf1.get_event_schedule(2024, backend="fastf1")


def test_nothing_prompts_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials FastF1's own adapter would ask for them where there is a terminal."""

    def prompted(*_args: Any, **_kwargs: Any) -> NoReturn:
        pytest.fail("it prompted")

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True, readline=prompted))
    monkeypatch.setattr(builtins, "input", prompted)
    monkeypatch.setattr(getpass, "getpass", prompted)
    monkeypatch.setattr("webbrowser.open", prompted)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))  # without a token stored on this machine
    settings = Settings(fastf1_cache_dir=tmp_path / "cache")
    assert settings.f1_username is None
    prepare.cache_clear()
    try:
        prepare(settings)
        adapter = SESSION.get_adapter(f"{fastf1.internals.f1account.transport.LIVETIMING_URL}static/2024/Index.json")
        with pytest.raises(F1AuthError, match="no Formula 1 account is configured"):
            adapter._tokens.get()
        assert adapter._get_token() is None, "and the request goes out anonymously"
    finally:
        prepare.cache_clear()


@pytest.mark.parametrize("part", PARTS)
def test_a_sign_in_ends_at_the_deadline_of_its_request(
    part: bytes, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    """FastF1 signs in with a session of its own, which does not know ours."""
    environment.setenv("XDG_DATA_HOME", str(tmp_path))  # without a token stored on this machine
    settings = Settings(fastf1_cache_dir=tmp_path, f1_username="user", f1_password="password")
    prepare.cache_clear()
    try:
        prepare(settings)
        adapter = SESSION.get_adapter(fastf1.internals.f1account.transport.LIVETIMING_URL)
        with trickling(part) as (url, ended), Cutoff(0.3) as cutoff, cut_by(cutoff):
            environment.setattr(fastf1.internals.f1account.discovery, "CONFIG_SCRIPT_URL", url)
            assert adapter._get_token() is None
            assert cutoff.passed
            assert ended.wait(HANGS)
    finally:
        prepare.cache_clear()
