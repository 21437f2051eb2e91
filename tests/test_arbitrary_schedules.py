"""After any document as a schedule, a sync ends without a traceback, and the next clean answers repair everything."""

from __future__ import annotations

import copy
import itertools
import json
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import connect as sqlite_connect
from typing import Any

import pytest
from hostile_sources import BEGIN, SOURCES, SUMMER, WINTER, moved_events, state, stored, sync
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.bounds import LONGEST_LINE
from core.database import Database, connect
from core.kinds import Source, Status
from core.replay import Upstream
from core.rules.calendar.season import Calendar
from core.settings import Settings
from core.text import CONTROL_CATEGORIES
from flows import refresh_statuses

EXAMPLES = 30
HOUR = timedelta(hours=1)

Document = Any

pytestmark = pytest.mark.usefixtures("no_waiting")


def check_accepted(before: Calendar, after: Calendar) -> None:
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
    assert not [e for e in after.events.values() if e.status is Status.CANCELLED], "no absence is accepted at once"
    assert len(after.events) <= 40
    assert len(moved_events(before, after)) <= 0.2 * len(before.events)


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
        check_accepted(before, stored(database))
        heal(replay, now, capsys)
        assert state(database) == undisturbed[now]
        database.engine.dispose()
        Path(str(database.url.database)).unlink()

    survives()
