"""Line-ups: who is an entry, under which id, and what changes from one session to the next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from line_ups import DRIVERS, FIRST, NOW, TEAMS, VERSTAPPEN, archive, event_of, listed, session_of
from sqlalchemy import insert, select, text

from core.database import Database
from core.kinds import ChangeKind, SessionKind, Source, Status
from core.records import Driver, Entry
from core.rules.timing.entries import examine_entries, line_up_change
from core.rules.timing.evidence import Evidence
from core.rules.timing.outcome import TimingOutcome
from core.rules.timing.roster import Roster, driver_of, teams_of
from core.schema import changes, columns, dataset_states, drivers, events, results, sessions, teams
from core.timing_records import LineUpEntry, ListedDriver
from core.timing_schema import entries
from core.upsert.roster import name_drivers
from core.upsert.timing import accept_archive

ROSTER = Roster(
    by_number={"1": ("max_verstappen", "red_bull"), "11": ("perez", "red_bull"), "77": ("bottas", "sauber")},
    drivers=DRIVERS,
    teams=TEAMS,
)
PEREZ = listed("11", "PER", "Sergio Perez", "Red Bull Racing")
BOTTAS = listed("77", "BOT", "Valtteri Bottas", "Kick Sauber")
HADJAR = listed("37", "HAD", "Isack Hadjar", "Red Bull Racing")


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        (VERSTAPPEN, "max_verstappen"),
        (PEREZ, "perez"),
        (HADJAR, None),
        (listed("11", "HAD", "Isack Hadjar", None), None),
        (listed("40", "LAW", "Liam Lawson", None), "lawson"),
        (listed("40", "LAW", "Nicolas Lawton", None), None),
        (listed("77", "", "", None), "bottas"),
    ],
    ids=[
        "by_name",
        "without_accents",
        "a_stand_in",
        "with_anothers_number",
        "of_no_number",
        "anothers_code",
        "nameless",
    ],
)
def test_a_listed_driver_is_known_by_code_and_name_or_by_number(driver: ListedDriver, expected: str | None) -> None:
    assert driver_of(driver, ROSTER) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([VERSTAPPEN, HADJAR], {"Red Bull Racing": "red_bull"}),
        ([BOTTAS], {"Kick Sauber": "sauber"}),
        ([listed("1", "VER", "Max Verstappen", "Bulls of Milton Keynes")], {"Bulls of Milton Keynes": "red_bull"}),
        ([listed("98", "BEG", "Dino Beganovic", "Prema Racing")], {}),
    ],
    ids=["same_words", "words_within", "by_its_driver", "another_series"],
)
def test_a_listed_team_is_known_by_its_name_or_its_drivers(names: list[ListedDriver], expected: dict[str, str]) -> None:
    assert teams_of(names, ROSTER) == expected


def test_a_driver_of_another_series_is_no_entry_without_having_driven() -> None:
    beganovic, kimura = (
        listed("98", "BEG", "Dino Beganovic", "Prema Racing"),
        listed("40", "KIM", "Jun Kimura", "New Team", has_driven=True),
    )
    examined = examine_entries([VERSTAPPEN, HADJAR, beganovic, kimura], Evidence(FIRST, roster=ROSTER))
    assert [(row.car_number, row.driver_id, row.team_id) for row in examined.rows] == [
        ("1", "max_verstappen", "red_bull"),
        ("37", None, "red_bull"),
        ("40", None, None),
    ]
    assert examined.notes == ("1 listed driver without a car",)


def test_an_official_classification_decides_who_took_part() -> None:
    official = [
        Entry(car_number="1", driver_id="max_verstappen", team_id="red_bull", source=Source.JOLPICA),
        Entry(car_number="77", driver_id="bottas", driver_code="BOT", team_id="sauber", source=Source.JOLPICA),
    ]
    own = {"1": ("max_verstappen", "red_bull"), "77": ("bottas", "sauber")}
    roster = Roster(ROSTER.by_number, DRIVERS, TEAMS, own)
    examined = examine_entries([VERSTAPPEN, HADJAR], Evidence(FIRST, official, roster=roster))
    assert [(row.car_number, row.full_name, row.source) for row in examined.rows] == [
        ("1", "Max Verstappen", Source.JOLPICA),
        ("77", "Valtteri Bottas", Source.JOLPICA),
    ]


def test_a_list_that_names_a_car_twice_or_nobody_known_is_refused() -> None:
    twice = examine_entries([VERSTAPPEN, VERSTAPPEN], Evidence(FIRST, roster=ROSTER))
    assert twice.refused == "car 1 is listed twice"
    strange = examine_entries([listed("98", "BEG", "Dino Beganovic", "Prema Racing")], Evidence(FIRST, roster=ROSTER))
    assert strange.refused == "no listed driver is known to race"


def entry(car: str, code: str, team: str | None) -> LineUpEntry:
    return LineUpEntry(car_number=car, driver_code=code, team_id=team, source=Source.LIVETIMING)


def test_a_line_up_changes_with_a_driver_or_a_drivers_team() -> None:
    before = [entry("1", "VER", "red_bull"), entry("11", "PER", "red_bull"), entry("30", "LAW", "rb")]
    swapped = [entry("1", "VER", "red_bull"), entry("11", "PER", "rb"), entry("30", "LAW", "red_bull")]
    change = line_up_change(Evidence(FIRST, line_up_before=before), [], swapped)
    assert change is not None
    assert (change.kind, change.entity_id) == (ChangeKind.LINEUP, FIRST.id)
    assert change.before is not None
    assert change.after is not None
    assert [(one["driver_code"], one["team_id"]) for one in change.before["entries"]] == [
        ("PER", "red_bull"),
        ("LAW", "rb"),
    ]
    assert [(one["driver_code"], one["team_id"]) for one in change.after["entries"]] == [
        ("PER", "rb"),
        ("LAW", "red_bull"),
    ]
    assert line_up_change(Evidence(FIRST, line_up_before=before), [], before[::-1]) is None
    assert line_up_change(Evidence(FIRST), [], before) is None, "the first line-up of all is no change"
    unknown = [entry("1", "VER", None), entry("11", "PER", None), entry("30", "LAW", None)]
    assert line_up_change(Evidence(FIRST, line_up_before=before), [], unknown) is None, "an unknown team is no other"


def test_a_line_up_is_that_of_the_latest_session_or_the_last_events(database: Database) -> None:
    """A stand-in is known as soon as first practice has begun, and has an id once Jolpica knows one."""
    race = session_of(SessionKind.RACE, NOW - timedelta(days=5), "2024-austrian-grand-prix")
    second = session_of(SessionKind.PRACTICE_2, NOW + timedelta(hours=3))
    coming = session_of(SessionKind.PRACTICE_1, NOW + timedelta(days=14), "2024-hungarian-grand-prix")
    with database.writing() as connection:
        for one in (race, FIRST, coming):
            status = Status.COMPLETED if one is race else Status.LIVE if one is FIRST else Status.SCHEDULED
            connection.execute(insert(events), {**columns(events, event_of(one, status)), "updated_at": NOW})
        for one in (race, FIRST, second, coming):
            connection.execute(insert(sessions), {**columns(sessions, one), "updated_at": NOW})
        connection.execute(insert(drivers), [columns(drivers, driver) for driver in DRIVERS])
        connection.execute(insert(teams), [columns(teams, team) for team in TEAMS])
        known = [("1", "max_verstappen", "red_bull"), ("11", "perez", "red_bull"), ("77", "bottas", "sauber")]
        for car, driver, team in known:
            official = Entry(car_number=car, driver_id=driver, team_id=team, source=Source.JOLPICA)
            connection.execute(insert(results), {"session_id": race.id, **columns(results, official)})

    after_race = accept_archive(database, race.id, archive([VERSTAPPEN, PEREZ, BOTTAS]), NOW)
    assert [one.outcome for one in after_race.datasets if one.dataset == "entries"] == [TimingOutcome.STORED]
    assert line_up(database, FIRST.event_id) == [("1", True), ("11", True), ("77", True)]

    begun = accept_archive(database, FIRST.id, archive([VERSTAPPEN, HADJAR, BOTTAS], is_complete=False), NOW)
    assert [(one.dataset, one.outcome) for one in begun.datasets] == [("entries", TimingOutcome.STORED)], (
        "all else later"
    )
    assert line_up(database, FIRST.event_id) == [("1", False), ("37", False), ("77", False)]
    assert line_up(database, coming.event_id) == [("1", True), ("37", True), ("77", True)]
    change = last_change(database)
    assert (change["kind"], change["entity_id"]) == ("lineup", FIRST.id)
    assert [one["full_name"] for one in change["before"]["entries"]] == ["Sergio Perez"]
    assert [one["full_name"] for one in change["after"]["entries"]] == ["Isack Hadjar"]
    with database.reading() as connection:
        due = connection.scalar(select(dataset_states.c.next_poll_at).where(dataset_states.c.entity_id == FIRST.id))
    assert due == FIRST.ends_at, "read again at its end"

    assert name_drivers(database, NOW) == []
    with database.writing() as connection:
        hadjar = Driver(id="hadjar", given_name="Isack", family_name="Hadjar", code="HAD")
        connection.execute(insert(drivers), columns(drivers, hadjar))
    assert name_drivers(database, NOW) == [f"{FIRST.id}: car 37 is hadjar"]
    with database.reading() as connection:
        assert connection.scalar(select(entries.c.driver_id).where(entries.c.car_number == "37")) == "hadjar"
    change = last_change(database)
    assert (change["kind"], change["after"]) == ("detailed", {"drivers": {"37": "hadjar"}})

    accept_archive(database, second.id, archive([VERSTAPPEN, PEREZ, BOTTAS]), NOW + timedelta(hours=5))
    assert line_up(database, FIRST.event_id) == [("1", False), ("11", False), ("77", False)]
    assert last_change(database)["kind"] == "lineup"


def line_up(database: Database, event_id: str) -> list[tuple[str, bool]]:
    prefix = f'"{database.schema}".' if database.schema else ""
    wanted = (
        f"SELECT car_number, is_expected FROM {prefix}line_up WHERE event_id = :event ORDER BY CAST(car_number AS INT)"
    )
    with database.reading() as connection:
        return [
            (row.car_number, bool(row.is_expected)) for row in connection.execute(text(wanted), {"event": event_id})
        ]


def last_change(database: Database) -> dict[str, Any]:
    with database.reading() as connection:
        return dict(connection.execute(select(changes).order_by(changes.c.id.desc()).limit(1)).mappings().one())
