"""What a person is shown: escaped text, each outcome once, tables that fit the terminal."""

from __future__ import annotations

import ast
import logging
import os
import re
import runpy
import sys
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console
from sqlalchemy import update
from terminal import Terminal

from core import logs
from core.database import Database
from core.kinds import ChangeKind, Entity
from core.replay import Fault, Upstream
from core.rules.changes import FeedChange
from core.schema import drivers, events, result_revisions, sessions, teams
from core.settings import LogFormat, Settings
from core.text import day, day_and_time, days, duration, is_control, lapse, moment, printable, time_of_day
from flows import __main__ as commands
from flows import poll_results, refresh_statuses, sync_schedule
from flows.output.changes import SHOWN_CHANGES, changes_markdown, print_changes
from flows.output.classification import markdown, read_classification
from flows.output.progress import LONG, Progress
from flows.output.text import Column, Row, cell, fitted, print_table

ROOT = Path(__file__).parents[1]
NOW = datetime(2024, 3, 3, tzinfo=UTC)
BAHRAIN = "2024-bahrain-grand-prix"
HOSTILE = "[/] [red]\x1b[31m\x1b]0;title\x07 \u202eevil :smile: |<b>x</b> **y** `z` www.evil.com"
SHOWN = "[/] [red]\\x1b[31m\\x1b]0;title\\x07 \\u202eevil :smile: |<b>x</b> **y** `z` www.evil.com"


@pytest.fixture
def bahrain(replay: Upstream, database: Database) -> Database:
    """2024 is synced, and Bahrain's race is official."""
    replay.as_of = NOW
    sync_schedule.sync_schedule.fn(season=2024, now=NOW)
    poll_results.poll_results.fn(event=f"{BAHRAIN}/race", now=NOW)
    return database


@pytest.fixture
def hostile(bahrain: Database) -> Database:
    """Rows of an earlier version, with upstream's text unescaped in them."""
    with bahrain.writing() as connection:
        connection.execute(update(events).where(events.c.id == BAHRAIN).values(name=HOSTILE))
        connection.execute(update(sessions).where(sessions.c.event_id == BAHRAIN).values(name=HOSTILE))
        connection.execute(update(drivers).values(family_name=HOSTILE))
        connection.execute(update(teams).values(name=HOSTILE))
        (rows,) = connection.scalars(result_revisions.select().with_only_columns(result_revisions.c.rows)).all()
        changed = [{**row, "status": HOSTILE, "time_ms": None, "gap_ms": None} for row in rows]
        connection.execute(update(result_revisions).values(rows=changed))
    return bahrain


def test_stored_markup_is_shown_literally(hostile: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["results", f"{BAHRAIN}/race"]) == 0
    shown = capsys.readouterr().out
    assert shown.count(SHOWN) > 40  # the heading's two, and of each entry the driver, the team and how it ended
    assert not any(is_control(character) for character in shown.replace("\n", ""))


def test_stored_markup_is_escaped_in_markdown(hostile: Database) -> None:
    found = read_classification(hostile, f"{BAHRAIN}/race")
    page = MarkdownIt("commonmark", {"html": True}).enable("table").parse("\n".join(markdown(found)))
    rows = [token for token in page if token.type == "tr_open"]
    inlines = [token for token in page if token.type == "inline"]
    assert len(rows) == len(found.rows) + 1
    assert len(inlines) == len(rows) * len(found.titles)
    parts = [part for token in inlines for part in token.children or ()]
    assert {part.type for part in parts} <= {"text", "text_special"}
    assert sum(SHOWN in plain(token.children) for token in inlines) > 40


def plain(parts: list[object] | None) -> str:
    return "".join(str(getattr(part, "content", "")) for part in parts or ())


@given(st.text(alphabet=st.characters(), max_size=60))
@example("a|b\\|c")
@example("x\x00\ud800\u2066")
@example("https://evil.example <https://evil.example> a@b.c")
@example("_a_ __b__ *c* ~~d~~ ![i](j) [k](l) &amp; <!-- -->")
def test_any_text_stays_plain_text_in_one_cell_of_a_table(said: str) -> None:
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    inlines = [token for token in page.parse(f"| a |\n|---|\n| x{cell(said)}x |") if token.type == "inline"]
    assert len(inlines) == 2
    assert {part.type for part in inlines[1].children or ()} <= {"text", "text_special"}
    assert plain(inlines[1].children) == f"x{printable(said)}x"
    assert not re.search(r"https?://|www\.|@", cell(said))


@given(st.text(alphabet=st.characters(), max_size=60))
def test_printable_text_has_no_control_characters_and_keeps_the_rest(said: str) -> None:
    shown = printable(said)
    assert not any(map(is_control, shown))
    shown.encode()
    assert shown == said or any(map(is_control, said))


@pytest.mark.parametrize("log_format", get_args(LogFormat))
def test_log_lines_hold_no_control_characters(log_format: LogFormat) -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record = logging.LogRecord("flows", logging.INFO, "", 1, "%s\n", (HOSTILE,), sys.exc_info())
    line = logs.formatter(log_format).format(record)
    assert "\\u202e" in line
    assert not any(is_control(character) for character in line.replace("\n", ""))
    assert line.count("\n") == (0 if log_format == "json" else line.count("\n"))


def test_an_error_is_one_line_whatever_text_it_contains(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["results", HOSTILE], ["results", f"{BAHRAIN}/{HOSTILE}"], ["\x1b[31m"], ["results", "--\x1b"]):
        assert status_of(arguments) in (1, 2)
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert not any(is_control(character) for character in error.removesuffix("\n"))
    Path(".env").write_text("LOG_LEVEL='\x1b[31m[/]'\nDATABASE_SCHEMA=\x1b[31m\n")
    assert commands.main(["config"]) == 2
    assert "\x1b" not in capsys.readouterr().err
    Path(".env").unlink()


def status_of(arguments: list[str]) -> int:
    """The exit status of `python -m flows`, within this process."""
    try:
        return commands.main(arguments)
    except SystemExit as ended:
        return int(str(ended.code))


def test_config_shows_markup_in_settings_literally(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("F1_USERNAME='[/][bold]\x1b]0;x\x07 :smile:'\n", "utf-8")
    assert commands.main(["config"]) == 0
    assert "[/][bold]\\x1b]0;x\\x07 :smile:" in capsys.readouterr().out


def test_upstreams_markup_is_printed_literally(replay: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    """A change and a revision contain text that looks like markup; the command commits and ends with 0."""
    assert sync_schedule.main(["2024", "--now", "2024-03-01T00:00:00Z"]) == 0
    document = replay_schedule(replay)
    assert '"Bahrain Grand Prix"' in document
    changed = document.replace('"Bahrain Grand Prix"', '"Bahrain [/] [bold]"').encode()
    replay.faults = [Fault(match="^/schedule/", body=changed, times=9)]
    assert sync_schedule.main(["2024", "--now", "2024-03-01T01:00:00Z"]) == 0
    assert f"{BAHRAIN} renamed: Bahrain Grand Prix → Bahrain [/] [bold]" in capsys.readouterr().out


def replay_schedule(replay: Upstream) -> str:
    """The schedule's document as it is served."""
    import urllib.request

    url = f"{Settings.load().f1_upstream_url}/schedule/schedule_2024.json"
    return str(urllib.request.urlopen(url, timeout=10).read().decode())


def test_each_outcome_is_printed_once(replay: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    """On a console by the command or in the log, but not both; a JSON log has all outcomes."""
    replay.as_of = NOW
    printed = []
    for main, arguments in (
        (sync_schedule.main, ["2024"]),
        (refresh_statuses.main, []),
        (poll_results.main, ["--event", BAHRAIN]),
    ):
        assert main([*arguments, "--now", "2024-03-03T00:00:00Z"]) == 0
        out, err = capsys.readouterr()
        printed += [re.sub(r"^\d\d:\d\d:\d\d \w+ +", "", line).strip() for line in (out + err).splitlines()]
    outcomes = [line for line in printed if "running directly" not in line]
    assert len(outcomes) == len(set(outcomes))
    for line in (
        "2024: 25 events, 123 sessions from fastf1: 148 added",
        f"{BAHRAIN}/race: official, revision 1, 20 entries",
    ):
        assert outcomes.count(line) == 1


def test_a_poll_of_one_session_prints_one_session(bahrain: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert poll_results.main(["--event", f"{BAHRAIN}/race", "--now", "2024-03-03T00:00:00Z"]) == 0
    assert "1 session due: 1 unchanged" in capsys.readouterr().out


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_table_drops_columns_before_text(width: int) -> None:
    columns = (Column("driver"), Column("team", 1), Column("laps", 3, "right"), Column("time", 2))
    rows = [Row(("Andrea Kimi Antonelli", "Mercedes " * 3, "57", "1:31:44.742"), "dim"), Row(("x", "y", "1", "z"))]
    console = Console(width=width, file=open(os.devnull, "w"), record=True)  # noqa: SIM115
    console.print(fitted(console, columns, rows))
    console.file.close()
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    titles = lines[0].split()
    assert titles == ["driver", "team", "laps", "time"][: 4 if width >= 80 else 0] or titles == {
        60: ["driver", "team"],
        40: ["driver"],
    }.get(width)


def test_a_table_in_a_file_has_no_spaces_at_the_ends_of_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([Column("what"), Column("why")], [Row(("one", "short")), Row(("other", "much longer"))])
    assert capsys.readouterr().out == "what  why\none   short\nother much longer\n"


def test_a_terminal_shows_a_bar_and_other_outputs_get_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(80)
    monkeypatch.setenv("TERM", "xterm")
    logs.configure(Settings.load())
    for total in (LONG, LONG - 1):
        with Progress(total, "sessions polled") as progress:
            for _ in range(total):
                progress.step()
    lines = [line.split(maxsplit=2)[2] for line in capsys.readouterr().err.splitlines()]
    assert [line for line in lines if "|" not in line] == [
        f"{done} of {LONG} sessions polled" for done in range(4, LONG + 1, 4)
    ]
    with os.fdopen(os.dup(terminal.writer), "w") as screen, monkeypatch.context() as changed:
        changed.setattr(sys, "stderr", screen)
        with Progress(LONG, "sessions polled") as progress:
            for _ in range(LONG):
                progress.step()
            progress.bar.refresh() if progress.bar else None
    shown = terminal.text()
    assert f"{LONG}/{LONG}" in shown
    assert "sessions polled" in shown
    assert " of " not in shown


FORMATTERS = [
    *(ROOT / "flows" / "output").rglob("*.py"),
    *(ROOT / "core" / "rules").rglob("*.py"),
    *(ROOT / path for path in ("core/errors.py", "flows/demo.py", "flows/__main__.py")),
]


UNITS = re.compile(r" ?(ms|s|sec|seconds?|min|minutes?|h|hours?|d|days?)\b")


def durations_in(path: Path) -> list[str]:
    """The f-strings that write a number with its decimals and a unit of time, such as f"{ms / 1000:.3f} s"."""
    return [
        ast.unparse(text)
        for text in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(text, ast.JoinedStr)
        for value, after in pairwise(text.values)
        if isinstance(value, ast.FormattedValue)
        and value.format_spec is not None
        and re.search(r"\.\d", ast.unparse(value.format_spec))
        and isinstance(after, ast.Constant)
        and UNITS.match(str(after.value))
    ]


@pytest.mark.parametrize("path", FORMATTERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_moments_and_race_times_are_formatted_in_core_text_alone(path: Path) -> None:
    assert not re.search(r"%[HMbaY]|60_?000|strftime|isoformat", path.read_text("utf-8"))
    assert durations_in(path) == []


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (duration(59_071), "59.071"),
        (days(date(2024, 7, 26), date(2024, 7, 28)), "26 – 28 Jul"),
        (days(date(2024, 8, 30), date(2024, 9, 1)), "30 Aug – 1 Sep"),
        (days(date(2024, 12, 8), date(2024, 12, 8)), "8 Dec"),
        (day(date(2024, 12, 8)), "Sun 08 Dec"),
        (duration(96_236), "1:36.236"),
        (duration(5_258_241), "1:27:38.241"),
        (duration(3_600_000), "1:00:00.000"),
        (lapse(0), "0 s"),
        (lapse(119), "119 s"),
        (lapse(-600), "-10 min"),
        (lapse(6 * 3600), "6 h"),
        (lapse(48 * 3600), "2 days"),
        (day_and_time(NOW), "Sun 03 Mar 00:00"),
        (moment(NOW), "Sun 03 Mar 00:00 UTC"),
        (moment(NOW, year=True), "Sun 03 Mar 2024 00:00 UTC"),
        (time_of_day(NOW), "00:00 UTC"),
    ],
)
def test_durations_and_moments_in_words(shown: str, expected: str) -> None:
    assert shown == expected


def test_every_list_of_changes_has_the_same_maximum() -> None:
    """It has the first ones and how many more there are, on a screen and in markdown."""
    renamed = [
        FeedChange(
            id=n,
            at=NOW,
            entity=Entity.EVENT,
            entity_id=f"e{n}",
            kind=ChangeKind.RENAMED,
            before={"name": "a|"},
            after={"name": "b"},
            event_id=f"e{n}",
            session_id=None,
            subject="b 2024",
            words="renamed: a| → b",
        )
        for n in range(SHOWN_CHANGES + 2)
    ]
    console = Console(file=open(os.devnull, "w"), record=True)  # noqa: SIM115
    print_changes(console, renamed)
    console.file.close()
    lines = console.export_text().splitlines()
    assert (len(lines), lines[0].strip()) == (SHOWN_CHANGES + 1, "e0 renamed: a| → b")
    page = changes_markdown(renamed)
    assert (len(page), page[2]) == (2 + SHOWN_CHANGES + 2, "| e0 | renamed: a&#124; → b |")
    assert page[-1] == lines[-1].strip() == "and 2 more: see the table changes"
    assert len(changes_markdown(renamed[:SHOWN_CHANGES])) == 2 + SHOWN_CHANGES


def programs() -> list[str]:
    """The modules that run as `python -m …`."""
    found = []
    for room in ("core", "flows", "deploy", "benchmarks"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if 'if __name__ == "__main__":' in path.read_text("utf-8"):
                found.append(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__"))
    return found


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
@pytest.mark.parametrize("module", programs())
def test_help_does_nothing_else_and_a_wrong_argument_is_one_line(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = {}
    for argument in ("--help", "--nonsense"):
        monkeypatch.setattr(sys, "argv", [module, argument])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        printed[argument] = (ended.value.code, *capsys.readouterr())
    status, out, err = printed["--help"]
    assert (status, out.split("[")[0].strip(), err) == (0, f"usage: python -m {module}", "")
    status, out, err = printed["--nonsense"]
    assert (status, out, len(err.splitlines()), err[:7]) == (2, "", 1, "error: ")
    assert list(Path.cwd().iterdir()) == []


def test_the_known_programs_are_found() -> None:
    assert {"flows", "flows.demo", "flows.serve", "core.replay", "deploy.setup", "deploy.automations"} <= set(
        programs()
    )
