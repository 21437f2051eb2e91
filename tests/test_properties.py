"""Properties that hold for any answers of upstream, in any order and number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import make_url, select

from core.database import Database
from core.kinds import SessionKind, Source, Status
from core.queries import read_entries, results_as_of
from core.records import Driver, Entry, ScheduleAnswer, SessionResult, Team
from core.replay import facts, jolpica
from core.rules.calendar.identity import new_event_id, session_id, slug
from core.rules.calendar.reconcile import reconcile
from core.rules.calendar.season import Calendar
from core.rules.results.outcome import Outcome
from core.rules.results.polling import Cadence
from core.rules.results.quality import Case, Severity, examine
from core.schema import changes, drivers, events, held, result_revisions, results, sessions, team_standings, teams
from core.schema import driver_standings as driver_table
from core.transform.schedule import schedule_answer
from core.upsert.results import accept_result
from core.upsert.schedule import upsert_schedule
from core.upsert.statuses import refresh_statuses

SPA = "2024-belgian-grand-prix"
RACE = f"{SPA}/race"
BEGIN = datetime(2024, 2, 1, tzinfo=UTC)
FINISH = datetime(2024, 7, 28, 16, tzinfo=UTC)
CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
PAID = (25, 18, 15, 12, 10, 8, 6, 4)
FIELD = 8
TABLES = (events, sessions, results, result_revisions, drivers, teams, driver_table, team_standings, changes, held)

bounded = settings(
    derandomize=True,
    deadline=None,
    max_examples=50,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@cache
def calendar() -> ScheduleAnswer:
    """Three rounds of 2024, Spa the middle one."""
    races = jolpica.races(2024, facts.calendar().events)
    return schedule_answer([race for race in races if race["round"] in ("13", "14", "15")], 2024, Source.JOLPICA)


@contextmanager
def fresh() -> Iterator[Database]:
    """An SQLite database of its own, with the calendar."""
    with TemporaryDirectory() as folder:
        database = Database(make_url(f"sqlite:///{Path(folder)}/f1.db"), "f1")
        try:
            with template().engine.connect() as source, database.engine.connect() as target:
                source.connection.driver_connection.backup(target.connection.driver_connection)  # type: ignore[union-attr]
            yield database
        finally:
            database.engine.dispose()


@cache
def template() -> Database:
    """The database that every example starts from: migrated once, in memory."""
    database = Database(make_url("sqlite://"), "f1")
    database.ensure_schema()
    upsert_schedule(database, calendar(), (), BEGIN)
    return database


def classified(order: list[int], out: frozenset[int], source: Source = Source.JOLPICA) -> SessionResult:
    """A classification in this order, with the disqualified cars at the end."""
    official = source is Source.JOLPICA
    listed = [car for car in order if car not in out] + [car for car in order if car in out]
    entries = tuple(
        Entry(
            car_number=str(car),
            driver_id=f"d{car}" if official else None,
            driver_code=f"D{car:02}",
            team_id=f"t{car // 2}" if official else None,
            listed_position=place,
            position=None if car in out else place,
            classification=("D" if car in out else str(place)) if official else None,
            points=Decimal(0 if car in out else PAID[place - 1]) if official else None,
            laps=44,
            source=source,
        )
        for place, car in enumerate(listed, 1)
    )
    return SessionResult(
        season=2024,
        round=14,
        kind=SessionKind.RACE,
        source=source,
        entries=entries,
        drivers=tuple(Driver(id=f"d{car}", given_name="D", family_name=f"D{car}") for car in order) if official else (),
        teams=tuple(Team(id=f"t{n}", name=f"T{n}") for n in sorted({car // 2 for car in order})) if official else (),
    )


def broken(result: SessionResult, how: str) -> SessionResult:
    """Tables that the gates refuse: empty, half a table, two drivers in one place, a car twice."""
    entries = list(result.entries)
    if how == "empty":
        entries = []
    elif how == "half":
        entries = entries[: FIELD // 2]
    elif how == "place":
        entries[1] = entries[1].model_copy(update={"position": entries[0].position or 1})
        entries[0] = entries[0].model_copy(update={"position": entries[0].position or 1})
    elif how == "twice":
        entries.append(entries[0].model_copy(update={"ordinal": 1}))
    return result.model_copy(update={"entries": tuple(entries)})


orders = st.permutations(range(1, FIELD + 1)).map(list)
good = st.builds(
    classified,
    orders,
    st.frozensets(st.integers(1, FIELD), max_size=2),
    st.sampled_from([Source.JOLPICA, Source.JOLPICA, Source.LIVETIMING]),
)
bad = st.builds(broken, good, st.sampled_from(["empty", "half", "place", "twice"]))
pauses = st.sampled_from([timedelta(minutes=5), timedelta(hours=7), timedelta(hours=25)])
# Few documents, each repeated often, so that superseded ones come again.
steps = st.tuples(good, good, st.one_of(good, bad)).flatmap(
    lambda own: st.lists(st.tuples(st.sampled_from(own), pauses), min_size=4, max_size=10)
)


def rows(database: Database, *left_out: str) -> dict[str, list[Any]]:
    with database.reading() as connection:
        return {
            table.name: sorted(
                repr({name: value for name, value in row.items() if name not in left_out})
                for row in connection.execute(select(table)).mappings()
            )
            for table in TABLES
        }


class Rules:
    """The design's rules for a session's answers in a few lines: the model that the database is compared with."""

    def __init__(self) -> None:
        self.held: tuple[Entry, ...] = ()
        self.official = False
        self.seen: list[tuple[Entry, ...]] = []
        self.waiting: tuple[tuple[Entry, ...], datetime] | None = None

    def apply(self, result: SessionResult, now: datetime) -> None:
        timed = result.source is Source.LIVETIMING
        if timed and self.official:
            # Rejected: it is not stored, and a held answer is dropped.
            self.waiting = None
            return
        refused = {finding.severity for finding in examine(Case(result, self.held))} & {Severity.REJECT}
        if refused:
            return
        entries = result.entries
        if entries == self.held and (timed or self.official):
            self.waiting = None
            return
        if entries in self.seen:
            if self.waiting is None or self.waiting[0] != entries:
                self.waiting = (entries, now)
            if now - self.waiting[1] < timedelta(hours=24):
                return
        self.waiting = None
        self.held = entries
        self.official = not timed
        self.seen.append(entries)


@bounded
@given(steps)
def test_answers_in_any_order_and_number_end_with_the_last_accepted_one(
    answers: list[tuple[SessionResult, timedelta]],
) -> None:
    rules, now = Rules(), FINISH
    with fresh() as database:
        for result, pause in answers:
            now += pause
            accept_result(database, RACE, result, now, CADENCE)
            rules.apply(result, now)
            with database.reading() as connection:
                assert tuple(read_entries(connection, RACE)) == rules.held
                state = connection.execute(select(sessions.c.results_state, sessions.c.revision)).all()
        with database.reading() as connection:
            state = connection.execute(select(sessions).where(sessions.c.id == RACE)).one()
            announced = connection.execute(select(changes.c.id).where(changes.c.kind.like("results_%"))).all()
        assert state.revision == len(rules.seen) == len(announced)
        expected = "official" if rules.official else "provisional" if rules.held else "awaited"
        assert state.results_state == expected


@bounded
@given(steps)
def test_as_of_reproduces_what_was_stored_at_each_moment(answers: list[tuple[SessionResult, timedelta]]) -> None:
    stored: list[tuple[datetime, int, list[Entry]]] = [(FINISH, 0, [])]
    now = FINISH
    with fresh() as database:
        for result, pause in answers:
            now += pause
            polled = accept_result(database, RACE, result, now, CADENCE)
            with database.reading() as connection:
                stored.append((now, polled.revision, read_entries(connection, RACE)))
        with database.reading() as connection:
            for (since, revision, entries), (until, *_) in itertools.pairwise(
                [*stored, (now + timedelta(days=9), 0, [])]
            ):
                for moment in (since, until - timedelta(seconds=1)):
                    found = results_as_of(connection, RACE, moment)
                    assert (found[0], found[2]) == (revision, entries) if found else (revision, entries) == (0, [])


@bounded
@given(good)
def test_the_same_result_again_writes_nothing(result: SessionResult) -> None:
    with fresh() as database:
        accept_result(database, RACE, result, FINISH, CADENCE)
        before = rows(database, "poll_attempts", "next_poll_at")
        written: list[str] = []

        def note(*arguments: Any) -> None:
            if arguments[2].split()[0] in ("INSERT", "UPDATE", "DELETE"):
                written.append(arguments[2])

        sqlalchemy_event.listen(database.engine, "before_cursor_execute", note)
        again = accept_result(database, RACE, result, FINISH + timedelta(minutes=5), CADENCE)
        assert again.outcome is Outcome.UNCHANGED
        assert rows(database, "poll_attempts", "next_poll_at") == before
        # The only row that a poll may write is its session's, for the time of the next poll.
        assert [statement.split()[:2] for statement in written] == [["UPDATE", "main.sessions"]] * len(written)
        assert len(written) <= 1


moments = st.lists(
    st.integers(0, 60 * 24 * 40).map(lambda minutes: datetime(2024, 7, 18, tzinfo=UTC) + timedelta(minutes=minutes)),
    min_size=2,
    max_size=8,
)
ORDER = ("scheduled", "live", "completed")


@bounded
@given(moments, st.booleans())
def test_statuses_never_go_back(at: list[datetime], ordered: bool) -> None:
    """At any moments, in order of time or not; in order, the statuses are those of the last moment."""
    with fresh() as database:
        known: dict[str, str] = {}
        for now in sorted(at) if ordered else at:
            refresh_statuses(database, now)
            found = statuses(database)
            assert all(ORDER.index(known.get(i, "scheduled")) <= ORDER.index(status) for i, status in found.items())
            known = found
    with fresh() as other:
        refresh_statuses(other, max(at))
        assert statuses(other) == known


def statuses(database: Database) -> dict[str, str]:
    with database.reading() as connection:
        return {
            row.id: row.status
            for table in (events, sessions)
            for row in connection.execute(select(table.c.id, table.c.status))
        }


listed = st.lists(
    st.tuples(st.integers(0, len(calendar().events) - 1), st.integers(-3, 3), st.booleans()),
    unique_by=lambda chosen: chosen[0],
    max_size=3,
)


def altered(changed: list[tuple[int, int, bool]]) -> ScheduleAnswer:
    """The calendar with some events moved by days, and renamed."""
    found = list(calendar().events)
    for index, days, renamed in changed:
        event, shift = found[index], timedelta(days=days)
        found[index] = event.model_copy(
            update={
                "name": f"Grand Prix of {event.locality}" if renamed else event.name,
                "last_date": event.last_date + shift,
                "sessions": tuple(
                    slot.model_copy(
                        update={
                            "local_date": slot.local_date and slot.local_date + shift,
                            "instant": slot.instant and slot.instant + shift,
                        }
                    )
                    for slot in event.sessions
                ),
            }
        )
    return calendar().model_copy(update={"events": tuple(found)})


EMPTY = Calendar({}, {}, {}, {})


@bounded
@given(st.lists(listed, min_size=1, max_size=3), st.integers(0, 24 * 220))
def test_a_calendar_reconciled_twice_with_one_answer_changes_nothing(
    answers: list[list[tuple[int, int, bool]]], after: int
) -> None:
    now = BEGIN + timedelta(hours=after)
    known = EMPTY
    for changed in answers:
        known = reconcile(known, altered(changed), now).calendar
    again = reconcile(known, altered(answers[-1]), now)
    assert again.changes == ()
    assert (again.calendar.events, again.calendar.sessions) == (known.events, known.sessions)
    assert again.calendar.circuits == known.circuits
    assert all(event.status is not Status.CANCELLED for event in known.events.values())


@bounded
@given(st.lists(st.text(max_size=12), max_size=30))
def test_ids_are_unique_and_plain_whatever_the_names(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        assert slug(slug(name)) == slug(name)
        taken.append(new_event_id(2024, name, taken))
    found = [*taken, *(session_id(event, kind) for event in taken for kind in SessionKind)]
    assert len(set(found)) == len(found)
    assert all(identity.startswith("2024-") for identity in found)
    assert all(identity.isascii() and identity == identity.lower() and " " not in identity for identity in found)
