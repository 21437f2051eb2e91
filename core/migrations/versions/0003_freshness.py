"""How fresh results are, as data: a view of seconds from a session's end to its revisions."""

from alembic import context, op

revision = "0003"
down_revision = "0002"

RESULTS_FRESHNESS = """
CREATE VIEW {p}results_freshness AS
SELECT s.id AS session_id, s.event_id, s.kind, s.ends_at,
       {to_provisional} AS seconds_to_provisional,
       {to_official} AS seconds_to_official,
       {to_last} AS seconds_to_last_revision
FROM {p}sessions s
LEFT JOIN (
    SELECT session_id,
           MIN(CASE WHEN state = 'provisional' THEN observed_at END) AS provisional_at,
           MIN(CASE WHEN state = 'official' THEN observed_at END) AS official_at,
           MAX(observed_at) AS last_at
    FROM {p}result_revisions GROUP BY session_id
) r ON r.session_id = s.id
WHERE s.ends_at IS NOT NULL AND s.status <> 'cancelled'
"""


def _seconds(moment: str) -> str:
    """Whole seconds from a session's scheduled end to a moment, in the dialect's words."""
    if op.get_bind().dialect.name == "sqlite":
        return f"CAST(ROUND((julianday({moment}) - julianday(s.ends_at)) * 86400) AS INTEGER)"
    return f"CAST(EXTRACT(EPOCH FROM ({moment} - s.ends_at)) AS INTEGER)"


def _prefix() -> str:
    schema = context.config.attributes["schema"]
    return f'"{schema}".' if schema else ""


def upgrade() -> None:
    op.execute(
        RESULTS_FRESHNESS.format(
            p=_prefix(),
            to_provisional=_seconds("r.provisional_at"),
            to_official=_seconds("r.official_at"),
            to_last=_seconds("r.last_at"),
        )
    )


def downgrade() -> None:
    op.execute(f"DROP VIEW {_prefix()}results_freshness")
