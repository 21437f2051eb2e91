"""A team's color is that of its last session, whichever session is read last."""

from __future__ import annotations

from datetime import timedelta

from line_ups import DRIVERS, FIRST, NOW, TEAMS, VERSTAPPEN, archive, event_of, session_of
from migrating import upgrade
from sqlalchemy import insert, select

from core.database import Database
from core.kinds import SessionKind, Source, Status
from core.records import Entry, Session
from core.schema import columns, drivers, events, results, sessions, teams
from core.timing_schema import entries
from core.upsert.timing import accept_archive

RACE = session_of(SessionKind.RACE, NOW - timedelta(days=5), "2024-austrian-grand-prix")


def put(database: Database) -> None:
    """Two sessions of two events, with the drivers and teams of the first one's results."""
    with database.writing() as connection:
        for one in (RACE, FIRST):
            row = {**columns(events, event_of(one, Status.COMPLETED)), "updated_at": NOW}
            connection.execute(insert(events), row)
            connection.execute(insert(sessions), {**columns(sessions, one), "updated_at": NOW})
        connection.execute(insert(drivers), [columns(drivers, driver) for driver in DRIVERS])
        connection.execute(insert(teams), [columns(teams, team) for team in TEAMS])
        official = Entry(car_number="1", driver_id="max_verstappen", team_id="red_bull", source=Source.JOLPICA)
        connection.execute(insert(results), {"session_id": RACE.id, **columns(results, official)})


def colors_of(database: Database) -> dict[str, str | None]:
    """The colors of all teams."""
    with database.reading() as connection:
        return dict(connection.execute(select(teams.c.id, teams.c.color)).tuples().all())


def read(database: Database, session: Session, color: str | None) -> None:
    """Read a session's archive, in which Verstappen's team has a color."""
    listed = VERSTAPPEN.model_copy(update={"team_color": color})
    accept_archive(database, session.id, archive([listed]), NOW + timedelta(hours=5), by_name=True)


def test_a_team_has_the_color_of_its_last_session(database: Database) -> None:
    put(database)
    assert set(colors_of(database).values()) == {None}
    read(database, FIRST, "111111")
    assert colors_of(database) == {"red_bull": "111111", "rb": None, "sauber": None}
    read(database, RACE, "222222")
    assert colors_of(database)["red_bull"] == "111111", "the race was earlier"
    read(database, FIRST, "333333")
    assert colors_of(database)["red_bull"] == "333333", "corrected"
    read(database, FIRST, None)
    assert colors_of(database)["red_bull"] == "222222", "the last that is known"


def test_the_migration_takes_the_colors_that_are_there(new_database: Database) -> None:
    upgrade(new_database, "0012")
    rows = [
        {
            "session_id": session.id,
            "car_number": "1",
            "team_id": "red_bull",
            "team_color": color,
            "source": "livetiming",
        }
        for session, color in ((FIRST, "111111"), (RACE, "222222"))
    ]
    put(new_database)
    with new_database.writing() as connection:
        connection.execute(insert(entries), rows)
    new_database.ensure_schema()
    assert colors_of(new_database) == {"red_bull": "111111", "rb": None, "sauber": None}
