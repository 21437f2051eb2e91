"""A calendar that changes, through the real FastF1 into a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from calendars import AUSTIN_ID, DAY, HOUR, KINDS, SAO_PAULO, SPRINT_2024, all_of, at

from core.database import Database
from core.kinds import Status
from core.queries import read_calendar
from core.replay import EventFacts, Upstream, facts
from core.rules.calendar.season import Calendar
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]


def stored(database: Database) -> Calendar:
    with database.reading() as connection:
        return read_calendar(connection, 2024)


def happened(summary: SeasonSummary) -> set[tuple[str, str]]:
    return {(change.entity_id, change.kind.value) for change in summary.changes}


def without_bahrain(back: EventFacts | None = None) -> list[EventFacts]:
    """The sample's calendar without Bahrain's race, the rest renumbered; or with it back elsewhere."""
    left = [event for event in facts.calendar().events if event.name != "Bahrain Grand Prix"]
    events = sorted([*left, *([back] if back else [])], key=lambda event: (event.round > 0, event.last_date))
    return [replace(event, round=n) if event.round else event for n, event in enumerate(events)]


def test_a_race_removed_returns_elsewhere_through_fastf1(database: Database, replay: Upstream, sync: Sync) -> None:
    identity = "2024-bahrain-grand-prix"
    [bahrain] = [event for event in facts.calendar().events if event.name == "Bahrain Grand Prix"]
    monday = at("2024-01-29T10:00")
    replay.calendars[2024] = facts.calendar().events
    sync(2024, monday)
    first = stored(database)

    replay.calendars[2024] = without_bahrain()
    summary = sync(2024, monday + DAY)
    assert {what for _, what in happened(summary)} == {"renumbered"}
    assert len(summary.changes) == 23
    assert happened(sync(2024, monday + DAY + 6 * HOUR)) == all_of(identity, "cancelled")
    assert stored(database).events[identity].round is None

    back = replace(
        bahrain,
        round=1,
        country="Portugal",
        location="Portimão",
        circuit_id="portimao",
        gmt_offset="+01:00",
        sessions=tuple(replace(s, local=s.local + 203 * DAY) for s in bahrain.sessions if s.local),
    )
    replay.calendars[2024] = without_bahrain(back)
    returned = happened(sync(2024, at("2024-06-10T12:00")))
    kinds = {what for i, what in returned if i == identity}
    assert kinds == {"reinstated", "relocated", "renumbered", "postponed"}
    last = stored(database)
    assert last.events.keys() == first.events.keys()
    assert last.sessions.keys() == first.sessions.keys()
    assert (last.events[identity].circuit_id, last.events[identity].locality) == ("portimao", "Portimão")
    assert last.sessions[f"{identity}/race"].starts_at == at("2024-09-21T17:00")
    rounds = sorted(event.round for event in last.events.values() if event.round)
    assert all(later == earlier + 1 for earlier, later in pairwise(rounds))


def test_austin_2024_through_fastf1(database: Database, replay: Upstream, sync: Sync) -> None:
    race = f"{AUSTIN_ID}/race"

    def living(now: datetime) -> SeasonSummary:
        replay.as_of = now
        return sync(2024, now)

    living(at("2024-10-24T08:00"))
    assert stored(database).sessions[race].starts_at == at("2024-10-20T19:00")
    rewritten = living(at("2024-10-25T12:00"))
    assert (rewritten.changes, len(rewritten.notes)) == ((), 5)
    assert len(stored(database).held) == 5
    assert living(at("2024-10-26T12:00")).changes == ()
    assert not stored(database).held

    replay.as_of = at("2024-10-25T12:00")
    sync(2024, at("2024-10-27T12:00"))
    kinds = [KINDS[label] for label in SPRINT_2024]
    assert happened(sync(2024, at("2024-10-29T12:00"))) == all_of(AUSTIN_ID, "rescheduled", *kinds)
    assert stored(database).sessions[race].starts_at == at("2024-10-20T20:00")


def test_sao_paulo_2024_through_fastf1(database: Database, replay: Upstream, sync: Sync) -> None:
    replay.as_of = at("2024-11-02T19:30")
    sync(2024, at("2024-11-02T19:30"))
    assert stored(database).sessions[f"{SAO_PAULO}/qualifying"].status is Status.COMPLETED
    replay.as_of = at("2024-11-02T20:30")
    summary = sync(2024, at("2024-11-02T20:31"))
    assert {
        (f"{SAO_PAULO}/qualifying", "status"),
        (f"{SAO_PAULO}/qualifying", "postponed"),
        (f"{SAO_PAULO}/race", "rescheduled"),
    } <= happened(summary)
    qualifying = stored(database).sessions[f"{SAO_PAULO}/qualifying"]
    assert (qualifying.status, qualifying.starts_at) == (Status.SCHEDULED, at("2024-11-03T10:30"))
    assert stored(database).sessions[f"{SAO_PAULO}/race"].starts_at == at("2024-11-03T15:30")
