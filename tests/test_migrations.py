"""Migrations of a database that an earlier version filled keep all of its data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from migrating import upgrade
from sqlalchemy import MetaData, column, insert, select, table

from core.database import Database
from core.documents import Listing
from core.errors import DatabaseError
from core.migrations import HEAD, VERSION_TABLE
from core.schema import backfill_pages, championship_adjustments, external_keys
from core.upsert.pages import read_pages
from core.upsert.standings import standings_due
from core.views import external_ids

DUE = datetime(2024, 12, 10, 7, tzinfo=UTC)

Rows = list[dict[str, Any]]

BEFORE = (
    "INSERT INTO {p}circuits (id, name, locality, country, time_zone)"
    " VALUES ('bahrain', 'Bahrain International Circuit', 'Sakhir', 'Bahrain', 'Asia/Bahrain')",
    *(
        "INSERT INTO {p}events (id, season, round, name, country, locality, circuit_id, format, first_date, last_date,"
        " status, source, standings_due_at, updated_at)"
        f" VALUES ('2024-{name}', 2024, {number}, '{name}', 'Bahrain', 'Sakhir', 'bahrain', 'conventional',"
        f" '2024-{number:02}-01', '2024-{number:02}-03', 'completed', 'fastf1', {due}, '2024-12-01 00:00:00{{utc}}')"
        for number, name, due in (
            (1, "taken", "NULL"),
            (2, "never-due", "NULL"),
            (3, "refused", "'2024-12-10 07:00:00{utc}'"),
            (4, "due", "'2024-12-10 07:00:00{utc}'"),
        )
    ),
    "INSERT INTO {p}sessions (id, event_id, kind, name, local_date, status, results_state, revision, poll_attempts,"
    " source, updated_at) VALUES ('2024-taken/race', '2024-taken', 'race', 'Race', '2024-01-03', 'completed',"
    " 'official', 1, 7, 'fastf1', '2024-12-01 00:00:00{utc}')",
    "INSERT INTO {p}drivers (id, given_name, family_name) VALUES ('perez', 'Sergio', 'Pérez')",
    "INSERT INTO {p}teams (id, name) VALUES ('red_bull', 'Red Bull')",
    "INSERT INTO {p}results (session_id, car_number, ordinal, driver_id, position, points, source)"
    " VALUES ('2024-taken/race', '11', 0, 'perez', 1, 25, 'jolpica')",
    "INSERT INTO {p}result_revisions (session_id, revision, observed_at, source, state, rows, diff)"
    " VALUES ('2024-taken/race', 1, '2024-01-03 18:00:00{utc}', 'jolpica', 'official', '[]', '[]')",
    "INSERT INTO {p}driver_standings VALUES ('2024-taken', 'perez', 2024, 1, 1, 25, 1, 'results')",
    "INSERT INTO {p}team_standings VALUES ('2024-taken', 'red_bull', 2024, 1, 1, 25, 1, 'jolpica')",
    "INSERT INTO {p}driver_standings VALUES ('2024-never-due', 'perez', 2024, 2, 1, 25, 1, 'results')",
    "INSERT INTO {p}changes (at, entity, entity_id, kind)"
    " VALUES ('2024-01-03 18:00:00{utc}', 'season', '2024', 'standings')",
    "INSERT INTO {p}held (entity, entity_id, kind, payload, reason, first_seen_at, last_seen_at, times_seen)"
    " VALUES ('event', '2024-refused', 'standings_rejected', '{{}}', 'places', '2024-12-10 05:00:00{utc}',"
    " '2024-12-10 06:00:00{utc}', 2)",
    "INSERT INTO {p}upstream_requests (at, host, path) VALUES ('2024-12-10 05:00:00{utc}', 'jolpica', '/2024')",
)
"""Rows in every table of revision 0005."""


def contents(database: Database) -> dict[str, Rows]:
    """Every row of every table."""
    found = MetaData()
    engine = database.engine.execution_options(schema_translate_map=None)
    found.reflect(engine, schema=database.schema)
    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table).order_by(*table.c)).mappings()]
            for table in found.sorted_tables
            if table.name != VERSION_TABLE
        }


def fill(database: Database) -> None:
    """Migrate to revision 0005, and put rows into every table."""
    upgrade(database, "0005")
    prefix, utc = (f'"{database.schema}".', "+00") if database.schema else ("", ".000000")
    with database.writing() as connection:
        for statement in BEFORE:
            connection.exec_driver_sql(statement.format(p=prefix, utc=utc))


@pytest.fixture
def database(new_database: Database) -> Database:
    """Each database in turn: these tests run the migrations."""
    return new_database


@pytest.fixture
def earlier(database: Database) -> Database:
    """A database that revision 0005 filled."""
    fill(database)
    return database


def test_a_filled_database_of_revision_0005_is_migrated_and_loses_nothing(earlier: Database) -> None:
    before = contents(earlier)
    assert all(before.values()), "rows in every table"
    earlier.ensure_schema()
    assert earlier.version() == HEAD
    after = contents(earlier)
    states, _ = after.pop("dataset_states"), after.pop("championship_adjustments")
    due = [{"id": row["id"], "at": row.pop("standings_due_at")} for row in before["events"]]
    assert [row.pop("color") for row in after["teams"]] == [None]
    assert {table: after.pop(table) for table in before} == before
    assert not any(after.values()), "tables that came later are empty"
    assert [(row["entity_id"], row["revision"], row["source"], row["last_error"]) for row in states] == [
        ("2024-due", 0, None, None),
        ("2024-refused", 0, None, "refused: places"),
        ("2024-taken", 1, "jolpica", None),
    ]
    assert {(row["entity"], row["dataset"], row["poll_attempts"], row["poll_faults"]) for row in states} == {
        ("event", "standings", 0, 0)
    }
    assert {row["entity_id"]: row["next_poll_at"] for row in states if row["next_poll_at"]} == {
        row["id"]: row["at"] for row in due if row["at"]
    }


def test_what_was_due_before_the_migration_is_due_after_it(earlier: Database) -> None:
    earlier.ensure_schema()
    assert standings_due(earlier, DUE - timedelta(minutes=1)) == []
    assert {event.id for event in standings_due(earlier, DUE)} == {"2024-refused", "2024-due"}


SEEDED = {
    (1995, 1, "team", "benetton", -10, False),
    (1995, 1, "team", "williams", -6, False),
    (1997, 17, "driver", "michael_schumacher", 0, True),
    (2000, 10, "team", "mclaren", -10, False),
    (2007, None, "team", "mclaren", -218, True),
    (2018, 13, "team", "force_india", -59, False),
    (2020, 5, "team", "racing_point", -15, False),
}
"""What is known of championships and in no result: season, round, competitor, points, whether excluded."""

LATE = (
    "INSERT INTO {p}events (id, season, round, name, country, locality, circuit_id, format, first_date, last_date,"
    " status, source, updated_at) VALUES ('2020-late', 2020, 17, 'late', 'Bahrain', 'Sakhir', 'bahrain',"
    " 'conventional', '2020-12-11', '2020-12-13', 'completed', 'fastf1', '2024-12-01 00:00:00{utc}')",
    "INSERT INTO {p}driver_standings VALUES ('2020-late', 'perez', 2020, 17, 1, 25, 1, 'results')",
)


def test_known_adjustments_are_there_and_those_of_seasons_with_standings_are_to_be_applied(earlier: Database) -> None:
    prefix, utc = (f'"{earlier.schema}".', "+00") if earlier.schema else ("", ".000000")
    with earlier.writing() as connection:
        for statement in LATE:
            connection.exec_driver_sql(statement.format(p=prefix, utc=utc))
    earlier.ensure_schema()
    with earlier.reading() as connection:
        rows = connection.execute(select(championship_adjustments)).all()
    assert {(*row[1:5], row.points, row.is_excluded) for row in rows} == SEEDED
    assert all(row.reason and row.source for row in rows)
    assert [row.season for row in rows if not row.is_applied] == [2020]
    assert [event.id for event in standings_due(earlier, DUE - timedelta(minutes=1))] == ["2020-late"]


WHOLE = {"season": 2007, "competitor": "team", "competitor_id": "mclaren", "reason": "again", "source": "here"}


def test_a_competitor_has_one_adjustment_a_round_and_one_for_the_whole_season(database: Database) -> None:
    database.ensure_schema()
    for row in (WHOLE, {**WHOLE, "season": 2000, "round": 10}):
        with pytest.raises(DatabaseError), database.writing() as connection:
            connection.execute(insert(championship_adjustments), row)
    with database.writing() as connection:
        connection.execute(insert(championship_adjustments), {**WHOLE, "round": 3})


def test_pages_that_a_backfill_has_kept_are_those_of_whole_seasons(database: Database) -> None:
    upgrade(database, "0014")
    page = {"season": 1997, "listing": "results", "first_row": 100, "total": 372, "documents": [], "at": DUE}
    named = (column(name, backfill_pages.c[name].type) for name in page)
    with database.writing() as connection:
        connection.execute(insert(table("backfill_pages", *named, schema=database.schema)), page)
    database.ensure_schema()
    of_race = {**page, "listing": "laps", "first_row": 0, "round": 3}
    with database.writing() as connection:
        connection.execute(insert(backfill_pages), [of_race, {**of_race, "round": 4}])
    with pytest.raises(DatabaseError), database.writing() as connection:
        connection.execute(insert(backfill_pages), of_race)
    with database.reading() as connection:
        assert read_pages(connection, 1997) == {Listing.RESULTS: [{"total": 372, "documents": []}]}


def test_the_ids_of_revision_0015_stay_and_keys_stand_beside_them(database: Database) -> None:
    fill(database)
    upgrade(database, "0015")
    with database.reading() as connection:
        before = set(connection.execute(select(external_ids)).tuples())
    rows = contents(database)
    assert ("driver", "perez", "jolpica", "perez") in before
    database.ensure_schema()
    after = contents(database)
    assert after.pop("external_keys") == []
    assert after == rows
    key = {"entity": "driver", "entity_id": "perez", "source": "formula1", "external_id": "SERPER01"}
    with database.writing() as connection:
        connection.execute(insert(external_keys), key)
    with database.reading() as connection:
        assert set(connection.execute(select(external_ids)).tuples()) == before | {tuple(key.values())}


def test_a_migrated_sqlite_file_is_sound(new_sqlite: Database) -> None:
    fill(new_sqlite)
    new_sqlite.ensure_schema()
    with new_sqlite.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
        assert connection.exec_driver_sql("SELECT event_id FROM event_outcomes").all() != []
