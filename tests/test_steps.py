"""Steps are called like functions: typed, retried, and in a flow run as Prefect tasks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import HANGS

from core.errors import DataRefused, SourceUnreachable
from core.retries import NETWORK, PURE
from flows.runtime.run import Run
from flows.runtime.step import step

ROOT = Path(__file__).parents[1]
TYPED = """
from core.kinds import Source
from flows.runtime.run import Run
from flows.tasks import results, schedule

def calls(run: Run) -> None:
    reveal_type(schedule.read_calendar(run, 2024))
    reveal_type(schedule.fetch_schedule(run, season=2024, source=Source.JOLPICA))
    schedule.read_calendar(run, "2024")
    schedule.fetch_schedule(run, 2024)
    results.upsert_poll(run, "2024-x/race", None)
    note: int = results.upsert_poll(run, "2024-x/race")
"""


def test_mypy_sees_arguments_and_results_through_a_step(tmp_path: Path) -> None:
    """With the repository's mypy settings, without its list of packages."""
    settings = tmp_path / "pyproject.toml"
    settings.write_text(re.sub("(?m)^packages = .*", "", (ROOT / "pyproject.toml").read_text()))
    command = [sys.executable, "-m", "mypy", "--config-file", str(settings), "-c", TYPED]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANGS)
    assert re.findall("Revealed type is (.*)", checked.stdout) == [
        '"core.rules.calendar.season.Calendar"',
        '"list[dict[str, Any]] | core.records.Unpublished"',
    ]
    errors = {int(line): text for line, text in re.findall(r"<string>:(\d+): error: (.*)", checked.stdout)}
    assert errors.keys() == {9, 10, 11, 12}
    assert 'incompatible type "str"; expected "int"' in errors[9]
    assert 'Missing positional argument "source"' in errors[10]
    assert "Too many positional arguments" in errors[11]
    assert 'expression has type "str"' in errors[12]


@pytest.fixture
def direct() -> Run:
    """A run outside Prefect."""
    return Run.begin(None)


def test_a_direct_step_retries_transient_errors_by_its_policy(direct: Run, no_waiting: None) -> None:
    tries: list[int] = []

    @step(NETWORK, "fails")
    def fails(run: Run, error: Exception) -> None:
        tries.append(1)
        raise error

    with pytest.raises(SourceUnreachable):
        fails(direct, SourceUnreachable("jolpica", "server error 503"))
    assert len(tries) == 1 + NETWORK.retries
    with pytest.raises(DataRefused):
        fails(direct, DataRefused("no"))
    assert len(tries) == 2 + NETWORK.retries


def test_a_pure_step_is_never_retried(direct: Run) -> None:
    tries: list[int] = []

    @step(PURE, "transform")
    def transform(run: Run) -> None:
        tries.append(1)
        raise SourceUnreachable("jolpica", "not that it could be")

    with pytest.raises(SourceUnreachable):
        transform(direct)
    assert tries == [1]
