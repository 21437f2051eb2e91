"""Whose standings win: Jolpica's after a day while the season is under way, ours with adjustments afterwards."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from conftest import in_turn
from reached import Reached
from recorded import UNLIKE, document, published_after, stored_standings
from recording import RECORDED, Recording, needs_recording
from sqlalchemy import insert, select, update

from core.database import Database
from core.documents import Document
from core.kinds import ChangeKind, HeldKind
from core.queries import read_records
from core.records import Held
from core.replay import Fault, Upstream
from core.rules.results.championship import best_placed, competitors
from core.rules.results.disagreements import differences
from core.schema import championship_adjustments, changes, dataset_states, driver_standings, held, team_standings
from core.upsert.schedule import SeasonSummary
from flows.poll_results import poll_results

Sync = Callable[..., SeasonSummary]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BAHRAIN = "2024-bahrain-grand-prix"
PUBLISHED = datetime(2024, 3, 2, 18, 5, tzinfo=UTC)
LONG_AFTER = datetime(2021, 6, 1, tzinfo=UTC)


@pytest.fixture
def bahrain(replay: Upstream, database: Database, sync: Sync, reached: Reached) -> Upstream:
    """The season's first race is over, and its results are published."""
    replay.as_of = PUBLISHED
    replay.timing_after = timedelta(days=999)
    reached(PUBLISHED, lambda: sync(2024, PUBLISHED))
    return replay


def publish(upstream: Upstream, points: str) -> None:
    """Let Jolpica's table after Bahrain give the second, Perez, these points instead of 18."""
    found: list[Document] = copy.deepcopy(upstream.documents(2024, "driverstandings"))
    [table] = [one for one in found if one["round"] == "1"]
    table["DriverStandings"][1]["points"] = points
    upstream.overlay[2024, "driverstandings"] = found


def perez(database: Database) -> tuple[Decimal, str]:
    [found] = [one for one in stored_standings(database, 2024)[1] if one.competitor_id == "perez"]
    return found.points, found.source


def standings_held(database: Database) -> list[Held]:
    """What is held of any event's standings."""
    with database.reading() as connection:
        kinds = held.c.kind.in_([HeldKind.STANDINGS_DIFFER, HeldKind.STANDINGS_REJECTED])
        return read_records(connection, held, Held, kinds)


def state(database: Database) -> tuple[datetime | None, str | None]:
    """When the standings of the one event that was asked for are polled next, and what was wrong with them."""
    with database.reading() as connection:
        row = connection.execute(select(dataset_states).where(dataset_states.c.poll_attempts > 0)).one()
    return row.next_poll_at, row.last_error


def announced(database: Database) -> list[dict[str, Any]]:
    with database.reading() as connection:
        return list(connection.scalars(select(changes.c.after).where(changes.c.kind == ChangeKind.STANDINGS.value)))


def figures(points: str) -> dict[str, Any]:
    return {"points": points, "wins": 0, "position": 2}


def test_a_table_that_equals_ours_is_taken_at_once(bahrain: Upstream, database: Database) -> None:
    poll_results.fn(now=PUBLISHED)
    assert perez(database) == (18, "jolpica")
    assert (standings_held(database), state(database)) == ([], (None, None))


def test_a_table_that_differs_is_taken_after_a_day_and_stays_held(bahrain: Upstream, database: Database) -> None:
    publish(bahrain, "16")
    poll_results.fn(now=PUBLISHED)
    assert perez(database) == (18, "results")
    [aside] = standings_held(database)
    assert (aside.kind, aside.entity_id) == (HeldKind.STANDINGS_DIFFER, BAHRAIN)
    one = {"competitor_id": "perez", "ours": figures("18"), "published": figures("16")}
    assert aside.payload == {"driver": [one]}
    words = "perez: points 18 by results, 16 published"
    assert aside.reason == words
    assert state(database) == (PUBLISHED + 6 * HOUR, f"differs: {words}")
    assert {one.source for one in stored_standings(database, 2024, "team")[1]} == {"jolpica"}, "the other table agrees"

    for hours in (6, 12, 18):
        poll_results.fn(now=PUBLISHED + hours * HOUR)
        assert perez(database) == (18, "results")
        assert state(database)[0] == PUBLISHED + (hours + 6) * HOUR
    assert [before for before in announced(database) if "differences" in before] == []
    poll_results.fn(now=PUBLISHED + DAY)
    assert perez(database) == (16, "jolpica")
    [aside] = standings_held(database)
    assert (aside.payload, aside.times_seen, aside.first_seen_at) == ({"driver": [one]}, 5, PUBLISHED)
    assert state(database) == (None, f"differs: {words}")
    assert [before["differences"] for before in announced(database) if "differences" in before] == [[words]]

    bahrain.requests.clear()
    poll_results.fn(now=PUBLISHED + DAY + 10 * timedelta(minutes=1))
    assert [path for path in bahrain.requests if "standings" in path.lower()] == [], "nothing more is asked"


def test_another_figure_restarts_the_day(bahrain: Upstream, database: Database) -> None:
    publish(bahrain, "16")
    poll_results.fn(now=PUBLISHED)
    publish(bahrain, "17")
    poll_results.fn(now=PUBLISHED + 6 * HOUR)
    poll_results.fn(now=PUBLISHED + DAY)
    assert perez(database) == (18, "results")
    poll_results.fn(now=PUBLISHED + 30 * HOUR)
    assert perez(database) == (17, "jolpica")


def test_a_difference_is_dropped_once_the_tables_agree(bahrain: Upstream, database: Database) -> None:
    publish(bahrain, "16")
    poll_results.fn(now=PUBLISHED)
    bahrain.overlay.clear()
    poll_results.fn(now=PUBLISHED + 6 * HOUR)
    assert perez(database) == (18, "jolpica")
    assert (standings_held(database), state(database)) == ([], (None, None))


def test_a_table_that_is_missing_once_does_not_restart_the_day(bahrain: Upstream, database: Database) -> None:
    publish(bahrain, "16")
    poll_results.fn(now=PUBLISHED)
    there = bahrain.overlay.copy()
    bahrain.overlay[2024, "driverstandings"] = []
    poll_results.fn(now=PUBLISHED + 6 * HOUR)
    assert [aside.times_seen for aside in standings_held(database)] == [2], "the teams' table was read"
    bahrain.overlay[2024, "constructorstandings"] = []
    poll_results.fn(now=PUBLISHED + 7 * HOUR)
    assert [aside.times_seen for aside in standings_held(database)] == [2]
    bahrain.overlay = there
    poll_results.fn(now=PUBLISHED + DAY)
    assert perez(database) == (16, "jolpica")


def test_a_row_that_a_person_adds_is_applied_by_the_next_poll(bahrain: Upstream, database: Database) -> None:
    publish(bahrain, "16")
    poll_results.fn(now=PUBLISHED)
    with database.writing() as connection:
        row = {"season": 2024, "round": 1, "competitor": "driver", "competitor_id": "perez", "points": Decimal(-2)}
        connection.execute(insert(championship_adjustments), row | {"reason": "a penalty", "source": "the stewards"})
    poll_results.fn(now=PUBLISHED + 6 * HOUR)
    assert perez(database) == (16, "jolpica")
    assert (standings_held(database), state(database)) == ([], (None, None))

    # Changed, and entered as not applied: ours differ then, and stand for a day.
    with database.writing() as connection:
        of_it = championship_adjustments.c.season == 2024
        connection.execute(update(championship_adjustments).where(of_it).values(points=-1, is_applied=False))
    poll_results.fn(now=PUBLISHED + 7 * HOUR)
    assert perez(database) == (17, "results")
    assert [aside.reason for aside in standings_held(database)] == ["perez: points 17 by results, 16 published"]


def test_an_adjustment_retries_faulty_standings_no_more_often_than_usual(
    bahrain: Upstream, database: Database, no_waiting: None
) -> None:
    poll_results.fn(now=PUBLISHED)
    with database.writing() as connection:
        row = {"season": 2024, "round": 1, "competitor": "driver", "competitor_id": "perez", "points": Decimal(-2)}
        connection.execute(insert(championship_adjustments), row | {"reason": "a penalty", "source": "the stewards"})
    bahrain.faults.append(Fault(match="(?i)standings", times=100, status=500))
    poll_results.fn(now=PUBLISHED + 10 * timedelta(minutes=1))
    bahrain.requests.clear()
    poll_results.fn(now=PUBLISHED + 14 * timedelta(minutes=1))
    assert [path for path in bahrain.requests if "standings" in path.lower()] == []
    bahrain.faults.clear()
    poll_results.fn(now=PUBLISHED + 15 * timedelta(minutes=1))
    assert perez(database) == (16, "results")


@needs_recording
@pytest.mark.parametrize(("season", "database"), in_turn([1954, 1958, 1979, 1988, 1997]), indirect=["database"])
def test_an_old_season_polled_has_every_recorded_standing(
    season: int, database: Database, recording: Recording, sync: Sync
) -> None:
    """Standings after every round are ours; asked once, Jolpica's table ends the polls, and changes none of them."""
    sync(season, LONG_AFTER)
    poll_results.fn(now=LONG_AFTER)
    folder, compared = RECORDED / "history" / str(season), 0
    for competitor in competitors(season):
        ours, published = stored_standings(database, season, competitor), published_after(folder, competitor)
        assert ours.keys() == published.keys()
        for number, table in published.items():
            unlike = [one.competitor_id for one in differences(season, ours[number], best_placed(table))]
            assert [who for who in unlike if number not in UNLIKE.get((season, competitor, who), ([], ""))[0]] == []
            assert {one.source for one in ours[number]} == {"results"}
            compared += len(table)
    assert compared > 150
    assert stored_standings(database, season, "team").keys() == (set() if season < 1958 else published.keys())
    assert (standings_held(database), state(database)) == ([], (None, None))
    schumacher = [
        one for one in stored_standings(database, 1997).get(17, []) if one.competitor_id == "michael_schumacher"
    ]
    assert [(one.points, one.position) for one in schumacher] == ([(78, None)] if season == 1997 else [])
    before = rows(database)
    poll_results.fn(now=LONG_AFTER + DAY)
    assert rows(database) == before


def rows(database: Database) -> list[Sequence[Any]]:
    with database.reading() as connection:
        tables = (driver_standings, team_standings, dataset_states, championship_adjustments, changes)
        return [row for table in tables for row in connection.execute(select(table)).all()]


@needs_recording
def test_after_the_season_ours_win_and_upstreams_differences_are_held(
    database: Database, recording: Recording, sync: Sync
) -> None:
    """Jolpica has Ferrari's points of all rounds of 1958, and so the title."""
    tables = document(RECORDED / "history" / "1958", "constructorstandings")
    vanwall, ferrari, *others = tables[-1]["ConstructorStandings"]
    ferrari |= {"position": "1", "positionText": "1", "points": "72"}
    vanwall |= {"position": "2", "positionText": "2"}
    tables[-1]["ConstructorStandings"] = [ferrari, vanwall, *others]
    recording.control(overlay={"1958/constructorstandings": tables})
    sync(1958, LONG_AFTER)
    poll_results.fn(now=LONG_AFTER)
    best = sorted(stored_standings(database, 1958, "team")[11], key=lambda one: one.position or 99)
    assert [(one.competitor_id, one.points, one.source) for one in best][:2] == [
        ("vanwall", 48, "results"),
        ("ferrari", 40, "results"),
    ]
    [aside] = standings_held(database)
    assert (aside.kind, aside.reason) == (
        HeldKind.STANDINGS_DIFFER,
        "ferrari: points 40 by results, 72 published; position 2 by results, 1 published",
    )
    assert aside.payload == {
        "team": [
            {
                "competitor_id": "ferrari",
                "ours": {"points": "40", "wins": 2, "position": 2},
                "published": {"points": "72", "wins": 2, "position": 1},
            }
        ]
    }
    assert state(database)[0] is None, "the season is settled: nothing more is asked"


@needs_recording
def test_within_the_month_after_the_season_a_difference_is_asked_for_again(
    database: Database, recording: Recording, sync: Sync
) -> None:
    over = datetime(1997, 10, 28, tzinfo=UTC)
    tables = document(RECORDED / "history" / "1997", "driverstandings")
    first = tables[-1]["DriverStandings"][0]
    right, first["points"] = first["points"], "85"
    recording.control(overlay={"1997/driverstandings": tables})
    sync(1997, over)
    poll_results.fn(now=over)
    assert state(database)[0] == over + 6 * HOUR
    poll_results.fn(now=over + DAY)
    assert state(database)[0] == over + 8 * DAY, "ours stand, and stay"
    assert right == "81"
    assert [one.points for one in stored_standings(database, 1997)[17] if one.position == 1] == [81]
    assert len(standings_held(database)) == 1
    recording.control(overlay={})
    poll_results.fn(now=over + 8 * DAY)
    assert (standings_held(database), state(database)) == ([], (None, None))
