"""Renders a season's page as one HTML file, with its template and style sheet beside this module."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from statistics import median

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from core.database import Database
from core.errors import F1FlowsError
from core.rules.calendar.identity import slug_of
from core.text import counted, days, lapse, plain
from flows.output.classification import most_laps, place_text, race_time
from flows.output.page.build import Page
from flows.output.page.facts import read_season

FOLDER = Path(__file__).parent
FILTERS = (days, lapse, median, most_laps, place_text, plain, race_time, slug_of)


def write_page(database: Database, season: int, file: Path, now: datetime) -> str:
    """Write a season's page; returns a line that says what was written.

    Raises:
        UsageError: the database has nothing of the season.
        F1FlowsError: the file cannot be written.
    """
    page = Page(read_season(database, season), now)
    html = render(page).encode()
    try:
        file.write_bytes(html)
    except OSError as error:
        raise F1FlowsError(f"{file}: {error.strerror}") from error
    return f"{file}: {season}, {counted(len(page.events), 'event')}, {len(html) / 1000:.0f} kB"


def render(page: Page) -> str:
    """The page as HTML; all text from the database is escaped."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {function.__name__: function for function in FILTERS}
    style = Markup((FOLDER / "season.css").read_text("utf-8"))
    return environment.get_template("season.html").render(page=page, style=style)
