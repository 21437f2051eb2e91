"""Facts as Jolpica's documents (Ergast's JSON), with standings computed from them, cut into pages."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from core.replay import facts
from core.replay.facts import CircuitFacts, Classification, Entry, EventFacts
from core.text import duration, plain

Document = dict[str, Any]

# The path to a table's innermost rows: Jolpica counts and pages those, so a page can split a race.
ROWS = {
    "results": "Results",
    "qualifying": "QualifyingResults",
    "sprint": "SprintResults",
    "driverstandings": "DriverStandings",
    "constructorstandings": "ConstructorStandings",
}
# The field of each result row that a standings table is about.
STANDINGS = {"driverstandings": "Driver", "constructorstandings": "Constructor"}
# The session that a table of results is about.
SESSIONS = {"results": "Race", "qualifying": "Qualifying", "sprint": "Sprint"}
# The sample has no laps and pit stops: their tables are empty.
TABLES = ("races", *ROWS, "laps", "pitstops")

# Jolpica's keys of a race's other sessions.
SLOTS = {
    "Practice 1": "FirstPractice",
    "Practice 2": "SecondPractice",
    "Practice 3": "ThirdPractice",
    "Qualifying": "Qualifying",
    "Sprint": "Sprint",
    "Sprint Shootout": "SprintShootout",
    "Sprint Qualifying": "SprintQualifying",
}
STATUSES = {"R": "Retired", "W": "Did not start", "N": "Not classified", "D": "Disqualified"}

DEFAULT_LIMIT, MAX_LIMIT = 30, 100


def races(season: int, events: Iterable[EventFacts]) -> list[Document]:
    """A calendar's races with all their sessions' times; testing is left out, as Jolpica does."""
    return [race(season, event) | slots(event) for event in events if event.format != "testing"]


def race(season: int, event: EventFacts) -> Document:
    """One race and its circuit, with its time if known."""
    document: Document = {
        "season": str(season),
        "round": str(event.round),
        "url": page(f"{season} {event.name}"),
        "raceName": event.name,
        "Circuit": circuit(event),
    }
    starts_at = event.starts_at("Race")
    if starts_at:
        document |= moment(starts_at)
    elif event.last_date:
        document["date"] = event.last_date.isoformat()
    return document


def slots(event: EventFacts) -> Document:
    """Date and time of each other session with a known start."""
    starts = {key: event.starts_at(name) for name, key in SLOTS.items()}
    return {key: moment(at) for key, at in starts.items() if at}


def circuit(event: EventFacts) -> Document:
    """The event's circuit; an unknown one is described by the event itself."""
    known = facts.circuits().get(event.circuit_id) or CircuitFacts(
        event.circuit_id, event.location, event.location, event.country, "0", "0"
    )
    return {
        "circuitId": known.id,
        "url": page(known.name),
        "circuitName": known.name,
        "Location": {
            "lat": known.lat,
            "long": known.long,
            "locality": known.locality,
            "country": known.country,
        },
    }


def classified(season: int, event: EventFacts, table: str, classification: Classification) -> Document:
    """A race with the rows of one of its sessions, listed in the classification's order."""
    row = _qualifying_row if table == "qualifying" else _race_row
    rows = [row(classification, place, entry) for place, entry in enumerate(classification.entries, start=1)]
    return race(season, event) | {ROWS[table]: rows}


def standings(table: str, results: Sequence[Document], sprints: Sequence[Document]) -> list[Document]:
    """The standings after each race that has results: points, then wins, then second places and so on."""
    of = STANDINGS[table]
    points: defaultdict[str, Decimal] = defaultdict(Decimal)
    places: defaultdict[str, Counter[int]] = defaultdict(Counter)
    who: dict[str, Document] = {}
    teams: defaultdict[str, dict[str, Document]] = defaultdict(dict)
    sprint_rows = {sprint["round"]: sprint["SprintResults"] for sprint in sprints}
    lists = []
    for result in results:
        rows = [*sprint_rows.get(result["round"], []), *result["Results"]]
        for row in rows:
            id_ = row[of][f"{of.lower()}Id"]
            who[id_] = row[of]
            points[id_] += Decimal(row["points"])
            teams[id_][row["Constructor"]["constructorId"]] = row["Constructor"]
        for row in result["Results"]:
            if row["positionText"].isdigit():
                places[row[of][f"{of.lower()}Id"]][int(row["positionText"])] += 1
        ranked = enumerate(_ranked(points, places), start=1)
        rows = [
            _standing(place if places[id_].total() or of == "Constructor" else None, places[id_][1], points[id_])
            | {of: who[id_]}
            | ({"Constructors": list(teams[id_].values())} if of == "Driver" else {})
            for place, id_ in ranked
        ]
        lists.append({"season": result["season"], "round": result["round"], ROWS[table]: rows})
    return lists


def answer(table: str, season: int, number: int | None, documents: list[Document], limit: int, offset: int) -> bytes:
    """The page of a table's documents for limit and offset (in rows), with the number of all rows."""
    documents, total = paged(table, documents, limit, offset)
    asked = {"season": str(season)} | ({"round": str(number)} if number is not None else {})
    if table in STANDINGS:
        last = {"round": documents[-1]["round"]} if documents else {}
        body: Document = {"StandingsTable": asked | last | {"StandingsLists": documents}}
    else:
        body = {"RaceTable": asked | {"Races": documents}}
    head = {"xmlns": "", "series": "f1", "limit": str(limit), "offset": str(offset), "total": str(total)}
    return json.dumps({"MRData": head | body}).encode()


def paged(table: str, documents: list[Document], limit: int, offset: int) -> tuple[list[Document], int]:
    """The documents with the rows from offset on, at most limit of them, and the number of all rows."""
    if table not in ROWS:
        return documents[offset : offset + limit], len(documents)
    key, kept, seen = ROWS[table], [], 0
    for document in documents:
        rows = document[key]
        if cut := rows[max(offset - seen, 0) : max(offset + limit - seen, 0)]:
            kept.append(document | {key: cut})
        seen += len(rows)
    return kept, seen


def moment(at: datetime) -> Document:
    """Date and time of an instant, in UTC."""
    utc = at.astimezone(UTC)
    return {"date": utc.date().isoformat(), "time": f"{utc:%H:%M:%S}Z"}


def page(title: str) -> str:
    """The encyclopedia page that Jolpica would link to."""
    return "https://en.wikipedia.org/wiki/" + quote(title.replace(" ", "_"))


def _ranked(points: dict[str, Decimal], places: dict[str, Counter[int]]) -> list[str]:
    def key(id_: str) -> tuple[Decimal, list[int]]:
        return -points[id_], [-places[id_][place] for place in range(1, lowest + 1)]

    lowest = max((place for counted in places.values() for place in counted), default=0)
    return sorted(points, key=key)


def _standing(place: int | None, wins: int, points: Decimal) -> Document:
    # A driver who was never classified has no position, only a dash.
    position = {} if place is None else {"position": str(place)}
    return position | {"positionText": str(place or "-"), "points": plain(points), "wins": str(wins)}


def _competitors(entry: Entry) -> Document:
    driver, team = facts.drivers()[entry.driver], facts.teams()[entry.team]
    return {
        "Driver": {
            "driverId": driver.id,
            "permanentNumber": driver.number,
            "code": driver.code,
            "url": page(f"{driver.given} {driver.family}"),
            "givenName": driver.given,
            "familyName": driver.family,
            "dateOfBirth": driver.born,
            "nationality": driver.nationality,
        },
        "Constructor": {
            "constructorId": team.id,
            "url": page(team.name),
            "name": team.name,
            "nationality": team.nationality,
        },
    }


def _race_row(classification: Classification, place: int, entry: Entry) -> Document:
    winner = classification.entries[0]
    row: Document = {
        "number": entry.car,
        "position": str(place),
        "positionText": entry.place,
        "points": entry.points,
        **_competitors(entry),
        "grid": str(entry.grid),
        "laps": str(entry.laps),
        "status": STATUSES.get(entry.place) or ("Finished" if entry.laps >= winner.laps else "Lapped"),
    }
    if entry.place.isdigit() and entry.time_ms is not None and winner.time_ms is not None:
        gap = duration(entry.time_ms - winner.time_ms)
        shown = duration(entry.time_ms) if place == 1 else f"+{gap}"
        row["Time"] = {"millis": str(entry.time_ms), "time": shown}
    return row


def _qualifying_row(_: Classification, place: int, entry: Entry) -> Document:
    times = {f"Q{n}": time for n, time in enumerate(entry.best, start=1) if time}
    return {"number": entry.car, "position": str(place)} | _competitors(entry) | (times or {"Q1": ""})
