"""Jolpica's answers altered at random: the run ends, nothing impossible is stored, a clean answer repairs the rest.

HOSTILE_EXAMPLES in the environment is the number of random examples; without it the tests run a few fixed ones.
"""

from __future__ import annotations

import copy
import io
import json
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, make_url, select, update

from core.bounds import LONGEST_LINE
from core.database import Database
from core.kinds import ResultsState, SessionKind
from core.replay import Fault, Upstream, facts, jolpica
from core.rules.calendar.identity import kind_of
from core.rules.results.championship import ADJUSTED_AT_MOST
from core.rules.results.points import most_points
from core.schema import driver_standings, drivers, held, results, sessions, team_standings, teams
from core.text import CONTROL_CATEGORIES
from flows.poll_results import main
from flows.sync_schedule import sync_schedule

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "20"))

BAHRAIN, CHINA = "2024-bahrain-grand-prix", "2024-chinese-grand-prix"
NOW = datetime(2024, 4, 21, 10, 5, tzinfo=UTC)
"""Five minutes after China's race is published."""

AFTERWARDS = [NOW + timedelta(hours=hours) for hours in (26, 8 * 24, 9 * 24 + 2)]
"""The next polls: after a holding time of a day, and after the weekly poll of official results."""

TABLES = {
    "qualifying": ("/2024/qualifying", {f"{BAHRAIN}/qualifying", f"{CHINA}/qualifying"}),
    "results": ("/2024/results", {f"{BAHRAIN}/race", f"{CHINA}/race"}),
    "sprint": ("/2024/2/sprint", {f"{CHINA}/sprint"}),
    "driverStandings": ("/2024/2/driverStandings", set()),
    "constructorStandings": ("/2024/2/constructorStandings", set()),
}
"""The path of each table, and the sessions that it answers for."""

SESSIONS: set[str] = set().union(*(own for _, own in TABLES.values()))
BOOKKEEPING = {"revision", "next_poll_at", "poll_attempts", "poll_faults", "last_error", "updated_at"}

UNREAD = {"url", "xmlns", "series", "limit", "offset", "Circuit", "Q1", "Q2", "Q3", "nationality", "time"}
"""Names that no rule, or hardly any, is about; alterations aim at the others."""

RANKED = {"position", "positionText", "points", "wins", "driverId", "number"}
"""The names that most rules are about."""

Node = tuple[str | int, ...]


@dataclass(frozen=True)
class Mangling:
    """An alteration of one node of a document: `what`, with `value`; `node` is an index, modulo the number of nodes."""

    what: str
    node: int
    value: Any
    places: tuple[int, int]
    aim: str


texts = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.sampled_from(
        ["", "0", "1", "2", "-3", "8.5", "25", "999", "40000", "1e400", "NaN", "-1", "R", "D", "\\N", "x" * 130]
    ),
    st.integers(-(10**20), 10**20).map(str),
)
values = st.recursive(
    st.one_of(texts, texts, texts, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
manglings = st.builds(
    Mangling,
    st.sampled_from(["value", "value", "value", "copy", "cut", "double", "swap", "swap", "drop"]),
    st.integers(0, 10**6),
    values,
    st.tuples(st.integers(0, 45), st.integers(0, 45)),
    st.sampled_from(["anything", "read", "ranked", "ranked"]),
)


def nodes(document: Any, at: Node = ()) -> Iterator[Node]:
    """The paths of all values of a document."""
    yield at
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in inner:
        yield from nodes(value, (*at, name))


def mangled(document: Any, done: Mangling) -> Any:
    """A document with one node changed; lists are cut, doubled and swapped in."""
    whole = {"": copy.deepcopy(document)}
    listed = done.what in ("cut", "double", "swap")
    found = [node for node in nodes(whole) if node and not (listed and is_short(at(whole, node)))]
    if done.aim != "anything":
        found = [node for node in found if not UNREAD.intersection(node)]
    if done.aim == "ranked" and not listed:
        found = [node for node in found if RANKED.intersection(node)] or found
    if not found:
        return document
    *way, last = found[done.node % len(found)]
    parent = at(whole, tuple(way))
    one, other = done.places
    if done.what == "value":
        parent[last] = done.value
    elif done.what == "copy":  # of another node: a plausible value in a wrong place
        parent[last] = copy.deepcopy(at(whole, found[one * 997 % len(found)]))
    elif done.what == "drop":
        del parent[last]
    elif rows := parent[last]:
        one, other = one % len(rows), other % len(rows)
        if done.what == "cut":
            del rows[one:]
        elif done.what == "double":
            rows.insert(other, copy.deepcopy(rows[one]))
        else:
            rows[one], rows[other] = rows[other], rows[one]
    return whole.get("")


def counted(document: Any) -> Any:
    """A document whose total agrees with its rows, where it still has any."""
    rows = set(jolpica.ROWS.values())
    found = [node for node in nodes(document) if node and node[-1] in rows and isinstance(at(document, node), list)]
    if found and isinstance(document, dict) and isinstance(document.get("MRData"), dict):
        document["MRData"]["total"] = str(sum(len(at(document, node)) for node in found))
    return document


def is_short(value: Any) -> bool:
    """Whether this is not a list, or one too short to cut or to swap items in."""
    return not isinstance(value, list) or len(value) < 2


def at(document: Any, node: Node) -> Any:
    for name in node:
        document = document[name]
    return document


class World:
    """A calendar of two weekends, one with a sprint, and a third to come; a database without results, and what an
    undisturbed run makes."""

    def __init__(self, upstream: Upstream, database: Database) -> None:
        self.upstream = upstream
        self.database = database
        by_name = {event.name: event for event in facts.calendar().events}
        china = replace(by_name["Chinese Grand Prix"], round=2)
        to_come = replace(by_name["Miami Grand Prix"], round=3)
        upstream.calendars[2024] = [by_name["Bahrain Grand Prix"], china, to_come]
        upstream.as_of = NOW
        upstream.timing_after = timedelta(days=999)
        sync_schedule.fn(season=2024, force=False, now=NOW)
        with database.writing() as connection:
            timed = sessions.c.id.not_in(SESSIONS)
            connection.execute(update(sessions).where(timed).values(results_state=ResultsState.SETTLED.value))
        self.template = Database(make_url("sqlite://"), "f1")
        self._copy(database, self.template)
        self.documents = {
            name: json.loads(upstream.answer(f"/ergast/f1{path}.json?limit=100&offset=0").body)
            for name, (path, _) in TABLES.items()
        }
        self.live([])
        self.undisturbed = self.state()

    def live(self, faults: list[Fault]) -> None:
        """Start without results: poll with these faults, then poll again without them."""
        self._copy(self.template, self.database)
        self.upstream.faults = faults
        self.poll(NOW)
        self.after_the_first_poll = self.official()
        self.check()
        self.upstream.faults = []
        for now in AFTERWARDS:
            self.poll(now)
            self.check()

    def poll(self, now: datetime) -> None:
        """Run the command itself, which must end with 0 or 1 and without a traceback."""
        self.upstream.requests.clear()
        said = io.StringIO()
        with redirect_stderr(said), redirect_stdout(said):
            status = main(["--now", now.isoformat()])
        assert status in (0, 1)
        assert "Traceback" not in said.getvalue(), said.getvalue()
        said.getvalue().encode()

    def official(self) -> set[str]:
        """The sessions with an official classification."""
        return {row["id"] for row in self.rows(sessions) if row["results_state"] == ResultsState.OFFICIAL.value}

    def check(self) -> None:
        """Assert that nothing is stored that a rule forbids."""
        classified: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows(results):
            classified.setdefault(row["session_id"], []).append(row)
        for session_id, rows in classified.items():
            kind = kind_of(session_id)
            most = most_points(2024, kind)
            assert len(rows) <= 26
            assert all(0 <= row["points"] <= most for row in rows if row["points"] is not None)
            ids = [row["driver_id"] for row in rows if row["driver_id"]]
            assert len(set(ids)) == len(ids)
            if kind is not SessionKind.QUALIFYING:
                in_order(rows)
                assert all(row["position"] for row in rows if row["points"])
        for table, name in ((driver_standings, "driver_id"), (team_standings, "team_id")):
            found: dict[str, list[dict[str, Any]]] = {}
            for row in self.rows(table):
                found.setdefault(row["event_id"], []).append(row)
            for event_id, rows in found.items():
                scoring = [own for one, own in classified.items() if one.endswith(("/race", "/sprint"))]
                so_far = [row for own in scoring for row in own if row["session_id"] < f"{event_id}/z"]
                self.check_standings(rows, name, so_far, is_whole=self.official() >= SESSIONS)
        for table in (results, drivers, teams, sessions):
            for row in self.rows(table):
                for value in row.values():
                    if isinstance(value, str):
                        assert len(value) <= LONGEST_LINE or value == row.get("last_error")
                        assert not {unicodedata.category(character) for character in value} & CONTROL_CATEGORIES

    @staticmethod
    def check_standings(rows: list[dict[str, Any]], name: str, scored: list[dict[str, Any]], *, is_whole: bool) -> None:
        """Assert places without a gap; where all results are known, all that scored, with no more points than paid."""
        in_order(rows)
        places = sorted(row["position"] for row in rows if row["position"])
        assert places == list(range(1, len(places) + 1))
        assert len({row[name] for row in rows}) == len(rows)
        assert all(0 <= row["points"] <= 2 * (26 + 26 + 8) for row in rows)
        if is_whole:
            assert {row[name] for row in rows} == {row[name] for row in scored}
            assert sum(row["points"] for row in rows) <= sum(row["points"] or 0 for row in scored)
            assert len([row for row in rows if row["points"] and not row["position"]]) <= ADJUSTED_AT_MOST

    def state(self) -> dict[str, Any]:
        """The contents without the bookkeeping of polls, and without drivers and teams that no other row refers to."""
        found: dict[str, Any] = {
            table.name: sorted(map(repr, self.rows(table)))
            for table in (results, driver_standings, team_standings, held)
        }
        found["sessions"] = {
            row["id"]: {name: value for name, value in row.items() if name not in BOOKKEEPING}
            for row in self.rows(sessions)
        }
        for table, name, standings in ((drivers, "driver_id", driver_standings), (teams, "team_id", team_standings)):
            named = {row[name] for rows in (self.rows(results), self.rows(standings)) for row in rows}
            found[table.name] = {row["id"]: row for row in self.rows(table) if row["id"] in named}
        return found

    def rows(self, table: Table) -> list[dict[str, Any]]:
        with self.database.reading() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    @staticmethod
    def _copy(source: Database, target: Database) -> None:
        target.engine.dispose()
        with source.engine.connect() as one, target.engine.connect() as other:
            one.connection.driver_connection.backup(other.connection.driver_connection)  # type: ignore[union-attr]


def in_order(rows: list[dict[str, Any]]) -> None:
    """Assert that no place is shared, and that each has at least the points of the next."""
    placed = sorted((row["position"], row["points"] or 0) for row in rows if row["position"])
    assert [place for place, times in Counter(place for place, _ in placed).items() if times > 1] == []
    assert all(more >= fewer for (_, more), (_, fewer) in pairwise(placed))


@pytest.fixture
def world(replay: Upstream, sqlite: Database, no_waiting: None) -> World:
    """The state that every example starts from."""
    return World(replay, sqlite)


def first(what: str, node: int = 0, value: Any = None) -> list[Mangling]:
    return [Mangling(what, node, value, (0, 0), "anything")]


@settings(
    derandomize="HOSTILE_EXAMPLES" not in os.environ,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # an example takes a second, and shrinking one minutes
    max_examples=EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@example("results", True, False, first("value", value={"MRData": None}))
@example("driverStandings", True, False, first("value", value=None))
@given(st.sampled_from(list(TABLES)), st.booleans(), st.booleans(), st.lists(manglings, min_size=1, max_size=3))
def test_any_altered_answer_is_stored_plausibly_or_rejected(
    world: World, table: str, always: bool, agrees: bool, done: list[Mangling]
) -> None:
    """`always`: sessions polled one by one get the altered answer too; `agrees`: the table's total is corrected."""
    document = world.documents[table]
    for one in done:
        document = mangled(document, one)
    if agrees:
        document = counted(document)
    path, own = TABLES[table]
    match = path.replace("/2024/", "/2024/([0-9]+/)?") if always else path
    world.live([Fault(match=match, times=10**6, body=json.dumps(document).encode())])
    assert world.after_the_first_poll >= SESSIONS - own, "every other session is stored"
    assert world.state() == world.undisturbed


def test_the_undisturbed_run_has_all(world: World) -> None:
    """The run that examples are compared with."""
    state = world.undisturbed
    assert world.official() == SESSIONS
    assert (len(state["results"]), len(state["drivers"]), len(state["teams"])) == (100, 20, 10)
    assert state["held"] == []
    assert all("'source': 'jolpica'" in row for row in state["driver_standings"] if CHINA in row)
    assert jolpica.ROWS.keys() == {name.lower() for name in TABLES}
