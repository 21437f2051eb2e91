"""Racing Point's deduction of 2020: made here, published by Jolpica, and kept after a late correction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from calendars import moment
from recording import Recording, needs_recording
from revised import order_of, rearranged, swapped
from sqlalchemy import delete, select

from core.database import Database
from core.kinds import HeldKind, SessionKind
from core.rules.results.outcome import Outcome
from core.rules.results.polling import Cadence
from core.schema import championship_adjustments, changes, events, held, team_standings
from core.transform.results import result_of_race
from core.upsert.results import accept_result
from core.upsert.schedule import SeasonSummary
from flows.poll_results import poll_results

Sync = Callable[..., SeasonSummary]
RACE = SessionKind.RACE
CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
DAY = timedelta(days=1)


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
    from core.fetch.jolpica import fetch_results
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
