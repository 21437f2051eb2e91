"""2024 with results that a test publishes in the order and at the moments it wants, and what is stored of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from calendars import moment
from conftest import poll_by_name
from reached import Reached
from sqlalchemy import select

from core.database import Database
from core.kinds import SessionKind
from core.queries import read_entries
from core.records import Entry
from core.replay import Upstream
from core.rules.results.outcome import Outcome, Polled
from core.schema import changes, driver_standings, result_revisions, sessions, team_standings
from flows.poll_results import poll_results

Document = dict[str, Any]

SPA, DUTCH, MONACO = "2024-belgian-grand-prix", "2024-dutch-grand-prix", "2024-monaco-grand-prix"
AUSTRIA, HUNGARY = "2024-austrian-grand-prix", "2024-hungarian-grand-prix"
ROUNDS = {MONACO: 8, AUSTRIA: 11, HUNGARY: 13, SPA: 14, DUTCH: 15}
RACE = SessionKind.RACE
PAID = ("25", "18", "15", "12", "10", "8", "6", "4", "2", "1")


def poll(event: str, now: datetime, kind: SessionKind = RACE, *, force: bool = False) -> Polled:
    [polled] = poll_by_name(event=event, session=kind, force=force, now=now)
    return polled


def rearranged(race: Document, order: Sequence[str], out: Sequence[str] = ()) -> Document:
    """A race's document with its drivers in this order, some of the last disqualified; others are left out."""
    by_driver = {row["Driver"]["driverId"]: row for row in race["Results"]}
    rows = []
    for place, driver in enumerate(order, 1):
        row = copy.deepcopy(by_driver[driver])
        dropped = driver in out or not row["positionText"].isdigit()
        row["position"] = str(place)
        if driver in out:
            row["positionText"], row["status"] = "D", "Disqualified"
        elif not dropped:
            row["positionText"] = str(place)
        row["points"] = PAID[place - 1] if not dropped and place <= len(PAID) else "0"
        rows.append(row)
    return {**race, "Results": rows}


def order_of(race: Document) -> list[str]:
    return [row["Driver"]["driverId"] for row in race["Results"]]


def swapped(order: Sequence[str], one: int, other: int) -> list[str]:
    """The order with two places (from 1) exchanged."""
    found = list(order)
    found[one - 1], found[other - 1] = found[other - 1], found[one - 1]
    return found


class Season:
    """2024 in the database, and Jolpica's results, which the test chooses."""

    def __init__(self, database: Database, upstream: Upstream, reached: Reached) -> None:
        self.database = database
        self.upstream = upstream
        self.reached = reached
        upstream.as_of = None
        self.documents = {int(race["round"]): race for race in upstream.documents(2024, "results")}

    def publish(self, races: Mapping[int, Document]) -> None:
        """Let Jolpica serve these races, by round."""
        self.upstream.overlay[2024, "results"] = [races[number] for number in sorted(races)]
        self.upstream.overlay[2024, "sprint"] = []

    def race(self, event: str) -> Document:
        return self.documents[ROUNDS[event]]

    def entries(self, event: str) -> dict[str, Entry]:
        with self.database.reading() as connection:
            return {e.driver_id or e.car_number: e for e in read_entries(connection, f"{event}/race")}

    def places(self, event: str) -> list[str]:
        return [driver for driver, entry in self.entries(event).items() if entry.position]

    def revisions(self, session: str) -> list[Any]:
        query = select(result_revisions).where(result_revisions.c.session_id == session)
        with self.database.reading() as connection:
            return list(connection.execute(query.order_by(result_revisions.c.revision)).fetchall())

    def feed(self, entity_id: str, *kinds: str) -> list[Any]:
        query = select(changes).where(changes.c.entity_id == entity_id, changes.c.kind.in_(kinds))
        with self.database.reading() as connection:
            return list(connection.execute(query.order_by(changes.c.id)).fetchall())

    def session(self, identity: str) -> Any:
        with self.database.reading() as connection:
            return connection.execute(select(sessions).where(sessions.c.id == identity)).one()

    def standings(self, event: str, competitor: str = "driver") -> dict[str, tuple[Decimal, int]]:
        """Points and wins by competitor after an event."""
        rows = driver_standings if competitor == "driver" else team_standings
        with self.database.reading() as connection:
            found = connection.execute(select(rows).where(rows.c.event_id == event)).mappings().all()
        return {row[f"{competitor}_id"]: (row["points"], row["wins"]) for row in found}

    def published_standings(self, event: str, competitor: str = "driver") -> dict[str, tuple[Decimal, int]]:
        """The same from the replayed upstream, which computes it from the results it serves."""
        key, name = ("Driver", "driver") if competitor == "driver" else ("Constructor", "constructor")
        [found] = [t for t in self.upstream.documents(2024, f"{name}standings") if t["round"] == str(ROUNDS[event])]
        return {row[key][f"{name}Id"]: (Decimal(row["points"]), int(row["wins"])) for row in found[f"{key}Standings"]}

    def standings_are_right(self, *after: str) -> None:
        for event in after:
            for competitor in ("driver", "team"):
                found = self.standings(event, competitor)
                assert found
                assert found == self.published_standings(event, competitor), f"{competitor}s after {event}"


APRIL, SATURDAY = moment("2024-04-01T00:00Z"), moment("2024-07-27T18:00Z")
TIMED, OFFICIAL, REVISED = moment("2024-07-28T15:35Z"), moment("2024-07-28T16:05Z"), moment("2024-07-28T18:05Z")


def before_spa(season: Season) -> None:
    """Everything published until the evening of Spa's Saturday, including its qualifying."""

    def poll_all() -> None:
        season.upstream.as_of = SATURDAY
        found = {one.session_id for one in poll_results.fn(now=SATURDAY) if one.outcome is Outcome.OFFICIAL}
        assert {f"{HUNGARY}/race", f"{SPA}/qualifying"} <= found

    season.reached(SATURDAY, poll_all)


def live_through_spa(season: Season) -> list[Polled]:
    """Poll the race: from live timing, from Jolpica, and after the stewards' decision."""
    before_spa(season)
    polled = []
    for now in (TIMED, OFFICIAL, REVISED):
        season.upstream.as_of = now
        polled.append(poll(SPA, now))
    return polled


def after_spa(season: Season) -> None:
    """The race is revised, and the upstream is at that moment."""
    season.reached(REVISED, lambda: live_through_spa(season))
    season.upstream.as_of = REVISED
