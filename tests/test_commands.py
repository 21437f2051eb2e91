"""The command line: valid and invalid input, one-line errors, documented exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import one_line, read_only, sync
from conftest import UNREACHABLE
from prefect.settings import PREFECT_API_URL, temporary_settings
from sqlalchemy import select, text
from waiting import HANGS

from core.database import Database, connect
from core.errors import UsageError
from core.migrations import VERSION_TABLE
from core.replay import Fault, Upstream
from core.schema import sessions
from core.settings import Settings
from core.upsert.ledger import HOUR
from flows import __main__ as commands
from flows import poll_results
from flows.runtime import clock, prefect_api
from flows.runtime.run import Run


@pytest.mark.parametrize("season", ["1949", "2100", "abc", "20-24", "²023"])
def test_an_impossible_season_is_wrong_usage(season: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sync(season) == 2
    assert "season" in one_line(capsys)
    assert not Path("f1.db").exists()


def test_a_naive_now_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert sync("2024", "--now", "2024-07-28T15:00:00") == 2
    assert "offset" in one_line(capsys)


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2200-01-01T00:00:00Z"])
@pytest.mark.parametrize("season", ["2024", "9999"])
def test_a_now_outside_all_seasons_is_wrong_usage(now: str, season: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sync(season, "--now", now) == 2
    assert "now" in one_line(capsys)


def test_a_naive_now_is_wrong_usage_for_a_flow_too() -> None:
    """Parameters given to Prefect's API arrive as they are."""
    with pytest.raises(UsageError, match="offset"):
        poll_results.poll_results.fn(now=datetime(2024, 7, 28))


def test_a_season_is_taken_as_an_option_too(replay: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    assert sync("--year", "2024") == 0
    assert "2024: 25 events" in capsys.readouterr().out
    assert sync("2024", "--year", "2024") == 0
    capsys.readouterr()
    assert sync("2024", "--year", "2023") == 2
    assert "give one or the other" in one_line(capsys)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://user:secret-word@127.0.0.1:9/f1",
        "postgresql://user@127.0.0.1:9/f1?password=secret-word",
        "postgresql:///f1?host=127.0.0.1&port=9&user=user&password=secret-word&sslpassword=secret-word",
    ],
)
def test_an_unreachable_database_is_one_line(
    url: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_waiting: None
) -> None:
    environment.setenv("DATABASE_URL", url)
    assert sync("2024") == 1
    line = one_line(capsys)
    assert "refused" in line
    assert "secret-word" not in line
    assert commands.main(["config"]) == 0
    assert "secret-word" not in capsys.readouterr().out


def test_a_wrong_password_is_not_printed(
    postgresql: Database, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_waiting: None
) -> None:
    url = postgresql.url.set(username="f1_nobody", password="secret-word")
    environment.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    assert sync("2024") == 1
    assert "secret-word" not in one_line(capsys)


def test_a_read_only_sqlite_file_is_one_line(
    replay: Upstream, capsys: pytest.CaptureFixture[str], environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("DATABASE_URL", f"sqlite:///file:{tmp_path}/f1.db?mode=ro&uri=true")
    (tmp_path / "f1.db").touch()
    assert sync("2024") == 1
    assert "readonly" in one_line(capsys)


def test_a_database_in_a_read_only_folder_can_be_read(
    replay: Upstream, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands that read succeed and leave no file beside it; commands that write fail with one line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment.setenv("DATABASE_URL", f"sqlite:///{folder}/f1.db")
        replay.as_of = datetime(2024, 3, 3, tzinfo=UTC)
        assert sync("2024", "--now", "2024-03-03T00:00:00Z") == 0
        assert poll_results.main(["--event", f"{BAHRAIN}/race", "--now", "2024-03-03T00:00:00Z"]) == 0
        connect(Settings.load()).engine.dispose()
        assert [path.name for path in folder.iterdir()] == ["f1.db"]
        capsys.readouterr()
        environment.chdir(folder)
        with read_only(folder):
            for arguments in (["results", f"{BAHRAIN}/race"], ["db", "check"], ["db", "upgrade"], ["config"]):
                assert commands.main(arguments) == 0
            assert capsys.readouterr().err == ""
            connect(Settings.load()).engine.dispose()
            replay.as_of = datetime(2024, 3, 12, 10, tzinfo=UTC)
            assert sync("2024", "--now", "2024-03-12T10:00:00Z") == 1
            assert capsys.readouterr().err.splitlines()[-1].endswith("attempt to write a readonly database")
            connect(Settings.load()).engine.dispose()


def test_commands_that_only_read_create_no_database(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for arguments in (["db", "check"], ["results", f"{BAHRAIN}/race"]):
        assert commands.main(arguments) == 1
        assert "no tables yet" in one_line(capsys)
    assert commands.main(["config"]) == 0
    assert list(tmp_path.iterdir()) == []


BAHRAIN = "2024-bahrain-grand-prix"


@pytest.fixture
def bahrain(replay: Upstream, capsys: pytest.CaptureFixture[str]) -> Upstream:
    """2024 is synced, a day after Bahrain's race."""
    replay.as_of = datetime(2024, 3, 3, tzinfo=UTC)
    assert sync("2024", "--now", "2024-03-03T00:00:00Z") == 0
    capsys.readouterr()
    return replay


def poll(*arguments: str) -> int:
    """The exit status of `python -m flows.poll_results`, within this process."""
    try:
        return poll_results.main([*arguments, "--now", "2024-03-03T00:00:00Z"])
    except SystemExit as ended:
        return int(str(ended.code))


@pytest.mark.parametrize(
    "named",
    [
        ["--event", f"{BAHRAIN}/race"],
        ["--event", BAHRAIN, "--session", "race"],
        ["--event", f"{BAHRAIN}/race", "--session", "race"],
        ["--event", f"{BAHRAIN}/Race"],
    ],
)
def test_a_session_is_named_by_its_id_or_within_its_event(
    named: list[str], bahrain: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert poll(*named) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 session due: 1 official"
    for identity in ([f"{BAHRAIN}/race"], [BAHRAIN], [BAHRAIN, "--session", "race"]):
        assert commands.main(["results", *identity]) == 0
        assert "Bahrain Grand Prix 2024, Race" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("bahrain", f"did you mean {BAHRAIN}?"),
        ("bahrein/race", f"did you mean {BAHRAIN}/race?"),
        ("2024-Sao-Paolo-GP", "did you mean 2024-sao-paulo-grand-prix"),
        ("2024-united-states-gran-prix/race", "did you mean 2024-united-states-grand-prix/race"),
        ("2023-bahrain-grand-prix/race", "season 2023 is not in the database: run python -m flows.sync_schedule 2023"),
        ("2024-xyzzy", "ids look like 2024-"),
        (f"{BAHRAIN}/sprint", "has no sprint: it has"),
        (f"{BAHRAIN}/warmup", "is not a kind of session: practice_1"),
    ],
)
def test_an_unknown_id_is_one_line_with_the_nearest_ids(
    identity: str, said: str, bahrain: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(["results", identity]) == 2
    assert said in one_line(capsys)
    assert poll("--event", identity) == 2
    assert said.removesuffix("?").removesuffix("/race") in capsys.readouterr().err.splitlines()[-1]


def test_two_kinds_for_one_session_are_wrong_usage(bahrain: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    assert poll("--event", f"{BAHRAIN}/race", "--session", "qualifying") == 2
    assert "give one or the other" in one_line(capsys)


@pytest.mark.parametrize("named", [[f"{BAHRAIN}/race"], [BAHRAIN]])
def test_a_poll_by_name_that_failed_is_a_failure_after_its_commit(
    named: list[str], database: Database, bahrain: Upstream, capsys: pytest.CaptureFixture[str], no_waiting: None
) -> None:
    bahrain.faults = [Fault(match="^/ergast/.*results", status=500, times=99)]
    assert poll("--event", *named) == 1
    out, err = capsys.readouterr()
    assert "1 failed" in out
    assert err.splitlines()[-1] == f"error: {BAHRAIN}/race: failed: jolpica: server error 500"
    with database.reading() as connection:
        known = connection.execute(select(sessions).where(sessions.c.event_id == BAHRAIN)).all()
    state = {row.kind: (row.last_error, row.results_state) for row in known}
    assert state["race"] == ("jolpica: server error 500", "awaited")
    if named == [BAHRAIN]:
        assert state["qualifying"] == (None, "official")
    bahrain.faults = []
    assert poll("--event", *named) == 0


def test_a_failed_due_poll_does_not_fail_the_run(bahrain: Upstream, no_waiting: None) -> None:
    """Due sessions are polled again soon in any case."""
    bahrain.faults = [Fault(match="^/ergast/", status=500, times=999)]
    assert poll() == 0


def test_a_missing_directory_is_one_line(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/f1.db")
    assert sync("2024") == 1
    assert "unable to open" in one_line(capsys)


def test_a_schema_newer_than_the_code_is_one_line(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    with database.writing() as connection:
        prefix = f'"{database.schema}".' if database.schema else ""
        connection.execute(text(f"UPDATE {prefix}{VERSION_TABLE} SET version_num = '9999'"))
    assert sync("2024") == 1
    assert "newer" in one_line(capsys)
    assert commands.main(["db", "check"]) == 1
    assert "newer" in one_line(capsys)


def test_without_network_a_run_is_one_line(capsys: pytest.CaptureFixture[str], no_waiting: None) -> None:
    assert sync("2024") == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "\n".join(lines)
    assert lines[-1].startswith("error: no source has the 2024 schedule: fastf1: cannot be reached; jolpica:")


def test_a_prefect_api_that_does_not_answer_is_one_line(replay: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    api = f"{UNREACHABLE}/api"
    with temporary_settings({PREFECT_API_URL: api}):
        assert sync("2024") == 1
    assert f"error: Prefect API {api}: " in one_line(capsys)
    with pytest.raises(RecursionError), prefect_api.asking():
        raise RecursionError


def test_a_sync_ends_with_a_summary(replay: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    assert sync("2024") == 0
    captured = capsys.readouterr()
    assert "2024: 25 events, 123 sessions from fastf1: 148 added" in captured.out
    assert captured.err.count("no Prefect API is configured") == 1


def test_a_season_that_is_not_published_yet_is_not_a_failure(
    replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync("2025", "--now", "2024-12-20T12:00:00Z") == 0
    assert "not published yet" in capsys.readouterr().err


def test_jolpicas_hourly_budget_follows_the_clock_whatever_now_is_given(
    sqlite: Database, environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run about the past is charged at the present time; at the given time only with F1_UPSTREAM_URL."""
    present, given = datetime(2026, 11, 23, tzinfo=UTC), datetime(2024, 7, 28, tzinfo=UTC)
    monkeypatch.setattr(clock, "present", lambda: present)
    run = Run.begin(given)
    assert (run.now, run.ledger.now - given < HOUR, run.ledger) == (given, True, run.ledger)
    environment.delenv("F1_UPSTREAM_URL")
    run = Run.begin(given)
    run.ledger.permit("host", "/")
    assert run.now == given
    assert present <= run.ledger.now < present + HOUR


def test_db_commands(new_database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["db", "check"]) == 1
    assert "no tables yet" in one_line(capsys)
    assert commands.main(["db", "upgrade"]) == 0
    assert commands.main(["db", "check"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_the_module_runs_as_documented(replay: Upstream) -> None:
    """As a process of its own, with JSON logs, and FastF1's own limits in force."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.sync_schedule", "2024"],
        env={**os.environ, "LOG_FORMAT": "json", "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    assert "148 added" in done.stdout


def test_an_interrupt_while_modules_are_imported_is_one_line() -> None:
    """Ctrl-C as soon as Prefect is imported, for which a module of that name stands in."""
    Path("prefect.py").write_text("import os, signal\n\nos.kill(os.getpid(), signal.SIGINT)\nwhile True:\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "flows.sync_schedule"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
