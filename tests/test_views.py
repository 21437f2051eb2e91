"""The views: as they are declared, with comments, and against the joins that a reader would write by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from migrating import upgrade
from rows import REIMS, RENAULT, SEASON, SPA, event_row, put, result_row, rows_of, session_row, standing_row
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.types import TypeEngine

from core.database import Database
from core.replay import Upstream
from core.schema import circuits, driver_standings, events, results, sessions, team_standings
from core.views import (
    changes_in_words,
    current_standings,
    event_outcomes,
    next_sessions,
    season_calendar,
    standings_with_names,
    team_line_ups,
    views,
)
from flows.demo import Demo

OLD = {"results_with_names", "results_freshness", "line_up"}
"""Views that were made before SQLite's texts of views had comments."""

BY_HAND = {
    "next_sessions": (
        "session_id season round event kind name status starts_at circuit",
        """
        SELECT s.id, e.season, e.round, e.name, s.kind, s.name, s.status, s.starts_at, c.name
        FROM sessions s JOIN events e ON s.event_id = e.id LEFT JOIN circuits c ON c.id = e.circuit_id
        WHERE s.status NOT IN ('completed', 'cancelled')
        """,
    ),
    "season_calendar": (
        "event_id round event circuit time_zone status race_date race_starts_at race_results_state",
        """
        SELECT e.id, e.round, e.name, c.name, c.time_zone, e.status, r.local_date, r.starts_at, r.results_state
        FROM events e, circuits c, sessions r
        WHERE c.id = e.circuit_id AND r.id = e.id || '/race'
        UNION ALL
        SELECT e.id, e.round, e.name, c.name, c.time_zone, e.status, NULL, NULL, NULL
        FROM events e, circuits c WHERE c.id = e.circuit_id AND e.format = 'testing'
        """,
    ),
    "standings_with_names": (
        "competitor round event_id event position competitor_id name points wins places_gained points_gained",
        """
        SELECT 'driver', s.round, e.id, e.name, s.position, d.id, d.given_name || ' ' || d.family_name, s.points,
               s.wins, b.position - s.position, s.points - COALESCE(b.points, 0)
        FROM driver_standings s JOIN events e ON e.id = s.event_id JOIN drivers d ON d.id = s.driver_id
        LEFT JOIN driver_standings b ON b.driver_id = s.driver_id
          AND b.round = (SELECT MAX(round) FROM driver_standings WHERE round < s.round)
        UNION ALL
        SELECT 'team', s.round, e.id, e.name, s.position, t.id, t.name, s.points,
               s.wins, b.position - s.position, s.points - COALESCE(b.points, 0)
        FROM team_standings s JOIN events e ON e.id = s.event_id JOIN teams t ON t.id = s.team_id
        LEFT JOIN team_standings b ON b.team_id = s.team_id
          AND b.round = (SELECT MAX(round) FROM team_standings WHERE round < s.round)
        """,
    ),
    "current_standings": (
        "competitor position competitor_id name points",
        """
        SELECT 'driver', s.position, d.id, d.given_name || ' ' || d.family_name, s.points
        FROM driver_standings s JOIN drivers d ON d.id = s.driver_id
        WHERE s.round = (SELECT MAX(round) FROM driver_standings)
        UNION ALL
        SELECT 'team', s.position, t.id, t.name, s.points FROM team_standings s JOIN teams t ON t.id = s.team_id
        WHERE s.round = (SELECT MAX(round) FROM team_standings)
        """,
    ),
    "event_outcomes": (
        "event_id race_date race_winner race_winner_name race_third_name pole_name sprint_winner_name",
        """
        SELECT e.id, e.last_date, w.driver_id, dw.given_name || ' ' || dw.family_name,
               dt.given_name || ' ' || dt.family_name, dp.given_name || ' ' || dp.family_name,
               ds.given_name || ' ' || ds.family_name
        FROM events e
        LEFT JOIN results w ON w.session_id = e.id || '/race' AND w.position = 1
        LEFT JOIN drivers dw ON dw.id = w.driver_id
        LEFT JOIN results t ON t.session_id = e.id || '/race' AND t.position = 3
        LEFT JOIN drivers dt ON dt.id = t.driver_id
        LEFT JOIN results q ON q.session_id = e.id || '/qualifying' AND q.position = 1
        LEFT JOIN results g ON g.session_id = e.id || '/race' AND g.grid = 1
        LEFT JOIN drivers dp ON dp.id = COALESCE(q.driver_id, g.driver_id)
        LEFT JOIN results s ON s.session_id = e.id || '/sprint' AND s.position = 1
        LEFT JOIN drivers ds ON ds.id = s.driver_id
        WHERE e.format <> 'testing'
        """,
    ),
    "team_line_ups": (
        "season team_id team driver_id family_name code races first_race_date last_race_date",
        """
        SELECT e.season, t.id, t.name, d.id, d.family_name, d.code, COUNT(*), MIN(s.local_date), MAX(s.local_date)
        FROM events e, sessions s, results r, teams t, drivers d
        WHERE s.event_id = e.id AND s.kind = 'race' AND r.session_id = s.id
          AND t.id = r.team_id AND d.id = r.driver_id
        GROUP BY e.season, t.id, t.name, d.id, d.family_name, d.code
        """,
    ),
    "changes_in_words": (
        "id at season event_id session_id kind",
        """
        SELECT c.id, c.at, e.season, e.id, NULL, c.kind FROM changes c JOIN events e ON e.id = c.entity_id
        UNION ALL
        SELECT c.id, c.at, e.season, e.id, s.id, c.kind FROM changes c JOIN sessions s ON s.id = c.entity_id
        JOIN events e ON e.id = s.event_id
        UNION ALL
        SELECT c.id, c.at, 2024, NULL, NULL, c.kind FROM changes c WHERE c.entity = 'season'
        """,
    ),
    "external_ids": (
        "entity id source external_id",
        """
        SELECT 'driver', id, 'jolpica', id FROM drivers UNION SELECT 'team', id, 'jolpica', id FROM teams
        UNION SELECT 'circuit', id, 'jolpica', id FROM circuits
        UNION SELECT entity, entity_id, 'formula1', external_id FROM external_keys
        """,
    ),
    "line_up": (
        "event_id car_number full_name team_color is_expected",
        """
        SELECT e.id, n.car_number, n.full_name, n.team_color, e.id <> past.id
        FROM entries n JOIN events past ON n.session_id = past.id || '/race'
        JOIN events e ON e.first_date >= past.first_date
        """,
    ),
    "results_with_names": (
        "event_id session car_number given_name family_name team points",
        """
        SELECT s.event_id, s.kind, r.car_number, d.given_name, d.family_name, t.name, r.points
        FROM results r JOIN sessions s ON s.id = r.session_id JOIN drivers d ON d.id = r.driver_id
        JOIN teams t ON t.id = r.team_id
        """,
    ),
    "results_freshness": (
        "session_id event_id kind ends_at",
        "SELECT id, event_id, kind, ends_at FROM sessions WHERE ends_at IS NOT NULL AND status <> 'cancelled'",
    ),
}
"""For each view, columns of it, and what a reader of the tables would write for them on a lived-through 2024."""


@contextmanager
def reading(database: Database) -> Iterator[Connection]:
    """A connection on which queries need no schema's name."""
    with database.reading() as connection:
        if database.schema:
            connection.exec_driver_sql(f'SET LOCAL search_path = "{database.schema}"')
        yield connection


def kind_of(kind: TypeEngine[Any]) -> str:
    """A type's name in PostgreSQL, without its precision."""
    return kind.compile(dialect()).partition("(")[0]


def test_the_declared_views_are_those_of_the_database(database: Database) -> None:
    there = inspect(database.engine)
    assert set(there.get_view_names(database.schema)) == set(views.tables)
    for view in views.tables.values():
        columns = there.get_columns(view.name, database.schema)
        assert [column["name"] for column in columns] == list(view.columns.keys()), view.name
        if database.is_postgresql:
            assert there.get_table_comment(view.name, database.schema) == {"text": view.comment}
            assert {each["name"]: each["comment"] for each in columns} == {c.name: c.comment for c in view.columns}
            kinds = {each["name"]: kind_of(each["type"]) for each in columns}
            assert kinds == {column.name: kind_of(column.type) for column in view.columns}, view.name


def test_a_views_comments_are_in_its_sql_on_sqlite(sqlite: Database) -> None:
    with sqlite.reading() as connection:
        for view in (view for name, view in views.tables.items() if name not in OLD):
            shown = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": view.name})
            for line in (view.comment, *(f"{column.name}: {column.comment}" for column in view.columns)):
                assert f"\n-- {line}\n" in shown


def test_the_views_have_the_rows_of_hand_written_joins(database: Database, replay: Upstream) -> None:
    assert set(BY_HAND) == set(views.tables)
    Demo(replay, database).live()
    for name, (columns, query) in BY_HAND.items():
        view = views.tables[name]
        shown = [view.c[column] for column in columns.split()]
        with reading(database) as connection:
            by_hand = connection.execute(text(query).columns(*shown)).all()
            by_view = connection.execute(select(*shown)).all()
        assert sorted(map(repr, by_view)) == sorted(map(repr, by_hand)), name
        assert by_view, name
    starts = rows_of(database, next_sessions, "starts_at", "local_starts_at", "time_zone")
    assert all(local == at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at, local, zone in starts)
    said = {words for (words,) in rows_of(database, changes_in_words, "words")}
    assert said >= {
        "rescheduled: Sun 03 Nov 17:00 UTC → Sun 03 Nov 15:30 UTC",
        "renamed: Sprint Shootout → Sprint Qualifying",
        "standings after Belgian Grand Prix",
        "laps stored: 1105 rows",
        "provisional results: 1 George Russell, 2 Lewis Hamilton, 3 Oscar Piastri",
        "official results: 1 George Russell, 2 Lewis Hamilton, 3 Oscar Piastri",
    }
    revised = "results revised: Russell 1 → DSQ, 25 → 0 points; Hamilton 2 → 1"
    assert any(words.startswith(revised) for words in said)


def test_a_shared_win_has_the_first_drivers_name(database: Database) -> None:
    shared = [
        result_row("1956-reims/race", "2", ordinal, driver, "ferrari", position=1, grid=1, laps=61)
        for ordinal, driver in enumerate(("collins", "fangio"))
    ]
    put(database, *SEASON, (results, shared))
    shown = "race_date", "race_winner", "race_winner_name", "race_second_name", "pole_name", "sprint_winner_name"
    assert rows_of(database, event_outcomes, *shown, event_id="1956-reims") == [
        (REIMS, "collins", "Peter Collins", None, "Peter Collins", None)
    ]
    assert rows_of(database, event_outcomes, "race_date", event_id="1956-zandvoort") == [(RENAULT,)]


def test_a_line_up_has_the_last_drivers_and_counts_a_shared_car_once(database: Database) -> None:
    drove = [
        result_row("1956-spa/race", "2", 0, "fangio", "ferrari"),
        result_row("1956-spa/race", "4", 0, "musso", "maserati"),
        result_row("1956-reims/race", "2", 0, "musso", "ferrari"),
        result_row("1956-reims/race", "6", 0, "collins", "ferrari"),
        result_row("1956-reims/race", "8", 1, "collins", "ferrari"),
    ]
    put(database, *SEASON, (results, drove))
    shown = "team", "driver_id", "races", "last_race_date", "is_latest"
    assert set(rows_of(database, team_line_ups, *shown, season=1956)) == {
        ("Ferrari", "fangio", 1, SPA, False),
        ("Ferrari", "musso", 1, REIMS, True),
        ("Ferrari", "collins", 1, REIMS, True),
        ("Maserati", "musso", 1, SPA, True),
    }


def test_places_gained_are_since_the_previous_event_whatever_its_round(database: Database) -> None:
    of_drivers = [
        standing_row("1956-spa", "driver", "fangio", 1, "8"),
        standing_row("1956-spa", "driver", "musso", 2, "0.14"),
        standing_row("1956-reims", "driver", "fangio", 2, "8.1"),
        standing_row("1956-reims", "driver", "musso", 1, "8.285"),
        standing_row("1956-reims", "driver", "collins", None, "0"),
    ]
    of_teams = [standing_row("1956-spa", "team", "ferrari", 1, "8")]
    put(database, *SEASON, (driver_standings, of_drivers), (team_standings, of_teams))
    shown = "event_id", "round", "name", "position", "places_gained", "points_gained"
    assert set(rows_of(database, standings_with_names, *shown, competitor="driver")) == {
        ("1956-spa", 1, "Juan Fangio", 1, None, Decimal("8")),
        ("1956-spa", 1, "Luigi Musso", 2, None, Decimal("0.14")),
        ("1956-reims", 2, "Juan Fangio", 2, -1, Decimal("0.1")),
        ("1956-reims", 2, "Luigi Musso", 1, 1, Decimal("8.145")),
        ("1956-reims", 2, "Peter Collins", None, None, Decimal("0")),
    }
    assert set(rows_of(database, current_standings, "competitor", "event_id", "competitor_id")) == {
        *(("driver", "1956-reims", driver) for driver in ("fangio", "musso", "collins")),
        ("team", "1956-spa", "ferrari"),
    }


def test_a_session_without_a_time_has_a_date_and_no_wall_time(database: Database) -> None:
    place = {"id": "reims", "name": "Reims-Gueux", "locality": "Reims", "country": "France"}
    known = {"starts_at": datetime(2027, 7, 4, 1, tzinfo=UTC), "utc_offset_minutes": -210, "status": "scheduled"}
    put(
        database,
        (circuits, [place]),
        (events, [event_row(2027, "Reims", 1, date(2027, 7, 3), circuit_id="reims")]),
        (
            sessions,
            [
                session_row("2027-reims", "qualifying", date(2027, 7, 2), status="scheduled"),
                session_row("2027-reims", "race", date(2027, 7, 3), **known),
                session_row("2027-reims", "sprint", date(2027, 7, 3), status="cancelled"),
            ],
        ),
    )
    shown = "kind", "local_date", "starts_at", "local_starts_at", "local_ends_at", "time_zone"
    race = datetime(2027, 7, 3, 21, 30)
    assert set(rows_of(database, next_sessions, *shown)) == {
        ("qualifying", date(2027, 7, 2), None, None, None, None),
        ("race", date(2027, 7, 3), known["starts_at"], race, None, None),
    }
    assert rows_of(database, season_calendar, "event", "circuit", "race_local_starts_at") == [
        ("Reims", "Reims-Gueux", race)
    ]


def test_a_readers_own_view_of_outcomes_survives_the_migration(new_postgresql: Database) -> None:
    upgrade(new_postgresql, "0008")
    with new_postgresql.writing() as connection:
        connection.exec_driver_sql(
            f'CREATE VIEW "{new_postgresql.schema}".winners AS'
            f' SELECT event_id, race_winner FROM "{new_postgresql.schema}".event_outcomes'
        )
    new_postgresql.ensure_schema()
    with reading(new_postgresql) as connection:
        assert connection.exec_driver_sql("SELECT event_id, race_winner FROM winners").all() == []
