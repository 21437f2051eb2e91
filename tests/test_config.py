"""Settings as the command line reads, checks and shows them."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import one_line, sync

from core.database import connect
from core.settings import Settings
from flows import __main__ as commands


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("F1_UPSTREAM_URL", "nonsense"),
        ("F1_UPSTREAM_URL", "ftp://127.0.0.1/"),
        ("F1_UPSTREAM_URL", "http://127.0.0.1:port"),
        ("F1_UPSTREAM_URL", "http://127.0.0.1:0"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://user:secret-word@127.0.0.1/f1"),
        ("DATABASE_URL", "postgresql://f1:x@secret-word@127.0.0.1/f1"),
        ("DATABASE_URL", "postgresql://f1:x@secret/secret-word@127.0.0.1/f1"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///file::memory:?uri=true"),
        ("DATABASE_URL", "sqlite:///file:f1?mode=memory&uri=true"),
        ("DATABASE_SCHEMA", 'x"; DROP'),
        ("POLL_INTERVAL_MINUTES", "soon"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_with_it(
    name: str, value: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with environment.context() as changed:
        changed.setenv(name, value)
        assert sync("2024") == 2
    line = one_line(capsys)
    assert name in line
    assert "secret-word" not in line


def test_a_line_end_after_a_url_is_ignored(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/f1.db\r\n")
    environment.setenv("F1_UPSTREAM_URL", "http://127.0.0.1:9/\n")
    assert commands.main(["db", "upgrade"]) == 0
    assert (tmp_path / "f1.db").is_file()
    connect(Settings.load()).engine.dispose()


def test_config_shows_whole_paths(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment.delenv("DATABASE_URL")
    assert commands.main(["config"]) == 0
    shown = capsys.readouterr().out
    assert f"sqlite:///{tmp_path}/f1.db " in shown
    assert f" {tmp_path}/.f1-cache " in shown


def test_config_shows_values_and_origins_and_hides_secrets(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment.delenv("DATABASE_URL")
    (tmp_path / ".env").write_text(
        "DATABASE_URL=postgresql+asyncpg://f1:secret-word@db.example/f1?ssl=require\n"
        "FASTF1_CACHE_DIR=/var/cache/f1\nPOLL_INTERVAL_MINUTES=15\nPOST_SESSION_DELAY_MINUTES=45\n"
        "LOG_LEVEL=debug\nLOG_FORMAT=JSON\nENABLE_SCHEDULER=false\nF1_PASSWORD=secret-word\nSOMEBODY_ELSES=1\n"
    )
    environment.setenv("POLL_INTERVAL_MINUTES", "20")
    assert commands.main(["config"]) == 0
    shown = capsys.readouterr().out
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert "secret-word" not in shown
    assert "postgresql+psycopg://f1:***@db.example/f1?sslmode=require" in lines["DATABASE_URL"]
    assert "20 " in lines["POLL_INTERVAL_MINUTES"]
    assert "environment" in lines["POLL_INTERVAL_MINUTES"]
    assert ".env" in lines["POST_SESSION_DELAY_MINUTES"]
    assert "False" in lines["ENABLE_SCHEDULER"]
    assert "default" in lines["DATABASE_SCHEMA"]
