"""Views that applications read: sessions to come, calendar, standings, line-ups, ids; dates and names of outcomes."""

from core.migrations.views import create_view, is_sqlite, prefix

revision = "0011"
down_revision = "0010"

PLACES = ("winner", "second", "third")
PODIUMS = [f"{session}_{place}" for session in ("race", "sprint") for place in PLACES]
NAMED = (*PODIUMS, "pole", "fastest_lap_driver", "first_retirement")
"""The drivers of an event's outcomes who get a column with their name."""

EVENT_OUTCOMES = """
SELECT o.event_id, o.season, o.round, o.name, o.race_winner, o.race_second, o.race_third, o.pole,
       o.fastest_lap_driver, o.fastest_lap_ms, o.sprint_winner, o.sprint_second, o.sprint_third,
       o.classified, o.retired, o.first_retirement,
       o.race_is_provisional, o.qualifying_is_provisional, o.sprint_is_provisional, o.race_date,
       {names}
FROM (
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
           sprint.results_state = 'provisional' AS sprint_is_provisional,
           COALESCE(race.local_date, e.last_date) AS race_date
    FROM {p}events e
    LEFT JOIN {p}sessions race ON race.event_id = e.id AND race.kind = 'race'
    LEFT JOIN {p}sessions qualifying ON qualifying.event_id = e.id AND qualifying.kind = 'qualifying'
    LEFT JOIN {p}sessions sprint ON sprint.event_id = e.id AND sprint.kind = 'sprint'
    WHERE e.format <> 'testing'
) o
"""

NEXT_SESSIONS = """
SELECT s.id AS session_id, e.id AS event_id, e.season, e.round, e.name AS event, s.kind, s.name, s.status,
       s.local_date, s.starts_at, s.ends_at, {starts} AS local_starts_at, {ends} AS local_ends_at,
       s.utc_offset_minutes, c.time_zone, e.country, e.locality, c.name AS circuit
FROM {p}sessions s
JOIN {p}events e ON e.id = s.event_id
LEFT JOIN {p}circuits c ON c.id = e.circuit_id
WHERE s.status IN ('scheduled', 'live')
"""

SEASON_CALENDAR = """
SELECT e.season, e.round, e.id AS event_id, e.name AS event, e.official_name, e.country, e.locality,
       e.circuit_id, c.name AS circuit, c.time_zone, e.format, e.status, e.first_date, e.last_date,
       s.local_date AS race_date, s.starts_at AS race_starts_at, {starts} AS race_local_starts_at,
       s.results_state AS race_results_state
FROM {p}events e
LEFT JOIN {p}circuits c ON c.id = e.circuit_id
LEFT JOIN {p}sessions s ON s.event_id = e.id AND s.kind = 'race'
"""

# An event's predecessor is sought among the season's events with standings, not among its rounds, which may be cancelled.
STANDINGS = """
SELECT '{competitor}' AS competitor, o.season, o.round, o.id AS event_id, o.name AS event, s.position,
       s.{competitor}_id AS competitor_id, {name} AS name, {code} AS code, s.points, s.wins,
       p.position - s.position AS places_gained, {gained} AS points_gained, s.source
FROM (
    SELECT e.id, e.season, e.round, e.name,
           LAG(e.id) OVER (PARTITION BY e.season ORDER BY e.last_date, e.id) AS previous_id
    FROM {p}events e
    WHERE EXISTS (SELECT 1 FROM {p}{competitor}_standings x WHERE x.event_id = e.id)
) o
JOIN {p}{competitor}_standings s ON s.event_id = o.id
LEFT JOIN {p}{competitor}_standings p ON p.event_id = o.previous_id AND p.{competitor}_id = s.{competitor}_id
JOIN {p}{competitor}s c ON c.id = s.{competitor}_id
"""

LAST_EVENT = """
WHERE o.season = (SELECT MAX(x.season) FROM {p}{competitor}_standings x) AND o.id = (
    SELECT e.id FROM {p}events e
    WHERE EXISTS (SELECT 1 FROM {p}{competitor}_standings x WHERE x.event_id = e.id)
    ORDER BY e.season DESC, e.last_date DESC, e.id DESC LIMIT 1
)
"""

TEAM_LINE_UPS = """
SELECT e.season, r.team_id, t.name AS team, r.driver_id, d.given_name, d.family_name, d.code,
       COUNT(DISTINCT s.id) AS races, MIN(s.local_date) AS first_race_date, MAX(s.local_date) AS last_race_date,
       MAX(s.local_date) = MAX(MAX(s.local_date)) OVER (PARTITION BY e.season, r.team_id) AS is_latest
FROM {p}results r
JOIN {p}sessions s ON s.id = r.session_id AND s.kind = 'race'
JOIN {p}events e ON e.id = s.event_id
JOIN {p}teams t ON t.id = r.team_id
JOIN {p}drivers d ON d.id = r.driver_id
GROUP BY e.season, r.team_id, t.name, r.driver_id, d.given_name, d.family_name, d.code
"""

EXTERNAL_IDS = """
SELECT 'driver' AS entity, id, 'jolpica' AS source, id AS external_id FROM {p}drivers
UNION ALL SELECT 'team', id, 'jolpica', id FROM {p}teams
UNION ALL SELECT 'circuit', id, 'jolpica', id FROM {p}circuits
"""

COMMENTS = {
    "event_outcomes": (
        "What became of each race weekend, an event a row: what a prediction game asks for",
        {
            "event_id": "the event",
            "season": "championship year",
            "round": "round of the season now; moves; null for testing and cancelled events",
            "name": "short name, such as Bahrain Grand Prix",
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
            "race_date": "the venue's date of the race",
            "race_winner_name": "the driver's full name, as in the columns after it",
            "race_second_name": "full name",
            "race_third_name": "full name",
            "sprint_winner_name": "full name",
            "sprint_second_name": "full name",
            "sprint_third_name": "full name",
            "pole_name": "full name",
            "fastest_lap_driver_name": "full name",
            "first_retirement_name": "full name",
        },
    ),
    "next_sessions": (
        "Sessions that are live or still to come; order by local_date, starts_at",
        {
            "session_id": "the session",
            "event_id": "the event it belongs to",
            "season": "championship year",
            "round": "the event's round now; null for testing and cancelled events",
            "event": "the event's short name",
            "kind": "what is driven, whatever it is called that year",
            "name": "what upstream calls the session",
            "status": "scheduled or live",
            "local_date": "the venue's date",
            "starts_at": "start, UTC; null while only the date is known",
            "ends_at": "expected end, UTC",
            "local_starts_at": "start at the venue's wall time, without zone; null while the time or the zone is unknown",
            "local_ends_at": "expected end at the venue's wall time, without zone; null while the time or the zone is unknown",
            "utc_offset_minutes": "the venue's offset from UTC at the start",
            "time_zone": "the venue's IANA time zone; null while unknown",
            "country": "country, as the source writes it",
            "locality": "town or district, as the source writes it",
            "circuit": "the circuit's name; null while unknown",
        },
    ),
    "season_calendar": (
        "Events with their circuits and races, cancelled events and testing included; order by first_date",
        {
            "season": "championship year",
            "round": "the event's round now; null for testing and cancelled events",
            "event_id": "the event",
            "event": "the event's short name",
            "official_name": "full name with the title sponsor",
            "country": "country, as the source writes it",
            "locality": "town or district, as the source writes it",
            "circuit_id": "the circuit, once known",
            "circuit": "the circuit's name; null while unknown",
            "time_zone": "the venue's IANA time zone; null while unknown",
            "format": "which sessions the weekend has",
            "status": "the event's: scheduled, live, completed or cancelled",
            "first_date": "the venue's date of the first session",
            "last_date": "the venue's date of the last session",
            "race_date": "the venue's date of the race; null for testing",
            "race_starts_at": "the race's start, UTC; null while only the date is known",
            "race_local_starts_at": "the race's start at the venue's wall time, without zone; null while the time or the zone is unknown",
            "race_results_state": "awaited, provisional, official or settled; null for testing",
        },
    ),
    "standings_with_names": (
        "Both championships after each event, with names and what was gained since the event before",
        {
            "competitor": "whose championship: driver or team",
            "season": "championship year",
            "round": "the event's round now; null for testing and cancelled events",
            "event_id": "after this event",
            "event": "the event's short name",
            "position": "place; null for a competitor that was never classified",
            "competitor_id": "the driver's or team's id",
            "name": "the driver's full name, or the team's",
            "code": "the driver's three letters; null for teams, and unknown for most drivers",
            "points": "points so far",
            "wins": "races won so far",
            "places_gained": "since the season's event with standings before, negative: lost; null without a place then",
            "points_gained": "since the season's event with standings before; at the first, all points",
            "source": "results: computed here; jolpica: as Jolpica publishes it",
        },
    ),
    "team_line_ups": (
        "Who raced for which team in each season, by the races' current classifications",
        {
            "season": "championship year",
            "team_id": "the team",
            "team": "the team's name",
            "driver_id": "the driver",
            "given_name": "the driver's given name",
            "family_name": "the driver's family name",
            "code": "the driver's three letters; unknown for most",
            "races": "races of the season for this team, of which there are results",
            "first_race_date": "the venue's date of the first of them",
            "last_race_date": "the venue's date of the last of them",
            "is_latest": "whether the driver was in the team's last race of the season so far",
        },
    ),
    "external_ids": (
        "Ids of other sources, as far as a source that is read gives them: Jolpica's, which are the ids here",
        {
            "entity": "driver, team or circuit",
            "id": "its id here",
            "source": "whose id the other one is: jolpica",
            "external_id": "its id there",
        },
    ),
}
COMMENTS["current_standings"] = (
    "Both championships as they stand: standings_with_names after the last event that has standings",
    COMMENTS["standings_with_names"][1],
)


def upgrade() -> None:
    p = prefix()
    starts, ends = _local("starts_at"), _local("ends_at")
    queries = {
        "event_outcomes": _event_outcomes(p),
        "next_sessions": NEXT_SESSIONS.format(p=p, starts=starts, ends=ends),
        "season_calendar": SEASON_CALENDAR.format(p=p, starts=starts),
        "standings_with_names": _of_both(p, ""),
        "current_standings": _of_both(p, LAST_EVENT),
        "team_line_ups": TEAM_LINE_UPS.format(p=p),
        "external_ids": EXTERNAL_IDS.format(p=p),
    }
    for name, query in queries.items():
        create_view(name, query, *COMMENTS[name])


def _local(moment: str) -> str:
    """A session's moment as the venue's wall time."""
    if is_sqlite():
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', s.{moment}, s.utc_offset_minutes || ' minutes')"
    return f"(s.{moment} AT TIME ZONE 'UTC') + make_interval(mins => s.utc_offset_minutes)"


def _of_both(p: str, condition: str) -> str:
    """The standings of drivers and of teams; `condition` limits the events."""
    gained = "s.points - COALESCE(p.points, 0)"
    of_driver = {"competitor": "driver", "name": "c.given_name || ' ' || c.family_name", "code": "c.code"}
    of_team = {"competitor": "team", "name": "c.name", "code": "NULL"}
    return "UNION ALL".join(
        (STANDINGS + condition).format(p=p, gained=f"ROUND({gained}, 3)" if is_sqlite() else gained, **of)
        for of in (of_driver, of_team)
    )


def _event_outcomes(p: str) -> str:
    """The query as it was, with dates and names."""
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
        for place, name in enumerate(PLACES, 1):
            parts[f"{session}_{name}"] = _one("r.driver_id", session, f"r.position = {place}")
    parts["names"] = ",\n       ".join(
        f"(SELECT d.given_name || ' ' || d.family_name FROM {{p}}drivers d WHERE d.id = o.{name}) AS {name}_name"
        for name in NAMED
    )
    return EVENT_OUTCOMES.format(p=p, **{name: part.format(p=p) for name, part in parts.items()})


def _one(what: str, session: str, condition: str) -> str:
    """A scalar subquery over one session's entries; of a shared car the first driver."""
    return (
        f"(SELECT {what} FROM {{p}}results r WHERE r.session_id = {session}.id AND {condition}"
        f" ORDER BY r.ordinal, r.car_number LIMIT 1)"
    )
