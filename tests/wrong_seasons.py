"""Everything that can be wrong in the season of 1997, one at a time, and what the audit finds in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from season_1997 import CANADA, DRIVERS, MONACO, NOW, SPAIN
from sqlalchemy import Connection, delete, insert, select, update

from core.queries import read_entries
from core.records import Entry
from core.schema import (
    championship_adjustments,
    changes,
    dataset_states,
    driver_standings,
    events,
    held,
    result_revisions,
    results,
    sessions,
    team_standings,
)


def set_session(session_id: str, **values: Any) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(update(sessions).where(sessions.c.id == session_id).values(**values))


def set_result(session_id: str, driver: str, **values: Any) -> Callable[[Connection], object]:
    own = results.c.session_id == session_id, results.c.driver_id == driver
    return lambda connection: connection.execute(update(results).where(*own).values(**values))


def rewrite(session_id: str, edit: Callable[[list[Entry]], list[Entry]]) -> Callable[[Connection], None]:
    """Edit a classification where it is held and in its last revision alike."""

    def edited(connection: Connection) -> None:
        entries = edit(read_entries(connection, session_id))
        connection.execute(delete(results).where(results.c.session_id == session_id))
        columns = [{**one.model_dump(), "source": one.source.value, "session_id": session_id} for one in entries]
        connection.execute(insert(results), columns)
        own = result_revisions.c.session_id == session_id
        last = select(sessions.c.revision).where(sessions.c.id == session_id).scalar_subquery()
        rows = [one.model_dump(mode="json") for one in entries]
        connection.execute(update(result_revisions).where(own, result_revisions.c.revision == last).values(rows=rows))

    return edited


def announced(entity: str, entity_id: str, kind: str, **after: Any) -> Callable[[Connection], object]:
    row = {"at": NOW, "entity": entity, "entity_id": entity_id, "kind": kind, "before": None, "after": after}
    return lambda connection: connection.execute(insert(changes), row)


def hold(entity_id: str, kind: str) -> Callable[[Connection], object]:
    row = {
        "entity": "event",
        "entity_id": entity_id,
        "kind": kind,
        "payload": {},
        "reason": "",
        "first_seen_at": NOW,
        "last_seen_at": NOW,
        "times_seen": 1,
    }
    return lambda connection: connection.execute(insert(held), row)


def adjust(team: str) -> Callable[[Connection], object]:
    row = {"season": 1997, "round": 1, "competitor": "team", "competitor_id": team, "points": -1, "is_excluded": False}
    said = {"reason": "a wing that bent", "source": "the stewards", "is_applied": True}
    return lambda connection: connection.execute(insert(championship_adjustments), {**row, **said})


def set_state(**values: Any) -> Callable[[Connection], object]:
    own = dataset_states.c.entity_id == SPAIN
    return lambda connection: connection.execute(update(dataset_states).where(own).values(**values))


def without(table: Any, *conditions: Any) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(delete(table).where(*conditions))


def of_revision(session_id: str, number: int) -> tuple[Any, ...]:
    return result_revisions.c.session_id == session_id, result_revisions.c.revision == number


def second_in_both_cars(entries: list[Entry]) -> list[Entry]:
    return [one.model_copy(update={"driver_id": DRIVERS[1]}) if one.position == 8 else one for one in entries]


def slower_in_second(entries: list[Entry]) -> list[Entry]:
    late = {"time_ms": 6_009_500, "gap_ms": 8_500}
    return [one.model_copy(update=late) if one.position == 2 else one for one in entries]


def without_the_pole(entries: list[Entry]) -> list[Entry]:
    return [one.model_copy(update={"position": None}) if one.position == 1 else one for one in entries]


WRONG: dict[str, tuple[Callable[[Connection], object], str, str, str]] = {
    "a held answer about no event": (
        hold("1997-nowhere-grand-prix", "absent"),
        "unknown_id",
        "1997-nowhere-grand-prix",
        "there is no event",
    ),
    "a change of no session": (
        announced("session", f"{CANADA}/sprint", "status"),
        "unknown_id",
        f"{CANADA}/sprint",
        "the feed: there is no session",
    ),
    "an adjustment of no team": (
        adjust("nobody"),
        "unknown_id",
        "1997",
        "an adjustment: there is no team nobody",
    ),
    "an event of another season": (
        lambda connection: connection.execute(update(events).where(events.c.id == CANADA).values(season=1998)),
        "id_unlike_row",
        CANADA,
        "an event of 1998",
    ),
    "a session of another kind": (
        set_session(f"{MONACO}/qualifying", kind="sprint"),
        "id_unlike_row",
        f"{MONACO}/qualifying",
        f"the sprint of {MONACO}",
    ),
    "no pole": (
        rewrite(f"{MONACO}/qualifying", without_the_pole),
        "winner_missing",
        f"{MONACO}/qualifying",
        "none of 8 entries is in place 1",
    ),
    "a gap that falls": (
        rewrite(f"{SPAIN}/race", slower_in_second),
        "gaps_not_rising",
        f"{SPAIN}/race",
        "fisichella in place 3 has 1:40:03.000, barrichello in place 2 1:40:09.500",
    ),
    "a driver in two cars": (
        rewrite(f"{MONACO}/qualifying", second_in_both_cars),
        "driver_in_two_cars",
        f"{MONACO}/qualifying",
        "schumacher drove cars 2 and 8",
    ),
    "a revision that is gone": (
        without(result_revisions, *of_revision(f"{MONACO}/race", 1)),
        "revisions_not_whole",
        f"{MONACO}/race",
        "revisions known: 2; the session is at revision 2",
    ),
    "the last revision that is gone": (
        without(result_revisions, *of_revision(f"{SPAIN}/race", 1)),
        "revisions_not_whole",
        f"{SPAIN}/race",
        "revisions known: none; the session is at revision 1",
    ),
    "a session that counts on": (
        set_session(f"{MONACO}/race", revision=3),
        "revisions_not_whole",
        f"{MONACO}/race",
        "revisions known: 1, 2; the session is at revision 3",
    ),
    "a revision seen before the one before it": (
        lambda connection: connection.execute(
            update(result_revisions).where(*of_revision(f"{MONACO}/race", 1)).values(observed_at=NOW)
        ),
        "revisions_not_whole",
        f"{MONACO}/race",
        "revision 2 was seen before revision 1",
    ),
    "results changed by hand": (
        set_result(f"{SPAIN}/race", "hill", laps=61),
        "results_unlike_last_revision",
        f"{SPAIN}/race",
        "they differ from revision 1: Hill laps 62 → 61",
    ),
    "a state that no revision gives": (
        set_session(f"{MONACO}/qualifying", results_state="provisional"),
        "state_unlike_revisions",
        f"{MONACO}/qualifying",
        "provisional, though revision 1 is official",
    ),
    "results that are awaited": (
        set_session(f"{MONACO}/qualifying", results_state="awaited"),
        "state_unlike_revisions",
        f"{MONACO}/qualifying",
        "awaited, though at revision 1",
    ),
    "official without a revision": (
        set_session(f"{CANADA}/race", results_state="official"),
        "state_unlike_revisions",
        f"{CANADA}/race",
        "official, without any revision",
    ),
    "a session to come that has results": (
        set_session(f"{MONACO}/qualifying", status="scheduled"),
        "status_unlike_results",
        f"{MONACO}/qualifying",
        "scheduled, though it has results",
    ),
    "settled and still polled": (
        set_session(f"{MONACO}/qualifying", results_state="settled"),
        "poll_unlike_state",
        f"{MONACO}/qualifying",
        "settled, but polled next at Mon 12 May 1997 13:00 UTC",
    ),
    "not settled and never polled again": (
        set_session(f"{SPAIN}/race", next_poll_at=None),
        "poll_unlike_state",
        f"{SPAIN}/race",
        "official, but never polled again",
    ),
    "faults without a reason": (
        set_session(f"{SPAIN}/race", poll_faults=2),
        "poll_unlike_state",
        f"{SPAIN}/race",
        "2 faults in a row, without a reason",
    ),
    "a dataset's faults without a reason": (
        set_state(poll_faults=2),
        "poll_unlike_state",
        SPAIN,
        "standings: 2 faults in a row, without a reason",
    ),
    "a dataset that failed and is not polled": (
        set_state(poll_faults=1, last_error="down", next_poll_at=None),
        "poll_unlike_state",
        SPAIN,
        "standings: failed, but never polled again",
    ),
    "a feed without a revision": (
        without(changes, changes.c.entity_id == f"{MONACO}/race", changes.c.kind == "results_revised"),
        "feed_unlike_revisions",
        f"{MONACO}/race",
        "the feed has no change for revision 2",
    ),
    "a feed ahead of the session": (
        announced("session", f"{MONACO}/race", "results_revised", revision=3),
        "feed_unlike_revisions",
        f"{MONACO}/race",
        "the feed has a change for revision 3, but the session is at 2",
    ),
    "a feed that tells twice": (
        announced("session", f"{MONACO}/race", "results_revised", revision=2),
        "feed_unlike_revisions",
        f"{MONACO}/race",
        "the feed has 2 changes for revision 2",
    ),
    "a standing with other points": (
        lambda connection: connection.execute(
            update(driver_standings)
            .where(driver_standings.c.event_id == SPAIN, driver_standings.c.driver_id == "hill")
            .values(points=11)
        ),
        "standings_unlike_results",
        SPAIN,
        "driver standings: hill has 11 points instead of 10 points",
    ),
    "a standing that is gone": (
        without(driver_standings, driver_standings.c.event_id == MONACO, driver_standings.c.driver_id == "panis"),
        "standings_unlike_results",
        MONACO,
        "driver standings: panis is missing",
    ),
    "standings that are gone": (
        without(team_standings, team_standings.c.event_id == MONACO),
        "standings_unlike_results",
        MONACO,
        "team standings: none",
    ),
    "standings of a race to come": (
        lambda connection: connection.execute(
            insert(team_standings).values(
                event_id=CANADA, team_id="team_0", season=1997, points=1, wins=0, source="results"
            )
        ),
        "standings_unlike_results",
        CANADA,
        "team standings without official results",
    ),
}
"""What is done to the season, and the check, the id and (part of) the message that must come of it."""
