"""The audit: a database made wrong in one way gives that finding and no other; a true one gives none."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Recording, in_turn, needs_recording
from reached import Reached
from sqlalchemy import Connection, delete, insert, select, text, update
from test_commands import one_line, read_only

from core.audited import Audited, audit_seasons
from core.database import Database, connect
from core.migrations import VERSION_TABLE
from core.queries import read_entries
from core.records import (
    Driver,
    Entry,
    EventFormat,
    ListedEvent,
    ListedResult,
    ListedSession,
    ScheduleAnswer,
    SessionKind,
    SessionResult,
    Source,
    Team,
)
from core.replay import Upstream
from core.rules.audit.checks import CHECKS
from core.rules.audit.points import faults
from core.rules.results import polling
from core.rules.results.polling import Cadence
from core.schema import (
    championship_adjustments,
    changes,
    dataset_states,
    driver_standings,
    events,
    held,
    result_revisions,
    results,
    sessions,
    team_standings,
)
from core.settings import Settings
from core.upsert.results import accept_result
from core.upsert.schedule import upsert_schedule
from flows import __main__ as commands
from flows.poll_results import poll_results
from flows.sync_schedule import sync_schedule

RACE, QUALIFYING, SPRINT = SessionKind.RACE, SessionKind.QUALIFYING, SessionKind.SPRINT
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
NOW = datetime(1997, 5, 26, 12, tzinfo=UTC)
"""A day after the second of three races."""

MONACO, SPAIN, CANADA = "1997-monaco-grand-prix", "1997-spanish-grand-prix", "1997-canadian-grand-prix"
DRIVERS = ("villeneuve", "schumacher", "coulthard", "panis", "alesi", "fisichella", "barrichello", "hill")
PAID = (10, 6, 4, 3, 2, 1, 0, 0)

Rows = tuple[Entry, ...]


def race_day(name: str, day: date, number: int, place: str) -> ListedEvent:
    return ListedEvent(
        season=1997,
        round=number,
        name=name,
        official_name=None,
        country=place,
        locality=place,
        format=EventFormat.CONVENTIONAL,
        last_date=day,
        sessions=(ListedSession(kind=RACE, name="Race", local_date=day),),
    )


CALENDAR = (
    race_day("Monaco Grand Prix", date(1997, 5, 11), 1, "Monaco"),
    race_day("Spanish Grand Prix", date(1997, 5, 25), 2, "Spain"),
    race_day("Canadian Grand Prix", date(1997, 6, 15), 3, "Canada"),
)


def entry(place: int, driver: str, **differs: Any) -> Entry:
    """A classified entry, a second behind the one before it."""
    row = Entry(
        car_number=str(DRIVERS.index(driver) + 1),
        driver_id=driver,
        team_id=f"team_{DRIVERS.index(driver) // 2}",
        listed_position=place,
        position=place,
        classification=str(place),
        points=Decimal(PAID[place - 1]),
        laps=62,
        time_ms=6_000_000 + 1000 * place,
        gap_ms=1000 * (place - 1) if place > 1 else None,
        source=Source.JOLPICA,
    )
    return row.model_copy(update=differs)


def raced(*drivers: str) -> Rows:
    return tuple(entry(place, driver) for place, driver in enumerate(drivers, start=1))


def qualified(*drivers: str) -> Rows:
    lacking = dict.fromkeys(("classification", "points", "laps", "time_ms", "gap_ms"))
    return tuple(one.model_copy(update={**lacking, "q1_ms": 80_000 + int(one.car_number)}) for one in raced(*drivers))


def result(kind: SessionKind, entries: Rows) -> SessionResult:
    teams = {one.team_id for one in entries if one.team_id}
    return SessionResult(
        season=1997,
        round=1,
        kind=kind,
        source=Source.JOLPICA,
        entries=entries,
        drivers=tuple(Driver(id=one, given_name="A", family_name=one) for one in DRIVERS),
        teams=tuple(Team(id=one, name=one) for one in sorted(teams)),
    )


def publish(database: Database, session_id: str, entries: Rows, now: datetime, *, force: bool = False) -> None:
    kind = SessionKind(session_id.partition("/")[2])
    accepted = accept_result(database, session_id, result(kind, entries), now, CADENCE, force=force)
    assert accepted.outcome.is_revision, accepted


@pytest.fixture
def season(database: Database, reached: Reached) -> Database:
    """Three races of 1997: Monaco has qualifying and a corrected race, Spain a race, Canada is to come."""
    reached("1997", partial(three_races, database))
    return database


def three_races(database: Database) -> None:
    answer = ScheduleAnswer(season=1997, source=Source.JOLPICA, complete=True, events=CALENDAR)
    shown = ListedResult(round=1, event=CALENDAR[0], result=result(QUALIFYING, qualified(*DRIVERS)))
    upsert_schedule(database, answer, (), datetime(1997, 5, 12, 12, tzinfo=UTC), qualifying=[shown])
    publish(database, f"{MONACO}/qualifying", qualified(*DRIVERS), datetime(1997, 5, 12, 12, tzinfo=UTC))
    publish(database, f"{MONACO}/race", raced(*DRIVERS), datetime(1997, 5, 12, 13, tzinfo=UTC))
    corrected = raced(*DRIVERS[:6], DRIVERS[7], DRIVERS[6])
    publish(database, f"{MONACO}/race", corrected, datetime(1997, 5, 13, 13, tzinfo=UTC))
    publish(database, f"{SPAIN}/race", raced(*reversed(DRIVERS)), datetime(1997, 5, 26, 11, tzinfo=UTC))


def audit(database: Database, now: datetime = NOW, *asked: int) -> Audited:
    return audit_seasons(database, asked, now)


def found(database: Database, now: datetime = NOW) -> list[tuple[str, str]]:
    return [(finding.check, finding.entity_id) for finding in audit(database, now).findings]


def test_a_true_season_has_no_findings(season: Database) -> None:
    assert audit(season) == Audited((1997,), 3, ())


def set_session(session_id: str, **values: Any) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(update(sessions).where(sessions.c.id == session_id).values(**values))


def set_result(session_id: str, driver: str, **values: Any) -> Callable[[Connection], object]:
    own = results.c.session_id == session_id, results.c.driver_id == driver
    return lambda connection: connection.execute(update(results).where(*own).values(**values))


def rewrite(session_id: str, edit: Callable[[list[Entry]], list[Entry]]) -> Callable[[Connection], None]:
    """Edit a classification where it is held and in its last revision alike."""

    def edited(connection: Connection) -> None:
        entries = edit(read_entries(connection, session_id))
        connection.execute(delete(results).where(results.c.session_id == session_id))
        columns = [{**one.model_dump(), "source": one.source.value, "session_id": session_id} for one in entries]
        connection.execute(insert(results), columns)
        own = result_revisions.c.session_id == session_id
        last = select(sessions.c.revision).where(sessions.c.id == session_id).scalar_subquery()
        rows = [one.model_dump(mode="json") for one in entries]
        connection.execute(update(result_revisions).where(own, result_revisions.c.revision == last).values(rows=rows))

    return edited


def announced(entity: str, entity_id: str, kind: str, **after: Any) -> Callable[[Connection], object]:
    row = {"at": NOW, "entity": entity, "entity_id": entity_id, "kind": kind, "before": None, "after": after}
    return lambda connection: connection.execute(insert(changes), row)


def hold(entity_id: str, kind: str) -> Callable[[Connection], object]:
    row = {
        "entity": "event",
        "entity_id": entity_id,
        "kind": kind,
        "payload": {},
        "reason": "",
        "first_seen_at": NOW,
        "last_seen_at": NOW,
        "times_seen": 1,
    }
    return lambda connection: connection.execute(insert(held), row)


def adjust(team: str) -> Callable[[Connection], object]:
    row = {"season": 1997, "round": 1, "competitor": "team", "competitor_id": team, "points": -1, "is_excluded": False}
    said = {"reason": "a wing that bent", "source": "the stewards", "is_applied": True}
    return lambda connection: connection.execute(insert(championship_adjustments), {**row, **said})


def set_state(**values: Any) -> Callable[[Connection], object]:
    own = dataset_states.c.entity_id == SPAIN
    return lambda connection: connection.execute(update(dataset_states).where(own).values(**values))


def without(table: Any, *conditions: Any) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(delete(table).where(*conditions))


def of_revision(session_id: str, number: int) -> tuple[Any, ...]:
    return result_revisions.c.session_id == session_id, result_revisions.c.revision == number


def second_in_both_cars(entries: list[Entry]) -> list[Entry]:
    return [one.model_copy(update={"driver_id": DRIVERS[1]}) if one.position == 8 else one for one in entries]


def slower_in_second(entries: list[Entry]) -> list[Entry]:
    late = {"time_ms": 6_009_500, "gap_ms": 8_500}
    return [one.model_copy(update=late) if one.position == 2 else one for one in entries]


def without_the_pole(entries: list[Entry]) -> list[Entry]:
    return [one.model_copy(update={"position": None}) if one.position == 1 else one for one in entries]


WRONG: dict[str, tuple[Callable[[Connection], object], str, str, str]] = {
    "a held answer about no event": (
        hold("1997-nowhere-grand-prix", "absent"),
        "unknown_id",
        "1997-nowhere-grand-prix",
        "there is no event",
    ),
    "a change of no session": (
        announced("session", f"{CANADA}/sprint", "status"),
        "unknown_id",
        f"{CANADA}/sprint",
        "the feed: there is no session",
    ),
    "an adjustment of no team": (
        adjust("nobody"),
        "unknown_id",
        "1997",
        "an adjustment: there is no team nobody",
    ),
    "an event of another season": (
        lambda connection: connection.execute(update(events).where(events.c.id == CANADA).values(season=1998)),
        "id_unlike_row",
        CANADA,
        "an event of 1998",
    ),
    "a session of another kind": (
        set_session(f"{MONACO}/qualifying", kind="sprint"),
        "id_unlike_row",
        f"{MONACO}/qualifying",
        f"the sprint of {MONACO}",
    ),
    "no pole": (
        rewrite(f"{MONACO}/qualifying", without_the_pole),
        "winner_missing",
        f"{MONACO}/qualifying",
        "none of 8 entries is in place 1",
    ),
    "a gap that falls": (
        rewrite(f"{SPAIN}/race", slower_in_second),
        "gaps_not_rising",
        f"{SPAIN}/race",
        "fisichella in place 3 has 1:40:03.000, barrichello in place 2 1:40:09.500",
    ),
    "a driver in two cars": (
        rewrite(f"{MONACO}/qualifying", second_in_both_cars),
        "driver_in_two_cars",
        f"{MONACO}/qualifying",
        "schumacher drove cars 2 and 8",
    ),
    "a revision that is gone": (
        without(result_revisions, *of_revision(f"{MONACO}/race", 1)),
        "revisions_not_whole",
        f"{MONACO}/race",
        "revisions known: 2; the session is at revision 2",
    ),
    "the last revision that is gone": (
        without(result_revisions, *of_revision(f"{SPAIN}/race", 1)),
        "revisions_not_whole",
        f"{SPAIN}/race",
        "revisions known: none; the session is at revision 1",
    ),
    "a session that counts on": (
        set_session(f"{MONACO}/race", revision=3),
        "revisions_not_whole",
        f"{MONACO}/race",
        "revisions known: 1, 2; the session is at revision 3",
    ),
    "a revision seen before the one before it": (
        lambda connection: connection.execute(
            update(result_revisions).where(*of_revision(f"{MONACO}/race", 1)).values(observed_at=NOW)
        ),
        "revisions_not_whole",
        f"{MONACO}/race",
        "revision 2 was seen before revision 1",
    ),
    "results changed by hand": (
        set_result(f"{SPAIN}/race", "hill", laps=61),
        "results_unlike_last_revision",
        f"{SPAIN}/race",
        "they differ from revision 1: Hill laps 62 → 61",
    ),
    "a state that no revision gives": (
        set_session(f"{MONACO}/qualifying", results_state="provisional"),
        "state_unlike_revisions",
        f"{MONACO}/qualifying",
        "provisional, though revision 1 is official",
    ),
    "results that are awaited": (
        set_session(f"{MONACO}/qualifying", results_state="awaited"),
        "state_unlike_revisions",
        f"{MONACO}/qualifying",
        "awaited, though at revision 1",
    ),
    "official without a revision": (
        set_session(f"{CANADA}/race", results_state="official"),
        "state_unlike_revisions",
        f"{CANADA}/race",
        "official, without any revision",
    ),
    "a session to come that has results": (
        set_session(f"{MONACO}/qualifying", status="scheduled"),
        "status_unlike_results",
        f"{MONACO}/qualifying",
        "scheduled, though it has results",
    ),
    "settled and still polled": (
        set_session(f"{MONACO}/qualifying", results_state="settled"),
        "poll_unlike_state",
        f"{MONACO}/qualifying",
        "settled, but polled next at Mon 12 May 1997 13:00 UTC",
    ),
    "not settled and never polled again": (
        set_session(f"{SPAIN}/race", next_poll_at=None),
        "poll_unlike_state",
        f"{SPAIN}/race",
        "official, but never polled again",
    ),
    "faults without a reason": (
        set_session(f"{SPAIN}/race", poll_faults=2),
        "poll_unlike_state",
        f"{SPAIN}/race",
        "2 faults in a row, without a reason",
    ),
    "a dataset's faults without a reason": (
        set_state(poll_faults=2),
        "poll_unlike_state",
        SPAIN,
        "standings: 2 faults in a row, without a reason",
    ),
    "a dataset that failed and is not polled": (
        set_state(poll_faults=1, last_error="down", next_poll_at=None),
        "poll_unlike_state",
        SPAIN,
        "standings: failed, but never polled again",
    ),
    "a feed without a revision": (
        without(changes, changes.c.entity_id == f"{MONACO}/race", changes.c.kind == "results_revised"),
        "feed_unlike_revisions",
        f"{MONACO}/race",
        "the feed has no change for revision 2",
    ),
    "a feed ahead of the session": (
        announced("session", f"{MONACO}/race", "results_revised", revision=3),
        "feed_unlike_revisions",
        f"{MONACO}/race",
        "the feed has a change for revision 3, the session is at 2",
    ),
    "a feed that tells twice": (
        announced("session", f"{MONACO}/race", "results_revised", revision=2),
        "feed_unlike_revisions",
        f"{MONACO}/race",
        "the feed has 2 changes for revision 2",
    ),
    "a standing with other points": (
        lambda connection: connection.execute(
            update(driver_standings)
            .where(driver_standings.c.event_id == SPAIN, driver_standings.c.driver_id == "hill")
            .values(points=11)
        ),
        "standings_unlike_results",
        SPAIN,
        "driver standings: hill has 11 points instead of 10 points",
    ),
    "a standing that is gone": (
        without(driver_standings, driver_standings.c.event_id == MONACO, driver_standings.c.driver_id == "panis"),
        "standings_unlike_results",
        MONACO,
        "driver standings: panis is missing",
    ),
    "standings that are gone": (
        without(team_standings, team_standings.c.event_id == MONACO),
        "standings_unlike_results",
        MONACO,
        "team standings: none",
    ),
    "standings of a race to come": (
        lambda connection: connection.execute(
            insert(team_standings).values(
                event_id=CANADA, team_id="team_0", season=1997, points=1, wins=0, source="results"
            )
        ),
        "standings_unlike_results",
        CANADA,
        "team standings without official results",
    ),
}
"""What is done to the season, and the check, the id and (part of) the message that must come of it."""


@pytest.mark.parametrize(("how", "database"), in_turn(WRONG), indirect=["database"])
def test_what_is_wrong_in_one_way_gives_that_finding(how: str, season: Database) -> None:
    damage, check, entity_id, message = WRONG[how]
    with season.writing() as connection:
        damage(connection)
    [finding] = audit(season).findings
    assert (finding.check, finding.season, finding.entity_id) == (check, 1997, entity_id)
    assert message in finding.message


def test_a_race_over_for_a_day_without_results(season: Database) -> None:
    over = datetime(1997, 6, 16, 12, tzinfo=UTC)
    assert found(season, over + DAY - HOUR) == []
    assert found(season, over + DAY) == [("results_missing", f"{CANADA}/race")]
    with season.writing() as connection:
        set_session(f"{CANADA}/race", status="cancelled")(connection)
    assert found(season, over + DAY) == []


def test_a_winner_who_was_struck_off_and_nobody_moved_up(season: Database) -> None:
    """As upstream may publish it: all else follows from it, and is whole."""
    out = entry(1, "hill", position=None, classification="D", points=Decimal(0), time_ms=None)
    others = [entry(place, driver) for place, driver in enumerate(reversed(DRIVERS), start=1)][1:]
    publish(season, f"{SPAIN}/race", (*others, out.model_copy(update={"listed_position": 9})), NOW + HOUR)
    assert found(season, NOW + HOUR) == [("winner_missing", f"{SPAIN}/race")]


def test_points_that_the_rule_does_not_pay(season: Database) -> None:
    fifth = entry(5, DRIVERS[3], points=Decimal("2.5"))
    drivers = list(reversed(DRIVERS))
    rows = [fifth if place == 5 else entry(place, driver) for place, driver in enumerate(drivers, start=1)]
    publish(season, f"{SPAIN}/race", tuple(rows), NOW + HOUR)
    [finding] = audit(season, NOW + HOUR).findings
    assert (finding.check, finding.entity_id) == ("points_unlike_rule", f"{SPAIN}/race")
    assert finding.message == "panis has 2.5 points for place 5, which pays 2"


def test_every_check_has_its_wrong_season() -> None:
    of_their_own = {"results_missing", "points_unlike_rule"}
    assert {check.__name__ for check in CHECKS} == {check for _, check, _, _ in WRONG.values()} | of_their_own


def test_what_cannot_be_read_of_a_schedule_is_held_under_an_id_to_come(season: Database) -> None:
    with season.writing() as connection:
        hold("1997-unreadable-grand-prix", "schedule_rejected")(connection)
    assert found(season) == []


def test_a_published_table_that_differs_is_a_finding_unless_a_person_is_told_of_it(season: Database) -> None:
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


def test_a_season_that_was_stored_at_once_has_one_change_for_all(season: Database) -> None:
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


def test_a_feed_that_was_cut_says_nothing_of_what_was_before(season: Database) -> None:
    with season.writing() as connection:
        connection.execute(delete(changes).where(changes.c.at < datetime(1997, 5, 20, tzinfo=UTC)))
    assert found(season) == []


def test_rows_of_sqlite_that_name_nothing(sqlite: Database) -> None:
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


def paid(*rows: tuple[int | None, str]) -> list[Entry]:
    """Entries by place and points."""
    return [
        Entry(car_number=str(n), driver_id=f"d{n}", position=place, points=Decimal(points), source=Source.JOLPICA)
        for n, (place, points) in enumerate(rows)
    ]


def places(points: str) -> list[tuple[int | None, str]]:
    return list(enumerate(points.split(), start=1))


TRUE_POINTS = {
    "1950 fastest lap of the winner": (1950, places("9 6 4 3 2 0")),
    "Britain 1954, the fastest lap split seven ways": (
        1954,
        [(1, "8.14"), (2, "6.14"), (3, "4.14"), (4, "3.14"), (5, "2"), (6, "0.14"), (None, "0.14"), (None, "0.14")],
    ),
    "a car that three shared": (1956, [(1, "8"), (2, "2"), (2, "2"), (2, "2"), (3, "4"), (4, "3"), (5, "2"), (6, "1")]),
    "Monaco 1956, Fangio not paid for his second car": (
        1956,
        [(1, "8"), (2, "4"), (2, "3"), (3, "4"), (4, "1.5"), (4, "0"), (5, "2")],
    ),
    "Germany 1958, a car of Formula 2 in place 5": (1958, [*places("8 6 4 3 0 0"), (10, "2"), (None, "1")]),
    "Italy 1958, two in one car not paid": (1958, [(1, "8"), (2, "6"), (3, "5"), (4, "0"), (4, "0"), (5, "2")]),
    "Argentina 1960, place 3 not paid": (1960, [(1, "8"), (2, "6"), (3, "0"), (3, "0"), (4, "3"), (5, "2"), (6, "1")]),
    "France 1963, place 3 not paid": (1963, places("9 6 0 3 2 1")),
    "Germany 1969, paid below cars of Formula 2": (1969, [*places("9 6 4 3 0 0 0 0 0 0"), (11, "2"), (12, "1")]),
    "Spain 1975, half points": (1975, places("4.5 3 2 1.5 1 0.5 0")),
    "Italy 1984, two not paid": (1984, places("9 6 4 3 0 0")),
    "Australia 1987, one not paid": (1987, places("9 6 4 3 0 1")),
    "three cars finish": (1996, places("10 6 4")),
    "Abu Dhabi 2014, double": (2014, places("50 36 30 24 20 16 12 8 4 2")),
    "the fastest lap from 2019 on": (2019, places("25 18 15 13 10 8 6 4 2 1 0")),
    "the fastest lap outside the first ten": (2020, places("25 18 15 12 10 8 6 4 2 1 0")),
    "Belgium 2021, half": (2021, places("12.5 9 7.5 6 5 4 3 2 1 0.5")),
    "Japan 2022, full points": (2022, places("25 18 15 12 10 8 6 4 2 1")),
}
FALSE_POINTS = {
    "two fastest laps": (1950, [*places("9 6 4 3 2"), (None, "1")]),
    "too much for a shared car": (1956, [(1, "8"), (2, "6"), (2, "3"), (3, "4"), (4, "3"), (5, "2")]),
    "three not paid": (1984, places("9 6 4 0 0 0")),
    "paid without a place": (1984, [*places("9 6 4 3 2"), (None, "1")]),
    "two places exchanged": (1985, places("9 4 6 3 2 1")),
    "points of no table": (1985, places("9 6 4 3 2 0.5")),
    "a place not paid": (1991, places("10 6 4 3 0 1")),
    "the fastest lap before it paid": (2018, places("26 18 15 12 10 8 6 4 2 1")),
    "the fastest lap of the eleventh": (2019, places("25 18 15 12 10 8 6 4 2 1 1")),
    "two points for the fastest lap": (2019, places("26 19 15 12 10 8 6 4 2 1")),
    "half points when none were": (2023, places("12.5 9 7.5 6 5 4 3 2 1 0.5")),
}


@pytest.mark.parametrize("case", TRUE_POINTS)
def test_points_as_they_were_paid(case: str) -> None:
    year, rows = TRUE_POINTS[case]
    assert faults(year, RACE, paid(*rows)) == []


@pytest.mark.parametrize("case", FALSE_POINTS)
def test_points_as_they_were_never_paid(case: str) -> None:
    year, rows = FALSE_POINTS[case]
    assert faults(year, RACE, paid(*rows))


def test_a_sprints_points() -> None:
    assert faults(2021, SPRINT, paid(*places("3 2 1 0"))) == []
    assert faults(2022, SPRINT, paid(*places("8 7 6 5 4 3 2 1 0"))) == []
    assert faults(2022, SPRINT, paid(*places("8 7 6 5 4 3 2 1 1"))) == ["d8 has 1 points for place 9, which pays 0"]


def test_the_command_says_so_in_one_line(season: Database, capsys: pytest.CaptureFixture[str]) -> None:
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
def test_another_versions_tables_are_left_as_they_are(
    version: str, says: str, season: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = f"{season.schema}." if season.schema else ""
    with season.writing() as connection:
        connection.execute(text(f"UPDATE {prefix}{VERSION_TABLE} SET version_num = '{version}'"))
    assert commands.main(["audit"]) == 1
    assert says in one_line(capsys)
    assert season.version() == version


def test_a_database_that_may_only_be_read(
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


WRONG_UPSTREAM = {
    2020: {"2020-abu-dhabi-grand-prix/race": "ocon and stroll: upstream has the gaps to the car ahead"},
    2023: {
        "2023-azerbaijan-grand-prix/sprint": "russell and hamilton: upstream has the gaps to another car",
        "2023-qatar-grand-prix/sprint": "stroll: upstream has the time without the penalty that cost the place",
    },
}
"""What the audit finds in the recorded seasons, and why it is so: all are gaps that do not rise."""

RECORDED_SEASONS = (1950, 1954, 1958, 1964, 1967, 1979, 1988, 1991, 1995, 1997, 2000, 2003, 2007, 2012, 2020, 2023)


@needs_recording
@pytest.mark.parametrize(
    ("kind", "year"), [*(("sqlite", year) for year in RECORDED_SEASONS), ("postgresql", 1954), ("postgresql", 2003)]
)
def test_the_recorded_seasons_are_true_but_for_what_upstream_has_wrong(
    kind: str, year: int, request: pytest.FixtureRequest, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL too has the seventh parts of a point in 1954."""
    database = request.getfixturevalue(kind)
    monkeypatch.setattr(polling, "FIRST_LIVETIMING_SEASON", 2100)  # hardly any of it is recorded
    now = datetime(2026, 11, 26, tzinfo=UTC)
    sync_schedule.fn(season=year, now=now)
    poll_results.fn(now=now)
    audited = audit(database, now)
    assert audited.sessions > 0
    wrong = {(finding.check, finding.entity_id) for finding in audited.findings}
    assert wrong == {("gaps_not_rising", session_id) for session_id in WRONG_UPSTREAM.get(year, ())}
