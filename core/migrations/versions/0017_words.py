"""The view of changes in words has the words of webhooks and commands: leaders, drivers, rows, days of the week."""

from core.migrations.views import create_view, is_sqlite, prefix

revision = "0017"
down_revision = "0016"

COMMENT = "The feed of all changes, as a person reads it, and as webhooks and commands tell it"
COLUMNS = {
    "id": "the change's id, which rises in the order of commits",
    "at": "the moment (now) of the run that made the change",
    "season": "championship year",
    "event_id": "the event; null for a change of a season",
    "session_id": "the session; null for a change of an event or season",
    "kind": "what happened",
    "subject": "to what, such as Belgian Grand Prix 2024, Race, by its present name",
    "words": "what happened, in words, moments in UTC; the wording may change",
}

DAYS, MONTHS = "SunMonTueWedThuFriSat", "JanFebMarAprMayJunJulAugSepOctNovDec"
LEADERS = 3


def upgrade() -> None:
    create_view("changes_in_words", _query(prefix()), COMMENT, COLUMNS)


def _query(p: str) -> str:
    named = _named_difference()
    return f"""
SELECT c.id, c.at, CASE WHEN c.entity = 'season' THEN CAST(c.entity_id AS SMALLINT) ELSE e.season END AS season,
       e.id AS event_id, s.id AS session_id, c.kind,
       CASE WHEN c.entity = 'season' THEN c.entity_id || ' season'
            ELSE COALESCE(e.name || ' ' || e.season || COALESCE(', ' || s.name, ''), c.entity_id)
       END AS subject,
       COALESCE(CASE
           WHEN c.kind = 'added' AND c.entity = 'season' THEN
               'added: ' || {_counted("events", "event")} || ', ' || {_counted("sessions", "session")}
               || ', ' || {_counted("results", "classification")}
           WHEN c.kind = 'added' AND c.entity = 'event' THEN
               'added: ' || COALESCE('round ' || {_after("round")} || ', ', '') || {_days("c.after")}
           WHEN c.kind = 'added' THEN 'added: ' || {_when("c.after")}
           WHEN c.kind IN ('rescheduled', 'postponed', 'brought_forward') THEN
               REPLACE(c.kind, '_', ' ') || ': ' || {_when("c.before")} || ' → ' || {_when("c.after")}
           WHEN c.kind = 'renamed' THEN 'renamed: ' || {_change_of("name", "official_name")}
           WHEN c.kind = 'relocated' THEN 'relocated: ' || {_change_of("locality", "circuit_id", "country")}
           WHEN c.kind = 'renumbered' THEN 'renumbered: ' || {_round("c.before")} || ' → ' || {_round("c.after")}
           WHEN c.kind = 'format_changed' THEN 'format changed: ' || REPLACE({_change_of("format")}, '_', ' ')
           WHEN c.kind = 'detailed' AND {_after("starts_at")} IS NOT NULL THEN 'time known: ' || {_when("c.after")}
           WHEN c.kind = 'detailed' THEN COALESCE('drivers known: ' || {_drivers(p)}, 'details known: ' || {_keys()})
           WHEN c.kind = 'status' THEN {_before("status")} || ' → ' || {_after("status")}
           WHEN c.kind = 'cancelled' THEN 'cancelled' || COALESCE(', was round ' || {_before("round")}, '')
           WHEN c.kind = 'reinstated' THEN 'reinstated'
           WHEN c.kind IN ('results_published', 'results_official') THEN
               CASE c.kind WHEN 'results_published' THEN 'provisional results' ELSE 'official results' END
               || COALESCE(': ' || COALESCE({_leaders(p)} || COALESCE('; ' || {named}, ''), {named}), '')
           WHEN c.kind IN ('results_revised', 'results_restored') THEN
               CASE c.kind WHEN 'results_revised' THEN 'results revised' ELSE 'earlier results restored' END
               || COALESCE(': ' || COALESCE(NULLIF({_after("diff")}, ''), {_leaders(p)}), '')
           WHEN c.kind = 'standings' THEN
               'standings ' || CASE WHEN f.id IS NULL THEN 'changed'
                                    WHEN CAST({_after("events")} AS INTEGER) = 1 THEN 'after ' || f.name
                                    ELSE 'changed from ' || f.name || ' on' END
               || COALESCE(': ' || {_differences()}, '')
           WHEN c.kind = 'timing' THEN
               REPLACE({_after("dataset")}, '_', ' ') || CASE WHEN c.before IS NULL THEN ' stored' ELSE ' revised' END
               || COALESCE(': ' || COALESCE({_before("rows")} || ' → ', '') || {_counted("rows", "row")}, '')
           WHEN c.kind = 'lineup' THEN 'line-up: ' || {_names("c.before")} || ' → ' || {_names("c.after")}
       END, REPLACE(c.kind || COALESCE(': ' || {_keys()}, ''), '_', ' ')) AS words
FROM {p}changes c
LEFT JOIN {p}sessions s ON c.entity = 'session' AND s.id = c.entity_id
LEFT JOIN {p}events e ON c.entity <> 'season' AND e.id = COALESCE(s.event_id, c.entity_id)
LEFT JOIN {p}events f ON c.kind = 'standings' AND f.id = {_after("from_event")}
"""


def _field(document: str, name: str) -> str:
    return f"json_extract({document}, '$.{name}')" if is_sqlite() else f"({document} ->> '{name}')"


def _before(name: str) -> str:
    return _field("c.before", name)


def _after(name: str) -> str:
    return _field("c.after", name)


def _part(document: str, name: str) -> str:
    """A field that is an array or an object."""
    return _field(document, name) if is_sqlite() else f"({document} -> '{name}')"


def _elements(array: str) -> str:
    """A table of an array's elements: `value`, and `key` in their order."""
    return (
        f"json_each({array}) AS x"
        if is_sqlite()
        else f"jsonb_array_elements({array}) WITH ORDINALITY AS x (value, key)"
    )


def _members(document: str) -> str:
    """A table of an object's members: `key` and `value`, as text."""
    return f"json_each({document}) AS x" if is_sqlite() else f"jsonb_each_text({document}) AS x (key, value)"


def _joined(text: str, rows: str, order: str) -> str:
    """A text of each row, separated by commas; null where there is none."""
    aggregate = "group_concat" if is_sqlite() else "string_agg"
    return f"(SELECT {aggregate}(said, ', ') FROM (SELECT {text} AS said FROM {rows} ORDER BY {order}) AS listed)"


def _day(date: str) -> str:
    """A date or a moment as `Sun 28 Jul`."""
    if is_sqlite():
        named = (
            f"SUBSTR('{DAYS}', 3 * strftime('%w', {date}) + 1, 3)",
            f"SUBSTR('{MONTHS}', 3 * strftime('%m', {date}) - 2, 3)",
        )
        return f"{named[0]} || strftime(' %d ', {date}) || {named[1]}"
    return f"to_char(CAST({date} AS date), 'Dy DD Mon')"


def _moment(moment: str) -> str:
    """A moment as `Sun 28 Jul 13:00 UTC`."""
    if is_sqlite():
        return f"{_day(moment)} || strftime(' %H:%M UTC', {moment})"
    return f"to_char(CAST({moment} AS timestamptz) AT TIME ZONE 'UTC', 'Dy DD Mon HH24:MI \"UTC\"')"


def _when(document: str) -> str:
    """An event's day, else the start, else a session's day, else the end that a change is about."""
    start, end = (_moment(_field(document, name)) for name in ("starts_at", "ends_at"))
    last, day, first = (_day(_field(document, name)) for name in ("last_date", "local_date", "first_date"))
    return f"COALESCE({last}, {start}, {day}, {first}, 'until ' || {end}, 'unknown')"


def _days(document: str) -> str:
    first, last = _field(document, "first_date"), _field(document, "last_date")
    return f"CASE WHEN {first} < {last} THEN {_day(first)} || ' to ' ELSE '' END || {_day(last)}"


def _counted(name: str, noun: str) -> str:
    return f"{_after(name)} || CASE WHEN CAST({_after(name)} AS INTEGER) = 1 THEN ' {noun}' ELSE ' {noun}s' END"


def _change_of(*names: str) -> str:
    """The first of some fields that a change is about, before → after."""
    sides = (
        f"COALESCE({', '.join(_field(side, name) for name in names)}, 'unknown')" for side in ("c.before", "c.after")
    )
    return " || ' → ' || ".join(sides)


def _round(document: str) -> str:
    return f"COALESCE('round ' || {_field(document, 'round')}, 'no round')"


def _leaders(p: str) -> str:
    """The first places of the revision that a change is about."""
    position = f"CAST({_field('x.value', 'position')} AS INTEGER)"
    name = f"COALESCE(TRIM(d.given_name || ' ' || d.family_name), {_field('x.value', 'car_number')})"
    rows = f"""{p}result_revisions v CROSS JOIN {_elements("v.rows")}
        LEFT JOIN {p}drivers d ON d.id = {_field("x.value", "driver_id")}
        WHERE v.session_id = c.entity_id AND v.revision = CAST({_after("revision")} AS INTEGER)
        AND {position} BETWEEN 1 AND {LEADERS}"""
    return _joined(f"{position} || ' ' || {name}", rows, f"{position}, x.key")


def _named_difference() -> str:
    """How a classification differs from the one before; null where only details of entries without a name do."""
    difference = _after("diff")
    unnamed = f"{difference} LIKE '%in other details' AND {difference} NOT LIKE '%; %'"
    return f"CASE WHEN NOT ({unnamed}) THEN NULLIF({difference}, '') END"


def _drivers(p: str) -> str:
    """The cars of an entry list whose drivers became known, in the order of their numbers."""
    name = "COALESCE(TRIM(d.given_name || ' ' || d.family_name), x.value)"
    rows = f"{_members(_part('c.after', 'drivers'))} LEFT JOIN {p}drivers d ON d.id = x.value"
    return _joined(f"'car ' || x.key || ' ' || {name}", rows, "LENGTH(x.key), x.key")


def _differences() -> str:
    element = "x.value" if is_sqlite() else "x.value #>> '{}'"
    return _joined(element, _elements(_part("c.after", "differences")), "x.key")


def _names(document: str) -> str:
    """The drivers of the entries that a change is about, by name, code or number."""
    name = f"COALESCE({', '.join(_field('x.value', name) for name in ('full_name', 'driver_code', 'car_number'))})"
    return f"COALESCE({_joined(name, _elements(_part(document, 'entries')), 'x.key')}, 'nobody')"


def _keys() -> str:
    """The names of the fields that a change is about, in the order of the alphabet."""
    binary = "BINARY" if is_sqlite() else '"C"'
    return _joined("REPLACE(x.key, '_', ' ')", _members("c.after"), f"x.key COLLATE {binary}")
