"""A view of the feed of changes in words."""

from core.migrations.views import create_view, is_sqlite, prefix

revision = "0012"
down_revision = "0011"

CHANGES_IN_WORDS = """
SELECT c.id, c.at, CASE WHEN c.entity = 'season' THEN CAST(c.entity_id AS SMALLINT) ELSE e.season END AS season,
       e.id AS event_id, s.id AS session_id, c.kind,
       CASE WHEN c.entity = 'season' THEN c.entity_id || ' season'
            ELSE COALESCE(e.season || ' ' || e.name || COALESCE(', ' || s.name, ''), c.entity_id)
       END AS subject,
       COALESCE(CASE
           WHEN c.kind = 'added' AND c.entity = 'event' THEN
               'added: ' || COALESCE('round ' || {after:round} || ', ', '') || {after:first_date} || ' to ' || {after:last_date}
           WHEN c.kind = 'added' THEN 'added: ' || {after:moment}
           WHEN c.kind IN ('rescheduled', 'postponed', 'brought_forward') THEN
               REPLACE(c.kind, '_', ' ') || ': ' || {before:moment} || ' → ' || {after:moment}
           WHEN c.kind = 'renamed' THEN 'renamed: ' || {before:label} || ' → ' || {after:label}
           WHEN c.kind = 'relocated' THEN 'relocated: ' || {before:place} || ' → ' || {after:place}
           WHEN c.kind = 'renumbered' THEN
               'renumbered: ' || COALESCE('round ' || {before:round}, 'no round') || ' → ' || COALESCE('round ' || {after:round}, 'no round')
           WHEN c.kind = 'format_changed' THEN 'format changed: ' || {before:format} || ' → ' || {after:format}
           WHEN c.kind = 'status' THEN {before:status} || ' → ' || {after:status}
           WHEN c.kind = 'cancelled' THEN 'cancelled' || COALESCE(', was round ' || {before:round}, '')
           WHEN c.kind = 'results_published' THEN 'provisional results' || {diff}
           WHEN c.kind = 'results_official' THEN 'official results' || {diff}
           WHEN c.kind = 'results_revised' THEN 'results revised' || {diff}
           WHEN c.kind = 'results_restored' THEN 'earlier results restored' || {diff}
           WHEN c.kind = 'standings' THEN 'standings changed' || COALESCE(' from ' || f.name || ' on', '')
           WHEN c.kind = 'timing' THEN REPLACE({after:dataset}, '_', ' ') || CASE WHEN c.before IS NULL THEN ' stored' ELSE ' revised' END
           WHEN c.kind = 'lineup' THEN 'line-up: ' || {before:names} || ' → ' || {after:names}
           WHEN c.kind = 'detailed' AND {after:starts_at} IS NOT NULL THEN 'detailed: ' || {before:moment} || ' → ' || {after:moment}
       END, REPLACE(c.kind || COALESCE(': ' || {keys}, ''), '_', ' ')) AS words
FROM {p}changes c
LEFT JOIN {p}sessions s ON c.entity = 'session' AND s.id = c.entity_id
LEFT JOIN {p}events e ON c.entity <> 'season' AND e.id = COALESCE(s.event_id, c.entity_id)
LEFT JOIN {p}events f ON c.kind = 'standings' AND f.id = {after:from_event}
"""

COMMENT = "The feed of all changes, as a person reads it"
COLUMNS = {
    "id": "the change's id, which rises in the order of commits",
    "at": "the moment (now) of the run that made the change",
    "season": "championship year",
    "event_id": "the event; null for a change of a season",
    "session_id": "the session; null for a change of an event or season",
    "kind": "what happened",
    "subject": "to what, such as 2024 Belgian Grand Prix, Race, by its present name",
    "words": "what happened, in words, moments in UTC",
}


def upgrade() -> None:
    create_view("changes_in_words", _query(prefix()), COMMENT, COLUMNS)


def _query(p: str) -> str:
    """The query, with a change's fields as the dialect reads them from JSON."""
    found = {"{p}": p, "{diff}": f"COALESCE(': ' || NULLIF({_field('after', 'diff')}, ''), '')", "{keys}": _keys()}
    for side in ("before", "after"):
        for name in ("round", "first_date", "last_date", "format", "status", "starts_at", "from_event", "dataset"):
            found[f"{{{side}:{name}}}"] = _field(side, name)
        found[f"{{{side}:moment}}"] = _moment(side)
        found[f"{{{side}:names}}"] = _names(side)
        found[f"{{{side}:label}}"] = _first(side, "name", "official_name")
        found[f"{{{side}:place}}"] = _first(side, "locality", "circuit_id", "country")
    query = CHANGES_IN_WORDS
    for placeholder, expression in found.items():
        query = query.replace(placeholder, expression)
    return query


def _field(side: str, name: str) -> str:
    return f"json_extract(c.{side}, '$.{name}')" if is_sqlite() else f"(c.{side} ->> '{name}')"


def _first(side: str, *names: str) -> str:
    return f"COALESCE({', '.join(_field(side, name) for name in names)}, 'unknown')"


def _moment(side: str) -> str:
    """The start, else the date, else the end that a change is about."""
    start, end = (
        f"REPLACE(SUBSTR({_field(side, name)}, 1, 16), 'T', ' ') || ' UTC'" for name in ("starts_at", "ends_at")
    )
    dates = ", ".join(_field(side, name) for name in ("local_date", "last_date", "first_date"))
    return f"COALESCE({start}, {dates}, 'until ' || {end}, 'unknown')"


def _names(side: str) -> str:
    """The drivers of the entries that a change is about, by name or code."""
    if is_sqlite():
        name = "COALESCE(json_extract(value, '$.full_name'), json_extract(value, '$.driver_code'))"
        listed = f"(SELECT group_concat({name}, ', ') FROM json_each(c.{side}, '$.entries'))"
    else:
        name = "COALESCE(value ->> 'full_name', value ->> 'driver_code')"
        listed = f"(SELECT string_agg({name}, ', ' ORDER BY n) FROM jsonb_array_elements(c.{side} -> 'entries') WITH ORDINALITY AS x (value, n))"
    return f"COALESCE({listed}, 'nobody')"


def _keys() -> str:
    """The names of the fields that a change is about, in the order of the alphabet."""
    if is_sqlite():
        return "(SELECT group_concat(key, ', ') FROM (SELECT key FROM json_each(c.after) ORDER BY key))"
    return "(SELECT string_agg(key, ', ' ORDER BY key COLLATE \"C\") FROM jsonb_object_keys(c.after) AS key)"
