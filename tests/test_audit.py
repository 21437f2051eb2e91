"""The audit: a database made wrong in one way gives that finding and no other; a true one gives none."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from command_line import one_line, read_only
from conftest import in_turn
from reached import Reached
from season_1997 import CANADA, DRIVERS, MONACO, NOW, SPAIN, entry, publish, raced, three_races
from sqlalchemy import delete, insert, select, text, update
from wrong_seasons import WRONG, hold, set_session

from core.audited import Audited, audit_seasons
from core.database import Database, connect
from core.migrations import VERSION_TABLE
from core.replay import Upstream
from core.rules.audit.checks import CHECKS
from core.schema import changes, result_revisions, sessions, team_standings
from core.settings import Settings
from flows import __main__ as commands
from flows.sync_schedule import sync_schedule

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def season(database: Database, reached: Reached) -> Database:
    """Three races of 1997: Monaco has qualifying and a corrected race, Spain a race, Canada is to come."""
    reached("1997", partial(three_races, database))
    return database


def audit(database: Database, now: datetime = NOW, *asked: int) -> Audited:
    return audit_seasons(database, asked, now)


def found(database: Database, now: datetime = NOW) -> list[tuple[str, str]]:
    return [(finding.check, finding.entity_id) for finding in audit(database, now).findings]


def test_a_correct_season_has_no_findings(season: Database) -> None:
    assert audit(season) == Audited((1997,), 3, ())


@pytest.mark.parametrize(("how", "database"), in_turn(WRONG), indirect=["database"])
def test_each_fault_gives_its_finding_and_no_other(how: str, season: Database) -> None:
    damage, check, entity_id, message = WRONG[how]
    with season.writing() as connection:
        damage(connection)
    [finding] = audit(season).findings
    assert (finding.check, finding.season, finding.entity_id) == (check, 1997, entity_id)
    assert message in finding.message


def test_a_race_without_results_is_a_finding_a_day_after_its_end(season: Database) -> None:
    over = datetime(1997, 6, 16, 12, tzinfo=UTC)
    assert found(season, over + DAY - HOUR) == []
    assert found(season, over + DAY) == [("results_missing", f"{CANADA}/race")]
    with season.writing() as connection:
        set_session(f"{CANADA}/race", status="cancelled")(connection)
    assert found(season, over + DAY) == []


def test_a_disqualified_winner_without_a_successor_is_a_finding(season: Database) -> None:
    """As upstream may publish it: all else follows from it, and is complete."""
    out = entry(1, "hill", position=None, classification="D", points=Decimal(0), time_ms=None)
    others = [entry(place, driver) for place, driver in enumerate(reversed(DRIVERS), start=1)][1:]
    publish(season, f"{SPAIN}/race", (*others, out.model_copy(update={"listed_position": 9})), NOW + HOUR)
    assert found(season, NOW + HOUR) == [("winner_missing", f"{SPAIN}/race")]


def test_points_that_the_rule_does_not_pay_are_a_finding(season: Database) -> None:
    fifth = entry(5, DRIVERS[3], points=Decimal("2.5"))
    drivers = list(reversed(DRIVERS))
    rows = [fifth if place == 5 else entry(place, driver) for place, driver in enumerate(drivers, start=1)]
    publish(season, f"{SPAIN}/race", tuple(rows), NOW + HOUR)
    [finding] = audit(season, NOW + HOUR).findings
    assert (finding.check, finding.entity_id) == ("points_unlike_rule", f"{SPAIN}/race")
    assert finding.message == "panis has 2.5 points for place 5, which pays 2"


def test_every_check_has_a_season_in_which_it_fails() -> None:
    of_their_own = {"results_missing", "points_unlike_rule"}
    assert {check.__name__ for check in CHECKS} == {check for _, check, _, _ in WRONG.values()} | of_their_own


def test_unreadable_events_are_held_under_the_id_they_would_get(season: Database) -> None:
    with season.writing() as connection:
        hold("1997-unreadable-grand-prix", "schedule_rejected")(connection)
    assert found(season) == []


def test_a_published_table_that_differs_is_a_finding_unless_it_is_held_for_a_person(season: Database) -> None:
    own = team_standings.c.event_id == SPAIN
    with season.writing() as connection:
        connection.execute(update(team_standings).where(own).values(source="jolpica"))
    assert found(season) == [], "the same as ours"
    with season.writing() as connection:
        connection.execute(update(team_standings).where(own, team_standings.c.team_id == "team_0").values(points=1))
    assert found(season) == [("standings_unlike_results", SPAIN)]
    with season.writing() as connection:
        hold(SPAIN, "standings_differ")(connection)
    assert found(season) == []


def test_a_season_stored_at_once_needs_one_change_for_all_its_revisions(season: Database) -> None:
    moments = select(result_revisions.c.observed_at)
    with season.writing() as connection:
        connection.execute(delete(changes).where(changes.c.kind.like("results_%")))
        seen = connection.scalars(moments).all()
    assert [check for check, _ in found(season)] == ["feed_unlike_revisions"] * 4
    with season.writing() as connection:
        for at in set(seen):
            row = {"at": at, "entity": "season", "entity_id": "1997", "kind": "added", "before": None, "after": {}}
            connection.execute(insert(changes), row)
    assert found(season) == []


def test_revisions_before_the_start_of_a_trimmed_feed_need_no_change(season: Database) -> None:
    with season.writing() as connection:
        connection.execute(delete(changes).where(changes.c.at < datetime(1997, 5, 20, tzinfo=UTC)))
    assert found(season) == []


def test_sqlite_rows_that_refer_to_nothing_are_findings(sqlite: Database) -> None:
    """PostgreSQL and our own connections refuse them; another program's may not."""
    assert sqlite.file is not None
    with closing(sqlite3.connect(sqlite.file)) as connection, connection:
        connection.execute(
            "INSERT INTO driver_standings (event_id, driver_id, season, points, wins, source) "
            "VALUES ('1997-ghost', 'nobody', 1997, 1, 0, 'results')"
        )
    assert [finding.message for finding in audit(sqlite).findings if finding.check == "unknown_id"] == [
        "standings: there is no event 1997-ghost",
        "standings: there is no driver nobody",
    ]


def test_the_command_reports_no_findings_in_one_line(season: Database, capsys: pytest.CaptureFixture[str]) -> None:
    for seasons in ([], ["1997"]):
        assert commands.main(["audit", *seasons, "--now", NOW.isoformat()]) == 0
        shown = capsys.readouterr()
        assert (shown.out, shown.err) == ("1 season, 3 sessions with results: no findings\n", "")
    assert commands.main(["audit", "--json", "--now", NOW.isoformat()]) == 0
    assert json.loads(capsys.readouterr().out) == {"seasons": [1997], "findings": []}


def test_findings_are_a_table_or_json_and_status_1(season: Database, capsys: pytest.CaptureFixture[str]) -> None:
    with season.writing() as connection:
        set_session(f"{MONACO}/race", revision=3)(connection)
        set_session(f"{MONACO}/qualifying", status="scheduled")(connection)
    assert commands.main(["audit", "--now", NOW.isoformat()]) == 1
    shown = capsys.readouterr()
    assert shown.err == "error: 2 findings in 1 of 1 season\n"
    lines = [line.rstrip() for line in shown.out.splitlines()]
    message = "revisions known: 1, 2; the session is at revision 3"
    assert lines[1] == f"revisions_not_whole   {MONACO}/race: {message}"
    assert lines[2] == f"status_unlike_results {MONACO}/qualifying: scheduled, though it has results"
    assert commands.main(["audit", "1997", "--json", "--now", NOW.isoformat()]) == 1
    shown = capsys.readouterr()
    first, _ = json.loads(shown.out)["findings"]
    assert first == {
        "check": "revisions_not_whole",
        "season": 1997,
        "entity_id": f"{MONACO}/race",
        "message": message,
    }


def test_a_season_that_is_not_there_is_wrong_usage(season: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["audit", "1997", "1998"]) == 2
    assert "nothing of season 1998 is in" in one_line(capsys)


def test_no_database_is_one_line_and_none_is_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert commands.main(["audit"]) == 1
    assert "no tables yet" in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("version", "says"), [("0001", "is behind"), ("9999", "is newer than")])
def test_tables_of_another_version_are_not_touched(
    version: str, says: str, season: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = f"{season.schema}." if season.schema else ""
    with season.writing() as connection:
        connection.execute(text(f"UPDATE {prefix}{VERSION_TABLE} SET version_num = '{version}'"))
    assert commands.main(["audit"]) == 1
    assert says in one_line(capsys)
    assert season.version() == version


def test_a_read_only_database_can_be_audited(
    replay: Upstream, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment.setenv("DATABASE_URL", f"sqlite:///{folder}/f1.db")
        replay.as_of = datetime(2024, 3, 1, tzinfo=UTC)
        sync_schedule.fn(season=2024, now=replay.as_of)
        connect(Settings.load()).engine.dispose()
        environment.chdir(folder)
        with read_only(folder):
            assert commands.main(["audit", "--now", "2024-03-01T00:00:00Z"]) == 0
            connect(Settings.load()).engine.dispose()
        assert capsys.readouterr().out == "1 season, 0 sessions with results: no findings\n"


def test_all_queries_see_one_state_of_the_database(season: Database) -> None:
    """A poll that is committed meanwhile is in none of them."""
    with season.reading(snapshot=True) as connection:
        before = connection.execute(select(sessions.c.revision).where(sessions.c.id == f"{SPAIN}/race")).scalar()
        publish(season, f"{SPAIN}/race", raced(*DRIVERS), NOW + HOUR)
        after = connection.execute(select(sessions.c.revision).where(sessions.c.id == f"{SPAIN}/race")).scalar()
    assert before == after == 1
    assert found(season, NOW + HOUR) == []
