"""Revisions: provisional, official, revised, restored, dropped, and the standings after each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from conftest import poll_by_name
from reached import Reached
from recording import Recording, needs_recording
from sqlalchemy import column, delete, select, table

from core.database import Database
from core.queries import read_due_polls, read_entries, results_as_of
from core.records import ChangeKind, Entry, HeldKind, SessionKind, SessionResult, Source
from core.replay import Fault, Upstream
from core.rules.results.outcome import Outcome, Polled
from core.rules.results.polling import Cadence
from core.schema import (
    championship_adjustments,
    changes,
    driver_standings,
    events,
    held,
    result_revisions,
    results,
    sessions,
    team_standings,
)
from core.transform.results import result_of_race
from core.upsert.results import accept_result
from core.upsert.schedule import SeasonSummary
from flows.poll_results import poll_results

Sync = Callable[..., SeasonSummary]
Document = dict[str, Any]

SPA, DUTCH, MONACO = "2024-belgian-grand-prix", "2024-dutch-grand-prix", "2024-monaco-grand-prix"
AUSTRIA, HUNGARY = "2024-austrian-grand-prix", "2024-hungarian-grand-prix"
ROUNDS = {MONACO: 8, AUSTRIA: 11, HUNGARY: 13, SPA: 14, DUTCH: 15}
RACE, QUALIFYING = SessionKind.RACE, SessionKind.QUALIFYING
CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
PAID = ("25", "18", "15", "12", "10", "8", "6", "4", "2", "1")
RESULT_CHANGES = ("results_published", "results_official", "results_revised", "results_restored")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


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


@pytest.fixture
def season(database: Database, replay: Upstream, sync: Sync, reached: Reached) -> Season:
    """2024's calendar, and no result yet."""
    replay.as_of = APRIL
    reached(APRIL, lambda: sync(2024, APRIL))
    return Season(database, replay, reached)


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


def test_spa_is_provisional_then_official_then_revised(season: Season) -> None:
    race = f"{SPA}/race"
    polled = live_through_spa(season)
    assert [(one.outcome, one.revision) for one in polled] == [
        (Outcome.PUBLISHED, 1),
        (Outcome.OFFICIAL, 2),
        (Outcome.REVISED, 3),
    ]
    said = polled[-1].diff
    assert "Russell 1 → DSQ" in said
    assert "Hamilton 2 → 1, 18 → 25 points" in said

    feed = season.feed(race, *RESULT_CHANGES)
    assert [(c.kind, c.at) for c in feed] == [
        ("results_published", TIMED),
        ("results_official", OFFICIAL),
        ("results_revised", REVISED),
    ]
    assert [c.after["revision"] for c in feed] == [1, 2, 3]
    assert [c.before["revision"] for c in feed] == [0, 1, 2]
    assert [c.after["results_state"] for c in feed] == ["provisional", "official", "official"]
    assert feed[-1].after["diff"] == said

    revisions = season.revisions(race)
    assert [(r.revision, r.observed_at, r.source, r.state) for r in revisions] == [
        (1, TIMED, "livetiming", "provisional"),
        (2, OFFICIAL, "jolpica", "official"),
        (3, REVISED, "jolpica", "official"),
    ]
    assert [len(r.rows) for r in revisions] == [20, 20, 20]
    assert [r.rows[0]["driver_id"] for r in revisions] == ["russell", "russell", "hamilton"]
    [russell] = [row for row in revisions[2].rows if row["driver_id"] == "russell"]
    assert (russell["position"], russell["classification"], russell["laps"]) == (None, "D", 44)
    assert [Entry(**row) for row in revisions[2].rows] == list(season.entries(SPA).values())
    assert (season.session(race).revision, season.session(race).results_state) == (3, "official")

    for earlier, later, expected in (
        (TIMED - SECOND, TIMED, None),
        (TIMED, OFFICIAL, (1, "provisional", "russell")),
        (OFFICIAL, REVISED, (2, "official", "russell")),
        (REVISED, REVISED + DAY, (3, "official", "hamilton")),
    ):
        for at in (earlier, later - SECOND):
            with season.database.reading() as connection:
                found = results_as_of(connection, race, at)
            assert (found and (found[0], found[1], found[2][0].driver_id)) == expected


def test_standings_follow_only_official_results_and_each_correction(season: Season) -> None:
    before_spa(season)
    season.standings_are_right(HUNGARY)
    kept = season.standings(HUNGARY)
    found = []
    for now in (TIMED, OFFICIAL, REVISED):
        season.upstream.as_of = now
        poll(SPA, now)
        found.append((season.standings(SPA), season.standings(SPA, "team")))
        if now > TIMED:
            season.standings_are_right(SPA)
    (timed, _), (first, first_teams), (last, last_teams) = found
    assert timed == {}
    assert first["russell"][0] - last["russell"][0] == 25
    assert last["hamilton"][0] - first["hamilton"][0] == 7
    assert (first["russell"][1] - last["russell"][1], last["hamilton"][1] - first["hamilton"][1]) == (1, 1)
    assert (first_teams["mercedes"][0] - last_teams["mercedes"][0], first_teams["mercedes"][1]) == (Decimal(18), 3)
    assert last_teams["mercedes"][1] == 3
    assert season.standings(HUNGARY) == kept
    feed = [change.at for change in season.feed("2024", ChangeKind.STANDINGS.value) if change.at >= TIMED]
    assert feed == [OFFICIAL, REVISED]


def test_our_own_standings_are_right_where_jolpica_publishes_none(season: Season, no_waiting: None) -> None:
    """Standings from results alone, while Jolpica's are empty."""
    before_spa(season)
    season.upstream.faults.append(Fault(match="(?i)standings", times=100, status=500))
    for now in (OFFICIAL, REVISED):
        season.upstream.as_of = now
        poll(SPA, now)
        season.standings_are_right(SPA)
    with season.database.reading() as connection:
        own = team_standings.c.event_id == SPA
        assert set(connection.scalars(select(team_standings.c.source).where(own))) == {"results"}


def test_a_first_poll_accepts_standings_of_unknown_drivers(season: Season) -> None:
    """In a new database one event is polled: Jolpica's standings include drivers without a result in it."""
    season.upstream.as_of = REVISED
    assert poll(SPA, REVISED).outcome is Outcome.OFFICIAL
    assert "bearman" in season.published_standings(SPA)
    season.standings_are_right(SPA)


def test_standings_are_recomputed_for_the_event_and_all_after_it(season: Season) -> None:
    """Spa is corrected after the Dutch race is official: both championships change from Spa on."""
    races = {ROUNDS[e]: season.race(e) for e in (HUNGARY, SPA, DUTCH)}
    order = order_of(races[14])
    first = rearranged(races[14], ["russell", *(driver for driver in order if driver != "russell")])
    # The replay's row has D for Russell; in the first answer he won.
    first["Results"][0].update(positionText="1", position="1", points="25", status="Finished")
    season.publish({**races, 14: rearranged(first, order_of(first))})
    for event, now in ((HUNGARY, "2024-07-21T18:00Z"), (SPA, "2024-07-28T18:00Z"), (DUTCH, "2024-08-25T18:00Z")):
        assert poll(event, moment(now)).outcome is Outcome.OFFICIAL
    season.standings_are_right(HUNGARY, SPA, DUTCH)
    kept = season.standings(HUNGARY), season.standings(HUNGARY, "team")
    wins = {event: season.standings(event)["russell"][1] for event in (SPA, DUTCH)}
    announced = len(season.feed("2024", ChangeKind.STANDINGS.value))

    season.publish(races)
    polled = poll(SPA, moment("2024-09-20T12:00Z"))
    assert polled.outcome is Outcome.REVISED
    assert "Russell 1 → DSQ" in polled.diff
    season.standings_are_right(HUNGARY, SPA, DUTCH)
    assert (season.standings(HUNGARY), season.standings(HUNGARY, "team")) == kept
    assert wins == {SPA: 1, DUTCH: 1}
    assert {season.standings(event)["russell"][1] for event in (SPA, DUTCH)} == {0}
    feed = season.feed("2024", ChangeKind.STANDINGS.value)[announced:]
    assert [change.after["from_event"] for change in feed] == [SPA, DUTCH], (
        "our own standings, and Jolpica's for the latest event"
    )
    assert feed[0].after["events"] == 2


def test_nine_penalties_at_once_are_one_revision(season: Season) -> None:
    """As in Austria 2023: hours after the race nine drivers lose or gain places."""
    order = order_of(season.race(AUSTRIA))
    before = rearranged(season.race(AUSTRIA), order)
    penalised = [*order[:5], *order[6:14], order[5], *order[14:]]
    season.publish({11: before})
    poll(AUSTRIA, moment("2024-06-30T16:00Z"))
    season.standings_are_right(AUSTRIA)
    season.publish({11: rearranged(before, penalised)})
    polled = poll(AUSTRIA, moment("2024-06-30T21:00Z"))
    assert (polled.outcome, polled.revision) == (Outcome.REVISED, 2)
    assert season.places(AUSTRIA)[:14] == penalised[:14]
    [_, revision] = season.revisions(f"{AUSTRIA}/race")
    assert {difference["driver"] for difference in revision.diff} == set(order[5:14])
    assert all("position" in difference for difference in revision.diff)
    assert polled.diff.count(";") == 8
    assert len(season.feed(f"{AUSTRIA}/race", "results_revised")) == 1
    season.standings_are_right(AUSTRIA)


def test_a_place_that_changes_four_times_in_89_days(season: Season) -> None:
    """Third place goes to another driver, back on appeal, and away again for good."""
    race = f"{MONACO}/race"
    order = order_of(season.race(MONACO))
    first = rearranged(season.race(MONACO), order)
    second = rearranged(first, swapped(order, 3, 4))
    third = rearranged(first, swapped(order, 3, 5))
    last = rearranged(first, swapped(swapped(order, 3, 4), 5, 6))
    finish = moment("2024-05-26T16:00Z")
    plan = (
        (finish, first, Outcome.OFFICIAL, 1),
        (finish + 2 * DAY, second, Outcome.REVISED, 2),
        (finish + 20 * DAY, third, Outcome.REVISED, 3),
        # A superseded table again: held for a day, then believed if it is repeated.
        (finish + 60 * DAY, second, Outcome.HELD, 3),
        (finish + 60 * DAY + timedelta(hours=23), second, Outcome.HELD, 3),
        (finish + 61 * DAY, second, Outcome.RESTORED, 4),
        (finish + 89 * DAY, last, Outcome.REVISED, 5),
    )
    believed: list[tuple[datetime, int, list[str]]] = []
    for now, document, outcome, revision in plan:
        season.publish({8: document})
        polled = poll(MONACO, now)
        assert (polled.outcome, polled.revision) == (outcome, revision), now
        with season.database.reading() as connection:
            waiting = connection.execute(select(held.c.reason).where(held.c.entity_id == race)).all()
        assert bool(waiting) == (outcome is Outcome.HELD)
        if outcome is not Outcome.HELD:
            believed.append((now, revision, [d for d in order_of(document) if season.entries(MONACO)[d].position]))
            assert season.places(MONACO) == believed[-1][2]
            season.standings_are_right(MONACO)
            # Unchanged: nothing is written.
            announced = len(season.feed(race, *RESULT_CHANGES))
            assert poll(MONACO, now + SECOND).outcome is Outcome.UNCHANGED
            assert len(season.feed(race, *RESULT_CHANGES)) == announced

    feed = season.feed(race, *RESULT_CHANGES)
    assert [change.kind for change in feed] == [
        "results_official",
        "results_revised",
        "results_revised",
        "results_restored",
        "results_revised",
    ]
    name = {d["Driver"]["driverId"]: d["Driver"]["familyName"] for d in season.race(MONACO)["Results"]}
    assert f"{name[order[2]]} 3 → 4, 15 → 12 points" in feed[1].after["diff"]
    assert f"{name[order[3]]} 4 → 3, 12 → 15 points" in feed[1].after["diff"]
    assert f"{name[order[4]]} 5 → 3, 10 → 15 points" in feed[2].after["diff"]
    assert f"{name[order[4]]} 3 → 5, 15 → 10 points" in feed[3].after["diff"]
    assert [revision.revision for revision in season.revisions(race)] == [1, 2, 3, 4, 5]

    moments = sorted({now + step for now, *_ in plan for step in (-SECOND, SECOND * 0, SECOND, DAY / 2)})
    for at in moments:
        expected = [(number, places) for since, number, places in believed if since <= at]
        with season.database.reading() as connection:
            found = results_as_of(connection, race, at)
        if not expected:
            assert found is None
            continue
        assert found is not None
        number, state, entries = found
        assert (number, [e.driver_id for e in entries if e.position]) == expected[-1]
        assert state == "official"


def test_a_dropped_entry_is_gone_and_stays_in_the_revision_before(season: Season) -> None:
    order = order_of(season.race(HUNGARY))
    season.publish({13: rearranged(season.race(HUNGARY), order)})
    poll(HUNGARY, moment("2024-07-21T17:00Z"))
    was = season.entries(HUNGARY)
    dropped = order[17]
    season.publish({13: rearranged(season.race(HUNGARY), [driver for driver in order if driver != dropped])})
    polled = poll(HUNGARY, moment("2024-07-21T20:00Z"))
    assert polled.outcome is Outcome.REVISED
    assert any(warning.startswith("entries_withdrawn") for warning in polled.warnings)
    assert was.keys() - season.entries(HUNGARY).keys() == {dropped}
    first, second = season.revisions(f"{HUNGARY}/race")
    assert dropped in {row["driver_id"] for row in first.rows}
    assert dropped not in {row["driver_id"] for row in second.rows}
    with season.database.reading() as connection:
        rows = connection.execute(select(results.c.driver_id).where(results.c.session_id == f"{HUNGARY}/race")).all()
    assert len(rows) == len(second.rows) == len(first.rows) - 1
    assert dropped not in season.standings(HUNGARY)


def test_half_a_table_is_rejected_and_the_last_good_one_stays(season: Season) -> None:
    order = order_of(season.race(HUNGARY))
    season.publish({13: season.race(HUNGARY)})
    poll(HUNGARY, moment("2024-07-21T17:00Z"))
    before = season.entries(HUNGARY), season.standings(HUNGARY)
    season.publish({13: rearranged(season.race(HUNGARY), order[:10])})
    assert poll(HUNGARY, moment("2024-07-21T20:00Z")).outcome is Outcome.REJECTED
    assert (season.entries(HUNGARY), season.standings(HUNGARY)) == before
    assert len(season.revisions(f"{HUNGARY}/race")) == 1
    season.publish({13: season.race(HUNGARY)})
    assert poll(HUNGARY, moment("2024-07-21T21:00Z")).outcome is Outcome.UNCHANGED
    with season.database.reading() as connection:
        assert connection.execute(select(held)).all() == []


@pytest.mark.parametrize("force", [False, True])
def test_a_provisional_result_never_replaces_an_official_one(season: Season, force: bool) -> None:
    after_spa(season)
    race = f"{SPA}/race"
    before = season.entries(SPA), season.standings(SPA), len(season.feed(race, *RESULT_CHANGES))
    timed = SessionResult(
        season=2024,
        round=14,
        kind=RACE,
        source=Source.LIVETIMING,
        entries=tuple(Entry(**row) for row in season.revisions(race)[0].rows),
    )
    polled = accept_result(season.database, race, timed, REVISED + DAY, CADENCE, force=force)
    assert (polled.outcome, polled.revision) == (Outcome.UNCHANGED, 3)
    assert (season.entries(SPA), season.standings(SPA), len(season.feed(race, *RESULT_CHANGES))) == before
    assert season.session(race).results_state == "official"


def outcome_of(database: Database, event: str) -> dict[str, Any]:
    names = (
        *("race_winner", "race_second", "race_third", "pole", "sprint_winner"),
        *("classified", "retired", "first_retirement"),
        *("race_is_provisional", "qualifying_is_provisional", "sprint_is_provisional"),
    )
    view = table("event_outcomes", column("event_id"), *map(column, names), schema=database.schema)
    with database.reading() as connection:
        row = connection.execute(select(*(view.c[n] for n in names)).where(view.c.event_id == event)).mappings().one()
    return dict(row)


def test_the_views_show_spa_at_each_stage(season: Season) -> None:
    assert outcome_of(season.database, SPA)["race_winner"] is None
    before_spa(season)
    found = []
    for now in (TIMED, OFFICIAL, REVISED):
        season.upstream.as_of = now
        poll(SPA, now)
        found.append(outcome_of(season.database, SPA))
    timed, official, revised = found
    podium = ("race_winner", "race_second", "race_third")
    assert [timed[name] for name in podium] == ["russell", "hamilton", "piastri"]
    assert [official[name] for name in podium] == ["russell", "hamilton", "piastri"]
    assert [revised[name] for name in podium] == ["hamilton", "piastri", "leclerc"]
    assert [bool(one["race_is_provisional"]) for one in found] == [True, False, False]
    assert [bool(one["qualifying_is_provisional"]) for one in found] == [False, False, False]
    assert {one["pole"] for one in found} == {"max_verstappen"}
    assert {one["sprint_winner"] for one in found} == {None}
    assert {one["sprint_is_provisional"] for one in found} == {None}
    assert (official["classified"], official["retired"], official["first_retirement"]) == (19, 1, "zhou")
    assert (revised["classified"], revised["retired"], revised["first_retirement"]) == (18, 1, "zhou")

    names = (
        "event_id",
        "event",
        "session",
        "position",
        "given_name",
        "family_name",
        "team",
        "results_state",
        "revision",
    )
    view = table("results_with_names", *map(column, names), schema=season.database.schema)
    first = view.c.event_id == SPA, view.c.position == 1
    with season.database.reading() as connection:
        rows = [tuple(row) for row in connection.execute(select(view).where(*first).order_by(view.c.session))]
        every = connection.execute(select(view).where(view.c.event_id == SPA)).all()
    assert rows == [
        (SPA, "Belgian Grand Prix", "qualifying", 1, "Max", "Verstappen", "Red Bull", "official", 1),
        (SPA, "Belgian Grand Prix", "race", 1, "Lewis", "Hamilton", "Mercedes", "official", 3),
    ]
    assert len(every) == 40


def test_a_session_is_settled_thirty_days_after_the_season(season: Season) -> None:
    race = f"{SPA}/race"
    after_spa(season)
    season.upstream.as_of = None
    end = moment("2024-12-09T12:00Z") + 30 * DAY
    poll(SPA, end - timedelta(minutes=1))
    assert season.session(race).results_state == "official"
    assert season.session(race).next_poll_at == end
    assert poll(SPA, end).outcome is Outcome.UNCHANGED
    assert (season.session(race).results_state, season.session(race).next_poll_at) == ("settled", None)
    [settled] = [c for c in season.feed(race, "detailed") if "results_state" in c.after]
    assert (settled.before, settled.after) == ({"results_state": "official"}, {"results_state": "settled"})
    due = {poll.session.id for poll in read_due_polls(season.database, end + DAY, timedelta(minutes=30))}
    assert race not in due
    assert f"{DUTCH}/race" in due

    # A poll by name still accepts a correction, as a revision, and the session stays settled.
    order = order_of(season.race(SPA))
    season.publish({14: rearranged(season.race(SPA), swapped(order, 4, 5))})
    assert poll(SPA, end + 2 * DAY).outcome is Outcome.REVISED
    assert (season.session(race).results_state, season.session(race).revision) == ("settled", 4)


def racing_point(database: Database) -> tuple[Decimal, str, int]:
    """Racing Point after the last race of 2020: points, source, position."""
    of_it = team_standings.c.season == 2020, team_standings.c.round == 17, team_standings.c.team_id == "racing_point"
    with database.reading() as connection:
        row = connection.execute(select(team_standings).where(*of_it)).one()
    return row.points, row.source, row.position


@needs_recording
def test_racing_point_s_deduction_is_made_here_and_agrees_with_jolpica(
    database: Database, recording: Recording, sync: Sync
) -> None:
    now = moment("2021-06-01T00:00Z")
    sync(2020, now)
    polled = [one for one in poll_results.fn(now=now) if one.outcome.is_revision]
    assert len([one for one in polled if one.session_id.endswith("/race")]) == 17
    assert racing_point(database) == (Decimal(195), "results", 4)
    with database.reading() as connection:
        feed = connection.execute(select(changes).where(changes.c.kind == "standings")).all()
        sources = set(connection.scalars(select(team_standings.c.source).where(team_standings.c.season == 2020)))
        aside = connection.execute(select(held).where(held.c.kind == HeldKind.STANDINGS_DIFFER.value)).all()
    assert [c.after["differences"] for c in feed if "differences" in c.after] == []
    assert (sources, aside) == ({"results"}, [])


@needs_recording
def test_without_the_adjustment_the_deduction_is_held_for_a_person(
    database: Database, recording: Recording, sync: Sync
) -> None:
    now = moment("2021-06-01T00:00Z")
    sync(2020, now)
    with database.writing() as connection:
        connection.execute(delete(championship_adjustments).where(championship_adjustments.c.season == 2020))
    poll_results.fn(now=now)
    assert racing_point(database) == (Decimal(210), "results", 3)
    with database.reading() as connection:
        [aside] = connection.execute(select(held).where(held.c.kind == HeldKind.STANDINGS_DIFFER.value)).all()
    assert "racing_point: points 210 by results, 195 published" in aside.reason


@needs_recording
def test_a_late_correction_does_not_give_racing_point_its_points_back(
    database: Database, recording: Recording, sync: Sync
) -> None:
    """Revising an early race recomputes all that follow it, with the deduction, and Jolpica lacks the correction."""
    from core.deadline import Deadline
    from core.fetch.access import Access
    from core.fetch.results import fetch_results
    from core.settings import Settings

    now = moment("2021-06-01T00:00Z")
    sync(2020, now)
    poll_results.fn(now=now)
    [first] = fetch_results(2020, RACE, 1, Access(Settings.load(), Deadline()))
    result = result_of_race(rearranged(first, swapped(order_of(first), 9, 10)), RACE)
    with database.reading() as connection:
        identity = connection.scalar(select(events.c.id).where(events.c.season == 2020, events.c.round == 1))
    polled = accept_result(database, f"{identity}/race", result, now + DAY, CADENCE)
    assert polled.outcome is Outcome.REVISED
    poll_results.fn(now=now + DAY)
    points, source, _ = racing_point(database)
    assert (points, source) == (Decimal(195), "results")
