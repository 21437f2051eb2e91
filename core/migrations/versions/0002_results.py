"""Results with their revisions, drivers, teams and standings; the views that a prediction game reads."""

import sqlalchemy as sa
from alembic import context, op

from core.column_types import Instant, Json, Points

revision = "0002"
down_revision = "0001"

RESULTS_WITH_NAMES = """
CREATE VIEW {p}results_with_names AS
SELECT e.season, e.round, e.id AS event_id, e.name AS event, s.kind AS session, s.results_state, s.revision,
       r.*, d.given_name, d.family_name, t.name AS team
FROM {p}results r
JOIN {p}sessions s ON s.id = r.session_id
JOIN {p}events e ON e.id = s.event_id
LEFT JOIN {p}drivers d ON d.id = r.driver_id
LEFT JOIN {p}teams t ON t.id = r.team_id
"""

EVENT_OUTCOMES = """
CREATE VIEW {p}event_outcomes AS
SELECT e.id AS event_id, e.season, e.round, e.name,
       {race_winner} AS race_winner, {race_second} AS race_second, {race_third} AS race_third,
       COALESCE({pole}, {first_on_grid}) AS pole,
       {fastest_lap_driver} AS fastest_lap_driver, {fastest_lap_ms} AS fastest_lap_ms,
       {sprint_winner} AS sprint_winner, {sprint_second} AS sprint_second, {sprint_third} AS sprint_third,
       CASE WHEN race.revision > 0 THEN {classified} END AS classified,
       CASE WHEN race.revision > 0 THEN {retired} END AS retired,
       {first_retirement} AS first_retirement,
       race.results_state = 'provisional' AS race_is_provisional,
       qualifying.results_state = 'provisional' AS qualifying_is_provisional,
       sprint.results_state = 'provisional' AS sprint_is_provisional
FROM {p}events e
LEFT JOIN {p}sessions race ON race.event_id = e.id AND race.kind = 'race'
LEFT JOIN {p}sessions qualifying ON qualifying.event_id = e.id AND qualifying.kind = 'qualifying'
LEFT JOIN {p}sessions sprint ON sprint.event_id = e.id AND sprint.kind = 'sprint'
WHERE e.format <> 'testing'
"""


def _one(what: str, session: str, condition: str) -> str:
    """A scalar subquery over one session's entries; of a shared car the first driver."""
    return (
        f"(SELECT {what} FROM {{p}}results r WHERE r.session_id = {session}.id AND {condition}"
        f" ORDER BY r.ordinal, r.car_number LIMIT 1)"
    )


def _event_outcomes(p: str) -> str:
    parts = {
        "pole": _one("r.driver_id", "qualifying", "r.position = 1"),
        "first_on_grid": _one("r.driver_id", "race", "r.grid = 1"),
        "fastest_lap_driver": _one("r.driver_id", "race", "r.fastest_lap_rank = 1"),
        "fastest_lap_ms": _one("r.best_lap_ms", "race", "r.fastest_lap_rank = 1"),
        "classified": "(SELECT COUNT(*) FROM {p}results r WHERE r.session_id = race.id AND r.position IS NOT NULL)",
        "retired": "(SELECT COUNT(*) FROM {p}results r WHERE r.session_id = race.id AND r.classification = 'R')",
        # Known only where one car alone has done the fewest laps of those that retired.
        "first_retirement": "(SELECT MIN(r.driver_id) FROM {p}results r WHERE r.session_id = race.id"
        " AND r.classification = 'R' AND r.laps = (SELECT MIN(q.laps) FROM {p}results q"
        " WHERE q.session_id = race.id AND q.classification = 'R') HAVING COUNT(*) = 1)",
    }
    for session in ("race", "sprint"):
        for place, name in enumerate(("winner", "second", "third"), 1):
            parts[f"{session}_{name}"] = _one("r.driver_id", session, f"r.position = {place}")
    return EVENT_OUTCOMES.format(p=p, **{name: part.format(p=p) for name, part in parts.items()})


def upgrade() -> None:
    op.create_table(
        "drivers",
        sa.Column("id", sa.Text(), nullable=False, comment="Jolpica's driver id, such as max_verstappen"),
        sa.Column("given_name", sa.Text(), nullable=False, comment="given name"),
        sa.Column("family_name", sa.Text(), nullable=False, comment="family name"),
        sa.Column("code", sa.Text(), nullable=True, comment="three letters; not unique, and unknown for most"),
        sa.Column("number", sa.Text(), nullable=True, comment="permanent car number; most never had one"),
        sa.Column("date_of_birth", sa.Date(), nullable=True, comment="date of birth"),
        sa.Column("nationality", sa.Text(), nullable=True, comment="nationality, as Jolpica words it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drivers")),
        comment="Drivers, by Jolpica's id",
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.Text(), nullable=False, comment="Jolpica's constructor id, such as red_bull"),
        sa.Column("name", sa.Text(), nullable=False, comment="the team's name"),
        sa.Column("nationality", sa.Text(), nullable=True, comment="nationality, as Jolpica words it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        comment="Teams (constructors), by Jolpica's id",
    )
    op.create_table(
        "driver_standings",
        sa.Column("event_id", sa.Text(), nullable=False, comment="after this event"),
        sa.Column("driver_id", sa.Text(), nullable=False, comment="the driver"),
        sa.Column("season", sa.SmallInteger(), nullable=False, comment="championship year"),
        sa.Column("round", sa.SmallInteger(), nullable=True, comment="the event's round when it was computed"),
        sa.Column("position", sa.SmallInteger(), nullable=True, comment="place; null for who was never classified"),
        sa.Column("points", Points(), nullable=False, comment="points so far"),
        sa.Column("wins", sa.SmallInteger(), nullable=False, comment="races won so far"),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="results: computed here; jolpica: as Jolpica publishes it"
        ),
        sa.CheckConstraint("source IN ('results', 'jolpica')", name=op.f("ck_driver_standings_source")),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_driver_standings_driver_id")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_driver_standings_event_id")),
        sa.PrimaryKeyConstraint("event_id", "driver_id", name=op.f("pk_driver_standings")),
        comment="The drivers' championship after each event",
    )
    op.create_index(op.f("ix_driver_standings_season_round"), "driver_standings", ["season", "round"], unique=False)
    op.create_table(
        "team_standings",
        sa.Column("event_id", sa.Text(), nullable=False, comment="after this event"),
        sa.Column("team_id", sa.Text(), nullable=False, comment="the team"),
        sa.Column("season", sa.SmallInteger(), nullable=False, comment="championship year"),
        sa.Column("round", sa.SmallInteger(), nullable=True, comment="the event's round when it was computed"),
        sa.Column("position", sa.SmallInteger(), nullable=True, comment="place; null for who was never classified"),
        sa.Column("points", Points(), nullable=False, comment="points so far"),
        sa.Column("wins", sa.SmallInteger(), nullable=False, comment="races won so far"),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="results: computed here; jolpica: as Jolpica publishes it"
        ),
        sa.CheckConstraint("source IN ('results', 'jolpica')", name=op.f("ck_team_standings_source")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_team_standings_event_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_team_standings_team_id")),
        sa.PrimaryKeyConstraint("event_id", "team_id", name=op.f("pk_team_standings")),
        comment="The teams' championship after each event",
    )
    op.create_index(op.f("ix_team_standings_season_round"), "team_standings", ["season", "round"], unique=False)
    op.create_table(
        "result_revisions",
        sa.Column("session_id", sa.Text(), nullable=False, comment="the session"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="1, 2, 3 and so on within the session"),
        sa.Column("observed_at", Instant(), nullable=False, comment="when it was accepted"),
        sa.Column("source", sa.Text(), nullable=False, comment="the source it came from"),
        sa.Column("state", sa.Text(), nullable=False, comment="provisional or official"),
        sa.Column("rows", Json(), nullable=False, comment="the whole classification, entries in order"),
        sa.Column("diff", Json(), nullable=False, comment="what differs from the revision before"),
        sa.CheckConstraint("source IN ('fastf1', 'jolpica', 'livetiming')", name=op.f("ck_result_revisions_source")),
        sa.CheckConstraint(
            "state IN ('awaited', 'provisional', 'official', 'settled')", name=op.f("ck_result_revisions_state")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_result_revisions_session_id")),
        sa.PrimaryKeyConstraint("session_id", "revision", name=op.f("pk_result_revisions")),
        comment="Every classification that ever held, append-only",
    )
    op.create_table(
        "results",
        sa.Column("session_id", sa.Text(), nullable=False, comment="the session"),
        sa.Column("car_number", sa.Text(), nullable=False, comment="car number as text; empty when unknown"),
        sa.Column(
            "ordinal",
            sa.SmallInteger(),
            nullable=False,
            comment="tells apart rows of one car: shared drives before 1979",
        ),
        sa.Column("driver_id", sa.Text(), nullable=True, comment="the driver; null while unknown"),
        sa.Column("driver_code", sa.Text(), nullable=True, comment="three letters, as the source gives them"),
        sa.Column("team_id", sa.Text(), nullable=True, comment="the team driven for; null while unknown"),
        sa.Column(
            "listed_position", sa.SmallInteger(), nullable=True, comment="upstream's order, the unclassified included"
        ),
        sa.Column("position", sa.SmallInteger(), nullable=True, comment="classified place; null when not classified"),
        sa.Column(
            "classification",
            sa.Text(),
            nullable=True,
            comment="Ergast's text: 1, R, D, W, F, E, N; null where upstream gives none",
        ),
        sa.Column("grid", sa.SmallInteger(), nullable=True, comment="grid place; 0 from the pit lane"),
        sa.Column("points", Points(), nullable=True, comment="championship points"),
        sa.Column("status", sa.Text(), nullable=True, comment="how it ended, in upstream's words"),
        sa.Column("laps", sa.SmallInteger(), nullable=True, comment="laps completed"),
        sa.Column("time_ms", sa.BigInteger(), nullable=True, comment="race time, milliseconds"),
        sa.Column("gap_ms", sa.BigInteger(), nullable=True, comment="behind the winner, milliseconds"),
        sa.Column(
            "q1_ms", sa.Integer(), nullable=True, comment="best time in the first part of qualifying, milliseconds"
        ),
        sa.Column("q2_ms", sa.Integer(), nullable=True, comment="in the second part, milliseconds"),
        sa.Column("q3_ms", sa.Integer(), nullable=True, comment="in the third part, milliseconds"),
        sa.Column("best_lap_ms", sa.Integer(), nullable=True, comment="best lap, milliseconds"),
        sa.Column(
            "fastest_lap_rank",
            sa.SmallInteger(),
            nullable=True,
            comment="rank of that lap among all; 1 is the fastest lap",
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="the source this row comes from"),
        sa.CheckConstraint("source IN ('fastf1', 'jolpica', 'livetiming')", name=op.f("ck_results_source")),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_results_driver_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_results_session_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_results_team_id")),
        sa.PrimaryKeyConstraint("session_id", "car_number", "ordinal", name=op.f("pk_results")),
        comment="The classification that holds now, an entry a row",
    )
    op.create_index(op.f("ix_results_driver_id"), "results", ["driver_id"], unique=False)
    schema = context.config.attributes["schema"]
    prefix = f'"{schema}".' if schema else ""
    due = "when Jolpica's standings after it are asked for; null: not due"
    op.add_column("events", sa.Column("standings_due_at", Instant(), nullable=True, comment=due), schema=schema)
    op.execute(RESULTS_WITH_NAMES.format(p=prefix))
    op.execute(_event_outcomes(prefix))


def downgrade() -> None:
    schema = context.config.attributes["schema"]
    prefix = f'"{schema}".' if schema else ""
    for view in ("event_outcomes", "results_with_names"):
        op.execute(f"DROP VIEW {prefix}{view}")
    op.drop_column("events", "standings_due_at", schema=schema)
    for table in ("team_standings", "driver_standings", "result_revisions", "results", "teams", "drivers"):
        op.drop_table(table)
