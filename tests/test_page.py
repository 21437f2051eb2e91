"""A season's page: complete, escaped, legible, and in need of no other file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import poll_by_name
from hypothesis import given
from hypothesis import strategies as st
from reached import Reached
from recording import Recording, needs_recording
from sqlalchemy import func, select, text

from core.database import Database
from core.replay import Upstream
from core.timing_schema import stints
from flows import __main__ as commands
from flows.output.page.championship_chart import APART, Line, championship_chart, spread
from flows.output.page.colors import COLORS, GROUNDS, LEGIBLE, OTHERS, contrast, legible, team_colors
from flows.output.page.stint_chart import runs
from flows.refresh_statuses import refresh_statuses
from flows.sync_schedule import sync_schedule
from flows.sync_timing import sync_timing

SPA = "2024-belgian-grand-prix"
RAINY = "2024-sao-paulo-grand-prix/race"
AFTER = datetime(2024, 11, 3, 19, tzinfo=UTC)
HOSTILE = "</title><script>alert('\"&amp;')</script>"


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def values(self, attribute: str) -> Iterator[str]:
        """The values of an attribute, wherever it is."""
        yield from (str(attributes[attribute]) for _, attributes in self.found if attribute in attributes)


def written(season: int, now: datetime) -> str:
    """The page, as the command writes it."""
    arguments = ["report", str(season), "--output", "report.html", "--now", now.isoformat()]
    assert commands.main(arguments) == 0
    return Path("report.html").read_text("utf-8")


def read(page: str) -> Elements:
    """A page as a browser reads it."""
    elements = Elements()
    elements.feed(page)
    elements.close()
    return elements


def words(page: str) -> str:
    """What is on a page, in one line."""
    return " ".join(" ".join(read(page).said).split())


@pytest.fixture
def season(replay: Upstream, database: Database, reached: Reached) -> Database:
    """2024 until São Paulo's race, with Spa as it was revised and São Paulo as it was driven."""
    reached(AFTER, partial(live_until_sao_paulo, replay))
    replay.as_of = AFTER
    return database


def live_until_sao_paulo(replay: Upstream) -> None:
    for moment in (datetime(2024, 1, 25, 12, tzinfo=UTC), datetime(2024, 3, 7, 14, 45, tzinfo=UTC)):
        replay.as_of = moment
        sync_schedule.fn(season=2024, now=moment)
    for moment in (datetime(2024, 7, 28, 15, 45), datetime(2024, 7, 28, 16, 30), datetime(2024, 7, 28, 18, 30)):
        replay.as_of = moment.replace(tzinfo=UTC)
        poll_by_name(event=f"{SPA}/race", now=replay.as_of)
    replay.as_of = AFTER
    poll_by_name(event=RAINY, now=AFTER)
    sync_timing.fn(event=RAINY, now=AFTER)
    refresh_statuses.fn(now=AFTER)


def test_the_page_describes_the_season(season: Database) -> None:
    page = written(2024, AFTER)
    said = words(page)
    assert "Practice 2 rescheduled: Thu 07 Mar 17:00 UTC → Thu 07 Mar 17:10 UTC (Thu 07 Mar 14:45 UTC)" in said
    assert "1 result changed after being official" in said
    assert "Sun 28 Jul 18:30 UTC Belgian Grand Prix, Race Russell 1 → DSQ, 25 → 0 points; Hamilton 2 → 1" in said
    assert "provisional, by live timing 1 RUS, 2 HAM, 3 PIA" in said, "no result has named the drivers yet"
    assert "Sun 28 Jul 16:30 UTC official the same places" in said
    assert "1 Max Verstappen Red Bull 17 ▲ gained 16" in said
    assert "DSQ George Russell Mercedes 6 Disqualified" in said
    assert "As known on Sun 03 Nov 2024 19:00 UTC" in said
    with season.reading() as connection:
        driven = connection.scalar(select(func.count()).select_from(stints).where(stints.c.session_id == RAINY))
    assert len(re.findall('class="tyre ', page)) == driven
    assert "VER: intermediate laps 1 to 32, intermediate laps 33 to 69" in said


def test_the_page_needs_no_other_file_and_no_script(season: Database) -> None:
    page = written(2024, AFTER)
    elements = read(page)
    assert "script" not in {tag for tag, _ in elements.found}
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    assert {"src", "srcset", "data", "action"} & {name for _, own in elements.found for name in own} == set()
    assert not re.search(r"url\(|@import", page)
    ids = list(elements.values("id"))
    assert len(ids) == len(set(ids))
    links = {link.removeprefix("#") for link in elements.values("href")}
    assert links <= set(ids), "links lead into the page only"
    assert set(elements.values("aria-labelledby")) <= set(ids)
    drawn = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawn) == 3, "two championships and a race's stints"
    for one in drawn:
        picture = ElementTree.fromstring(one)
        assert picture.get("role") == "img"
        assert len(picture[0].text or "") > 100, "what it shows, in words"


def test_upstreams_markup_is_escaped_on_the_page(season: Database) -> None:
    hostile = {"hostile": HOSTILE}
    with season.writing() as connection:
        for statement in (
            "UPDATE drivers SET family_name = :hostile, code = :hostile",
            "UPDATE teams SET name = :hostile",
            "UPDATE events SET name = :hostile, locality = :hostile",
            "UPDATE sessions SET name = :hostile",
            "UPDATE entries SET driver_code = :hostile, team_color = :hostile",
            "UPDATE stints SET compound = :hostile",
        ):
            connection.execute(text(qualified(season, statement)), hostile)
    page = written(2024, AFTER)
    elements = read(page)
    assert "script" not in {tag for tag, _ in elements.found}
    assert HOSTILE in "".join(elements.said)
    assert [tag for tag, _ in elements.found].count("title") > 1
    for one in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(one)


def qualified(database: Database, statement: str) -> str:
    """A statement whose table is in the schema that a database has."""
    return statement.replace("UPDATE ", f"UPDATE {database.schema}." if database.schema else "UPDATE ")


def test_a_season_that_has_not_begun_has_a_page(replay: Upstream, sqlite: Database) -> None:
    replay.as_of = now = datetime(2024, 1, 25, 12, tzinfo=UTC)
    sync_schedule.fn(season=2024, now=now)
    said = words(written(2024, now))
    assert "24 races to come. First: Bahrain Grand Prix, 29 Feb – 2 Mar." in said
    assert "No round has results yet." in said
    assert "No race has results yet." in said


@needs_recording
def test_a_cancelled_event_is_mentioned_once(recording: Recording, sqlite: Database) -> None:
    for now in (datetime(2023, 5, 1, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC), datetime(2023, 6, 2, tzinfo=UTC)):
        recording.control(as_of=f"{now:%Y-%m-%dT%H:%M:%SZ}")
        sync_schedule.fn(season=2023, now=now)
    said = words(written(2023, datetime(2023, 6, 2, tzinfo=UTC)))
    assert said.count("Emilia Romagna Grand Prix cancelled, was round 6 (Fri 02 Jun 00:00 UTC)") == 1
    assert "Race cancelled (" not in said, "nor any other of its sessions"
    assert said.count("Practice 2 cancelled (") == 5, "of the weekends that have a sprint now"


def test_a_season_that_is_not_known_is_wrong_usage(season: Database, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert commands.main(["report", "1988", "--output", "report.html"]) == 2
    assert "1988 is not in the database: run python -m flows.sync_schedule 1988" in capsys.readouterr().err
    assert not Path("report.html").exists()


def test_a_file_that_cannot_be_written_is_one_line(season: Database, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert commands.main(["report", "2024", "--output", "nowhere/report.html"]) == 1
    assert capsys.readouterr().err == "error: nowhere/report.html: No such file or directory\n"


@pytest.mark.parametrize("color", [*COLORS.values(), *OTHERS, "000000", "ffffff"])
def test_every_color_is_legible_on_both_pages(color: str) -> None:
    for ground in GROUNDS:
        assert contrast(legible(color, ground), ground) >= LEGIBLE
    assert legible("3671c6", GROUNDS[0]) == "#3671c6", "and stays as it is where it is legible"


def test_the_pages_backgrounds_are_those_that_colors_are_chosen_for() -> None:
    style = Path(commands.__file__).with_name("output").joinpath("page", "season.css").read_text("utf-8")
    assert re.findall("--card: (#[0-9a-f]{6})", style) == list(GROUNDS)


def test_the_color_of_live_timing_is_preferred_and_teams_without_one_get_different_ones() -> None:
    found = team_colors(["ferrari", "ours", "theirs"], {"ferrari": "3671C6", "ours": "red"})
    assert found["ferrari"] == team_colors(["x"], {"x": "3671c6"})["x"]
    assert len(set(found.values())) == 3


@given(st.lists(st.floats(0, 360), max_size=10))
def test_names_at_the_ends_of_lines_do_not_overlap(wanted: list[float]) -> None:
    lowest = 374.0
    places = spread(sorted(wanted), APART, lowest)
    assert all(below - above >= APART - 1e-6 for above, below in pairwise(places))
    assert all(place <= lowest for place in places)
    apart = all(below - above >= APART for above, below in pairwise(sorted(wanted)))
    assert places == sorted(wanted) or not apart


def test_points_are_drawn_from_the_round_of_the_first_points_on() -> None:
    late = Line("Late", "LAT", ("#000000", "#ffffff"), 0, [None, Decimal("12.5")])
    early = Line("Early", "EAR", ("#000000", "#ffffff"), 1, [Decimal(25), Decimal(25)])
    drawn = ElementTree.fromstring(championship_chart("chart", ["1", "2"], [early, late]))
    assert drawn[0].text == "Points after each of 2 events, at the end: Early 25; Late 12.5."
    paths = [one for one in drawn if one.tag.endswith("path")]
    assert [len(re.findall("[ML]", str(path.get("d")))) for path in paths] == [2, 3]
    assert ["dashed" in str(path.get("class")) for path in paths] == [False, True]


def test_a_chart_ends_above_a_leader_with_half_a_point_more() -> None:
    leader = Line("Leader", "LEA", ("#000000", "#ffffff"), 0, [Decimal("100.5")])
    drawn = ElementTree.fromstring(championship_chart("chart", ["1"], [leader]))
    top = min(float(str(one.get("y1"))) for one in drawn if one.get("class") == "grid")
    (path,) = (one for one in drawn if one.tag.endswith("path"))
    assert float(re.findall(r"[\d.]+", str(path.get("d")))[-1]) >= top


def test_a_chart_without_a_round_says_so() -> None:
    drawn = ElementTree.fromstring(championship_chart("chart", [], []))
    assert drawn[0].text == "No round has been driven yet."


def test_laps_are_grouped() -> None:
    assert runs({3, 1, 2, 7, 9, 10}) == [(1, 3), (7, 7), (9, 10)]
    assert runs(()) == []
