"""The views and their columns have comments on PostgreSQL, as tables and their columns have."""

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0004"

VIEWS = {
    "results_with_names": "The classification that holds now, an entry a row, with the names behind its ids",
    "event_outcomes": "What became of each race weekend, an event a row: what a prediction game asks for",
    "results_freshness": "How long after a session's scheduled end its results were there",
}

COLUMNS = {
    "results_with_names": {
        "event_id": "the event",
        "event": "the event's short name",
        "session": "the session's kind",
        "team": "the team's name",
    },
    "event_outcomes": {
        "event_id": "the event",
        "race_winner": "driver's id; null until known, as in all columns of results",
        "race_second": "driver's id",
        "race_third": "driver's id",
        "pole": "driver's id: first in qualifying; without qualifying's results, first on the race's grid",
        "fastest_lap_driver": "driver's id",
        "fastest_lap_ms": "the race's fastest lap, milliseconds",
        "sprint_winner": "driver's id; null where there is no sprint",
        "sprint_second": "driver's id",
        "sprint_third": "driver's id",
        "classified": "entries of the race with a classified place",
        "retired": "entries of the race that retired",
        "first_retirement": "driver's id; null where several retired on one lap",
        "race_is_provisional": "whether the race's columns are by live timing, and may change",
        "qualifying_is_provisional": "whether pole is by live timing, and may change",
        "sprint_is_provisional": "whether the sprint's columns are by live timing, and may change",
    },
    "results_freshness": {
        "session_id": "the session",
        "ends_at": "its scheduled end, UTC",
        "seconds_to_provisional": "from there to the first provisional revision",
        "seconds_to_official": "from there to the first official revision",
        "seconds_to_last_revision": "from there to the last revision",
    },
}

SAME = {
    "results_with_names": ("results", "sessions", "events", "drivers"),
    "event_outcomes": ("events",),
    "results_freshness": ("sessions",),
}
"""The tables whose columns a view shows under their names, and so with their comments; the first that has one."""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return  # SQLite has no comments
    schema = context.config.attributes["schema"]
    there = sa.inspect(op.get_bind())
    for view, comment in VIEWS.items():
        _comment(f'VIEW "{schema}".{view}', comment)
        shown = {column["name"] for column in there.get_columns(view, schema)}
        same = [there.get_columns(table, schema) for table in reversed(SAME[view])]
        comments = {column["name"]: column["comment"] for columns in same for column in columns}
        for name, text in {**comments, **COLUMNS[view]}.items():
            if name in shown and text:
                _comment(f'COLUMN "{schema}".{view}.{name}', text)


def _comment(of: str, text: str) -> None:
    op.execute(f"COMMENT ON {of} IS $comment${text}$comment$")
