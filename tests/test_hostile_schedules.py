"""Hostile schedules: no sync ends in a traceback, nothing impossible is believed, a clean answer repairs the rest.

Everything goes through the command line and the real FastF1, against the replayed upstream with altered bodies.
"""

from __future__ import annotations

import copy
import itertools
import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import connect as sqlite_connect
from typing import Any

import pytest
from conftest import on_postgresql, on_sqlite
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, true

from core.bounds import LONGEST_LINE
from core.database import Database, connect
from core.queries import read_calendar
from core.records import Source, Status
from core.replay import Fault, Upstream
from core.rules.calendar.moves import IMPLAUSIBLE_MOVE
from core.rules.calendar.season import Calendar
from core.schema import changes, circuits, events, held, sessions
from core.settings import Settings
from core.text import CONTROL_CATEGORIES
from flows import refresh_statuses, sync_schedule

EXAMPLES = 30
EVERY = 10**6
FASTF1, JOLPICA, LIVETIMING = "^/schedule/", "^/ergast/", "Index.json"
HOUR = timedelta(hours=1)
BEGIN = datetime(2024, 2, 1, 12, tzinfo=UTC)
WINTER, SUMMER = datetime(2024, 2, 3, 12, tzinfo=UTC), datetime(2024, 7, 27, 15, tzinfo=UTC)
"""Before the season, and within a weekend of it."""

BELGIUM, SPAIN = "2024-belgian-grand-prix", "2024-spanish-grand-prix"
RACES = 24

Document = Any
Change = Callable[[Document], Document]


@pytest.fixture(autouse=True)
def unhurried(no_waiting: None) -> None:
    """Retry without waiting."""


def schedule_file() -> Document:
    """FastF1's schedule of 2024: columns by name, each keyed by the event's index."""
    return served("/schedule/schedule_2024.json")


def races_file() -> Document:
    """Jolpica's races of 2024."""
    return served("/ergast/f1/2024.json?limit=100")


def index_file() -> Document:
    """Live timing's index of 2024."""
    return served("/livetiming/static/2024/Index.json")


def served(path: str) -> Document:
    return json.loads(Upstream().answer(path).body.decode("utf-8-sig"))


@dataclass(frozen=True)
class Answering:
    """A source whose answer is changed, and the sources before it, which are down."""

    match: str
    clean: Callable[[], Document]
    down: tuple[str, ...] = ()

    def faults(self, body: bytes) -> list[Fault]:
        failing = [Fault(match=match, times=EVERY, status=500) for match in self.down]
        return [*failing, Fault(match=self.match, times=EVERY, status=200, body=body)]


SOURCES = {
    Source.FASTF1: Answering(FASTF1, schedule_file),
    Source.JOLPICA: Answering(JOLPICA, races_file, (FASTF1,)),
    Source.LIVETIMING: Answering(LIVETIMING, index_file, (FASTF1, JOLPICA)),
}


def sync(now: datetime, capsys: pytest.CaptureFixture[str], *more: str) -> int:
    """Sync 2024 by the command line; a failure must be one line."""
    capsys.readouterr()
    status = sync_schedule.main(["2024", "--now", now.isoformat(), *more])
    printed = capsys.readouterr().err
    assert status in (0, 1), printed
    assert "Traceback" not in printed
    assert printed.count("error: ") == status, printed
    return status


def stored(database: Database) -> Calendar:
    with database.reading() as connection:
        return read_calendar(connection, 2024)


def state(database: Database) -> dict[str, list[Any]]:
    """The calendar's rows without the times of writing.

    Leaves out circuits without an event, and cancelled sessions, which stay in the history.
    """
    with database.reading() as connection:
        found = {}
        for table in (events, sessions, held):
            wanted = [column for column in table.columns if column.name not in ("id", "updated_at", "at")]
            key = [table.c.id] if table is not held else []
            taking_place = table.c.status != "cancelled" if table is sessions else true()
            rows = connection.execute(select(*key, *wanted).where(taking_place))
            found[table.name] = sorted(map(repr, rows))
        used = select(events.c.circuit_id).scalar_subquery()
        found["circuits"] = sorted(map(repr, connection.execute(select(circuits).where(circuits.c.id.in_(used)))))
        return found


def moved_events(before: Calendar, after: Calendar) -> set[str]:
    """The events whose date, or a session, has moved."""
    moved = {
        session.event_id
        for session in after.sessions.values()
        if (known := before.sessions.get(session.id)) is not None
        and (known.starts_at, known.local_date) != (session.starts_at, session.local_date)
    }
    return moved | {
        event.id
        for event in after.events.values()
        if event.id in before.events and before.events[event.id].last_date != event.last_date
    }


def check_believed(before: Calendar, after: Calendar) -> None:
    """Assert what holds after one answer, whatever it was."""
    texts: list[str | None] = []
    for event in after.events.values():
        assert event.round is None or 1 <= event.round <= 99
        assert event.first_date.year == event.last_date.year == 2024
        assert event.last_date - event.first_date <= timedelta(days=20)
        texts += [event.name, event.official_name, event.country, event.locality]
    texts += [session.name for session in after.sessions.values()]
    for line in filter(None, texts):
        assert len(line) <= LONGEST_LINE
        assert not {unicodedata.category(character) for character in line} & CONTROL_CATEGORIES
    assert set(before.events) <= set(after.events)
    assert set(before.sessions) <= set(after.sessions)
    assert not [e for e in after.events.values() if e.status is Status.CANCELLED], "no absence is believed at once"
    assert len(after.events) <= 40
    assert len(moved_events(before, after)) <= 0.2 * len(before.events)


# -- observed cases -------------------------------------------------------------------------


def nested(depth: int = 50_000) -> bytes:
    return b'{"MRData": ' * depth + b"1" + b"}" * depth


def column(name: str, value: Any) -> Change:
    """Replace a column's values, except testing's; a callable value is called with the old one."""

    def changed(document: Document) -> Document:
        document[name] = {
            index: (value(was) if callable(value) else value) if document["event_format"][index] != "testing" else was
            for index, was in document[name].items()
        }
        return document

    return changed


def cell(name: str, value: Any) -> Change:
    """Spa's value in a column."""

    def changed(document: Document) -> Document:
        [index] = [i for i, event in document["event_name"].items() if event == "Belgian Grand Prix"]
        document[name][index] = value
        return document

    return changed


def without(name: str) -> Change:
    return lambda document: {key: value for key, value in document.items() if key != name}


def rows(pick: Callable[[list[str]], Sequence[str]]) -> Change:
    """The events of these indexes, in this order."""

    def changed(document: Document) -> Document:
        indexes = pick(list(document["event_name"]))
        return {name: {str(n): values[index] for n, index in enumerate(indexes)} for name, values in document.items()}

    return changed


def later(days: int, *, year: int = 0) -> Change:
    """Move every date by so many days, or by a year to the same day."""

    def moved(moment: str | None) -> str | None:
        if moment is None:
            return None
        when = datetime.fromisoformat(moment) + timedelta(days=days)
        return when.replace(year=when.year + year, day=min(when.day, 28)).isoformat()

    def changed(document: Document) -> Document:
        for name in document:
            if name.endswith("_date"):
                document[name] = {index: moved(value) for index, value in document[name].items()}
        return document

    return changed


NO_CALENDAR: dict[str, tuple[Change, str]] = {
    "rounds missing": (without("round_number"), "24 of 25 events cannot be read, the first: an event that cannot"),
    "rounds 0": (column("round_number", 0), "a race without a round"),
    "rounds 1": (column("round_number", 1), "24 events are round 1"),
    "rounds -1": (column("round_number", -1), "round: Input should be greater than or equal to 1"),
    "rounds 10**9": (column("round_number", 10**9), "round: Input should be less than or equal to 99"),
    "a year later": (later(0, year=1), "is not in 2024"),
    "200 events": (rows(lambda indexes: (indexes * 8)[:200]), "200 events"),
    "an event twice": (rows(lambda indexes: [*indexes, indexes[7]]), "2 events are round 7"),
    "testing twice": (rows(lambda indexes: [indexes[0], *indexes]), "Pre-Season Testing twice"),
    "names missing": (without("event_name"), "an event without a name"),
    "formats missing": (without("event_format"), "an event of a new format ''"),
    "a session's column missing": (without("session5"), "no race has a session 5"),
    "names no text": (column("event_name", ["x"]), "another kind of value for a text, "),
}


@on_sqlite
def test_an_impossible_calendar_is_held_and_the_next_source_is_fetched(
    database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync(BEGIN, capsys) == 0
    clean, now = state(database), WINTER
    for case, (change, words) in NO_CALENDAR.items():
        replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(change(schedule_file())).encode())
        replay.requests.clear()
        for n in (1, 2):
            assert sync(now := now + 25 * HOUR, capsys) == 0, case
            assert {request.path.split("/")[1] for request in replay.requests} == {"schedule", "ergast"}, case
            [kept] = stored(database).held.values()
            assert (kept.entity_id, kept.kind.value, kept.times_seen) == ("2024", "schedule_rejected", n), case
            assert kept.payload.keys() == {"fastf1"}, case
            assert words in kept.reason, case
            assert state(database) | {"held": []} == clean, f"{case} is not believed, however often it is repeated"
        replay.faults = []
        assert sync(now, capsys) == 0, case
        assert state(database) == clean, case


def test_a_new_season_is_read_from_the_next_source(
    sqlite: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    document = NO_CALENDAR["rounds missing"][0](schedule_file())
    replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(document).encode())
    assert sync(BEGIN, capsys) == 0
    assert {event.source for event in stored(sqlite).events.values()} == {Source.JOLPICA}
    assert len(stored(sqlite).events) == RACES


CELLS: dict[str, tuple[str, Any]] = {
    "round 40000": ("round_number", 40_000),
    "round -1": ("round_number", -1),
    "round 0": ("round_number", 0),
    "NUL": ("official_event_name", "Belgian\x00 Grand Prix"),
    "surrogate": ("official_event_name", "Belgian \ud800 Grand Prix"),
    "escape": ("location", "\x1b]0;x\x07Spa"),
    "bidi": ("country", "\u202eBelgium"),
    "endless": ("official_event_name", "x" * 5_000),
    "label": ("session5", "\x00"),
    "far": ("session1_date", "2024-01-26T13:30:00"),
    "another year": ("session5_date", "2025-07-28T15:00:00"),
    "two of a kind": ("session4", "Race"),
    "format": ("event_format", "sprint_2030"),
    "object": ("location", {"a": 1}),
}


@on_postgresql
def test_a_malformed_event_is_held_and_the_others_are_applied(
    database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync(BEGIN, capsys) == 0
    clean, before, now = state(database), stored(database), WINTER
    for case, (name, value) in CELLS.items():
        document = cell(name, value)(schedule_file())
        [barcelona] = [i for i, name in document["event_name"].items() if name == "Spanish Grand Prix"]
        document["official_event_name"][barcelona] = "FORMULA 1 GRAN PREMIO"
        replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(document).encode())
        for n in (1, 2):
            assert sync(now := now + 25 * HOUR, capsys) == 0, case
            after = stored(database)
            assert after.events[SPAIN].official_name == "FORMULA 1 GRAN PREMIO", case
            assert after.events[BELGIUM] == before.events[BELGIUM], case
            assert after.sessions == before.sessions, case
            [kept] = after.held.values()
            assert (kept.entity_id, kept.kind.value, kept.times_seen) == (BELGIUM, "schedule_rejected", n), case
            assert kept.reason, case
            assert "Belgian" in kept.payload["document"], case
        replay.faults = []
        assert sync(now, capsys) == 0, case
        assert state(database) == clean, case


def test_a_new_event_that_cannot_be_read_is_left_out(
    database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    document = cell("round_number", 40_000)(schedule_file())
    replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(document).encode())
    assert sync(BEGIN, capsys) == 0
    found = stored(database)
    assert len(found.events) == RACES
    assert BELGIUM not in found.events
    assert [kept.entity_id for kept in found.held.values()] == [BELGIUM]
    replay.faults = []
    assert sync(WINTER, capsys) == 0
    assert BELGIUM in stored(database).events
    assert not stored(database).held


@pytest.mark.parametrize("days", [7, 30, -30])
def test_moving_every_date_is_held_for_a_day_and_moving_back_is_applied_at_once(
    days: int,
    database: Database,
    replay: Upstream,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sync(BEGIN, capsys) == 0
    clean, before = state(database), stored(database)
    document = schedule_file()
    moved = later(days)(copy.deepcopy(document))
    for name in document:  # dates that would leave the year stay
        if name.endswith("_date"):
            for index, moment in moved[name].items():
                if document["event_format"][index] == "testing" or document["event_date"][index] > "2024-11":
                    moved[name][index] = document[name][index]
                assert moment is None or moment.startswith("2024") or document["event_date"][index] > "2024-11"
    replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(moved).encode())
    assert sync(WINTER, capsys) == 0
    assert sync(WINTER + 23 * HOUR, capsys) == 0
    assert stored(database).sessions == before.sessions
    assert stored(database).events == before.events
    assert {answer.reason for answer in stored(database).held.values()} == {IMPLAUSIBLE_MOVE}
    replay.faults = []
    assert sync(WINTER + 23.5 * HOUR, capsys) == 0
    assert state(database) == clean
    replay.faults = SOURCES[Source.FASTF1].faults(json.dumps(moved).encode())
    for n in (30, 54):
        assert sync(WINTER + n * HOUR, capsys) == 0
    assert len(moved_events(before, stored(database))) > RACES / 2, "what is repeated for a day is believed"
    replay.faults = []
    for n in (60, 84):
        assert sync(WINTER + n * HOUR, capsys) == 0
    assert state(database) == clean, "and so is the move back"


SHAPES: dict[str, bytes] = {
    "null": b"null",
    "list": b"[]",
    "number": b"1e400",
    "text": b'"\\ud800"',
    "object": b"{}",
    "of lists": b'{"round_number": [1], "gmt_offset": [null]}',
    "MRData null": b'{"MRData": null}',
    "MRData list": b'{"MRData": []}',
    "total abc": b'{"MRData": {"total": "abc", "limit": "100", "offset": "0", "RaceTable": {"Races": []}}}',
    "total null": b'{"MRData": {"total": null, "limit": "100", "offset": "0", "RaceTable": {"Races": []}}}',
    "total huge": b'{"MRData": {"total": "10000000", "limit": "100", "offset": "0", "RaceTable": {"Races": []}}}',
    "RaceTable null": b'{"MRData": {"total": "24", "limit": "100", "offset": "0", "RaceTable": null}}',
    "Races null": b'{"MRData": {"total": "24", "limit": "100", "offset": "0", "RaceTable": {"Races": null}}}',
    "Races of null": b'{"MRData": {"total": "2", "limit": "100", "offset": "0", "RaceTable": {"Races": [null, 1]}}}',
    "deep": nested(),
    "deep list": b"[" * 50_000 + b"]" * 50_000,
    "not UTF-8": b'{"MRData": "\xff\xfe"}',
    "NUL": b"\x00",
}


def test_a_fault_of_the_circuits_fails_no_sync(
    database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    now = BEGIN
    for case, body in SHAPES.items():
        replay.faults = [Fault(match=JOLPICA, times=EVERY, status=200, body=body)]
        replay.requests.clear()
        assert sync(now := now + 25 * HOUR, capsys) == 0, case
        assert any("/ergast/" in request.path for request in replay.requests), case
        found = stored(database)
        assert {event.source for event in found.events.values()} == {Source.FASTF1}, case
        assert len(found.events) == RACES + 1, case
        assert not found.circuits, case
    replay.faults = []
    assert sync(now + 25 * HOUR, capsys) == 0
    assert len({event.circuit_id for event in stored(database).events.values()} - {None}) == RACES


@on_sqlite
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_document_of_another_shape_changes_nothing_and_the_next_source_answers(
    source: Source, database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync(BEGIN, capsys) == 0
    clean = state(database)
    for case, body in SHAPES.items():
        replay.faults = SOURCES[source].faults(body)
        assert sync(SUMMER, capsys) == (source is Source.LIVETIMING), (
            f"{case}: a fault of the last source fails the sync"
        )
        assert state(database) | {"held": []} == clean, case
        replay.faults = []
        assert sync(SUMMER, capsys) == 0, case
        assert state(database) == clean, case


def test_data_that_the_database_refuses_are_one_line(
    new_database: Database, replay: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    """For data that the records accept: a narrower column, or on SQLite a trigger, refuses a country."""
    new_database.ensure_schema()
    narrower = (
        f'ALTER TABLE "{new_database.schema}".circuits ALTER COLUMN country TYPE varchar(5)'
        if new_database.is_postgresql
        else "CREATE TRIGGER narrow BEFORE INSERT ON circuits WHEN length(NEW.country) > 5 "
        "BEGIN SELECT RAISE(ABORT, 'value too long'); END"
    )
    with new_database.writing() as connection:
        connection.execute(text(narrower))
    assert sync(BEGIN, capsys) == 1
    assert not stored(new_database).events
    with new_database.reading() as connection:
        assert connection.scalar(select(changes.c.id).limit(1)) is None


# -- anything -----------------------------------------------------------------------------------------

NASTY = (
    """
 |None|nan|NaT|soon|²|[/]|<b>|0|1|-1|14|99|100|40000|1e400|2025-07-28|2024-07-28|0001-01-01|9999-12-31T23:59:59|2024-02-30
2024-12-31T23:59:59|2024-07-26T13:30:00|13:30:00Z|24:00|-99:00|+02:00|Race|Sprint|Qualifying|Practice 1|testing|sprint
spa|monza|Belgian Grand Prix|Pre-Season Testing|Belgium|../../x
""".strip()
    .replace("\n", "|")
    .split("|")
)
NASTY += ["", "|", "\x00", "a\x00b", "\ud800", "\u202eabc", "\x1b[31mred", "x" * 121, "x" * 5_000]
NUMBERS = [0, 1, -1, 14, 99, 100, 40_000, 10**9, 2**31, 2**63, 10**30, 0.5, 1.5, -0.0, 1e308]
NUMBERS += [float("nan"), float("inf")]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.sampled_from(NASTY),
    st.integers(),
    st.text(st.characters(exclude_categories=()), max_size=8),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)

Path_ = tuple[str | int, ...]


def paths(document: Document, at: Path_ = ()) -> Iterator[Path_]:
    """The paths of all nodes."""
    yield at
    if isinstance(document, list):
        document = dict(enumerate(document))
    for key, child in document.items() if isinstance(document, dict) else ():
        yield from paths(child, (*at, key))


def node(document: Document, path: Path_) -> Document:
    for key in path:
        document = document[key]
    return document


def put(document: Document, path: Path_, value: Any) -> Document:
    if not path:
        return value
    node(document, path[:-1])[path[-1]] = value
    return document


ARRANGEMENTS = ("cut", "drop", "double", "twice", "turn", "rotate", "swap")


def rearranged(what: str, items: list[Any], one: int, other: int) -> list[Any]:
    """A list cut short, doubled, with one item doubled or dropped, reversed, or with two items swapped."""
    one, other = one % len(items), other % len(items)
    if what == "swap":
        items[one], items[other] = items[other], items[one]
        return items
    return {
        "cut": items[:one],
        "drop": [item for n, item in enumerate(items) if n != one],
        "double": items + items,
        "twice": [*items, items[one]],
        "turn": items[::-1],
        "rotate": items[one:] + items[:one],
    }[what]


@st.composite
def changed(draw: st.DrawFn, clean: Document) -> Document:
    """A document with up to three nodes replaced or, if lists, rearranged."""
    document = copy.deepcopy(clean)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        by_depth: dict[int, list[Path_]] = {}
        for path in paths(document):
            by_depth.setdefault(len(path), []).append(path)
        path = draw(st.sampled_from(by_depth[draw(st.sampled_from(sorted(by_depth)))]))
        found = node(document, path)
        what = draw(st.sampled_from(["value", "copy", "key", *ARRANGEMENTS]))
        one, other = draw(st.integers(0, 99)), draw(st.integers(0, 99))
        if what == "copy":
            source = draw(st.sampled_from(by_depth[len(path)]))
            document = put(document, path, copy.deepcopy(node(document, source)))
        elif what == "key" and isinstance(found, dict) and found:
            del found[list(found)[one % len(found)]]
        elif isinstance(found, list) and found and what not in ("value", "key"):
            document = put(document, path, rearranged(what, found, one, other))
        elif isinstance(found, dict) and found and what not in ("value", "key"):
            document = put(document, path, rearranged_columns(what, found, one, other))
        else:
            document = put(document, path, draw(values))
    return document


def rearranged_columns(what: str, found: Document, one: int, other: int) -> Document:
    """Rearrange a column of FastF1's, which is a dictionary by index, or all columns of a table alike."""
    if all(isinstance(child, dict) for child in found.values()):
        return {key: rearranged_columns(what, child, one, other) if child else child for key, child in found.items()}
    return {str(n): item for n, item in enumerate(rearranged(what, list(found.values()), one, other))}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the database that every example starts from; the first example fills it."""
    return tmp_path_factory.mktemp("known") / "f1.db"


def begin(known: Path, file: Path, capsys: pytest.CaptureFixture[str], environment: pytest.MonkeyPatch) -> Database:
    """A copy, at `file`, of the database that a clean sync has filled."""
    environment.setenv("DATABASE_URL", f"sqlite:///{file}")
    database = connect(Settings.load())
    if not known.exists():
        assert sync(BEGIN, capsys) == 0
        copy_file(file, known)
    else:
        copy_file(known, file)
    return database


def copy_file(source: Path, target: Path) -> None:
    with closing(sqlite_connect(source)) as one, closing(sqlite_connect(target)) as other:
        one.backup(other)


def heal(replay: Upstream, now: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    """Sync with clean answers until every holding time is over, and refresh statuses."""
    replay.faults = []
    for hours in (1, 50):
        assert sync(now + hours * HOUR, capsys) == 0
        assert refresh_statuses.main(["--now", (now + hours * HOUR).isoformat()]) == 0


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_after_any_document_a_sync_ends_and_the_next_one_succeeds(
    source: Source,
    known: Path,
    replay: Upstream,
    tmp_path: Path,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answering = SOURCES[source]
    undisturbed: dict[datetime, dict[str, list[Any]]] = {}
    counter = itertools.count()

    @settings(
        derandomize=True,
        deadline=None,
        database=None,
        max_examples=EXAMPLES // len(SOURCES),
        suppress_health_check=list(HealthCheck),
    )
    @given(document=changed(answering.clean()), now=st.sampled_from([WINTER, SUMMER]))
    def survives(document: Document, now: datetime) -> None:
        replay.faults = []
        database = begin(known, tmp_path / f"{next(counter)}.db", capsys, environment)
        if now not in undisturbed:
            heal(replay, now, capsys)
            undisturbed[now] = state(database)
            database.engine.dispose()
            database = begin(known, tmp_path / f"{next(counter)}.db", capsys, environment)
        before = stored(database)
        replay.faults = answering.faults(json.dumps(document).encode())
        sync(now, capsys)
        check_believed(before, stored(database))
        heal(replay, now, capsys)
        assert state(database) == undisturbed[now]
        database.engine.dispose()
        Path(str(database.url.database)).unlink()

    survives()
