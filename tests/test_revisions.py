"""Revisions: provisional, official, revised, restored, dropped, and the standings after each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from calendars import moment
from reached import Reached
from revised import (
    APRIL,
    AUSTRIA,
    DUTCH,
    HUNGARY,
    MONACO,
    OFFICIAL,
    REVISED,
    ROUNDS,
    SPA,
    TIMED,
    Season,
    after_spa,
    before_spa,
    live_through_spa,
    order_of,
    poll,
    rearranged,
    swapped,
)
from sqlalchemy import column, select, table

from core.database import Database
from core.kinds import ChangeKind, SessionKind, Source
from core.queries import read_due_polls, results_as_of
from core.records import Entry, SessionResult
from core.replay import Fault, Upstream
from core.rules.results.outcome import Outcome
from core.rules.results.polling import Cadence
from core.schema import held, results, team_standings
from core.upsert.results import accept_result
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]
RACE = SessionKind.RACE
CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
RESULT_CHANGES = ("results_published", "results_official", "results_revised", "results_restored")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def season(database: Database, replay: Upstream, sync: Sync, reached: Reached) -> Season:
    """2024's calendar, and no result yet."""
    replay.as_of = APRIL
    reached(APRIL, lambda: sync(2024, APRIL))
    return Season(database, replay, reached)


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
        # A superseded table again: held for a day, then accepted if it is repeated.
        (finish + 60 * DAY, second, Outcome.HELD, 3),
        (finish + 60 * DAY + timedelta(hours=23), second, Outcome.HELD, 3),
        (finish + 61 * DAY, second, Outcome.RESTORED, 4),
        (finish + 89 * DAY, last, Outcome.REVISED, 5),
    )
    accepted: list[tuple[datetime, int, list[str]]] = []
    for now, document, outcome, revision in plan:
        season.publish({8: document})
        polled = poll(MONACO, now)
        assert (polled.outcome, polled.revision) == (outcome, revision), now
        with season.database.reading() as connection:
            waiting = connection.execute(select(held.c.reason).where(held.c.entity_id == race)).all()
        assert bool(waiting) == (outcome is Outcome.HELD)
        if outcome is not Outcome.HELD:
            accepted.append((now, revision, [d for d in order_of(document) if season.entries(MONACO)[d].position]))
            assert season.places(MONACO) == accepted[-1][2]
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
        expected = [(number, places) for since, number, places in accepted if since <= at]
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


def test_half_a_table_is_rejected_and_the_last_good_one_is_kept(season: Season) -> None:
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
