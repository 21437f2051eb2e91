"""Which listed drivers are entries of a session, and how they change the line-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.kinds import ChangeKind, Entity
from core.records import Change, Entry
from core.rules.timing.evidence import Evidence, Examined
from core.rules.timing.roster import driver_of, teams_of
from core.text import counted
from core.timing_records import LineUpEntry, ListedDriver


def examine_entries(rows: Sequence[ListedDriver], evidence: Evidence) -> Examined[ListedDriver]:
    """The entries with their drivers' and teams' ids, if known.

    The cars of an official classification are the entries. Without one they are the listed drivers of Formula 1 teams
    and those who have driven: a list also names other series' drivers.
    """
    if twice := next((car for car, count in Counter(row.car_number for row in rows).items() if count > 1), None):
        return Examined(rows, refused=f"car {twice} is listed twice")
    roster, teams = evidence.roster, teams_of(rows, evidence.roster)
    official = {entry.car_number: entry for entry in evidence.official}
    accepted = []
    for row in rows:
        entry = official.get(row.car_number)
        team = teams.get(row.team_name or "")
        if entry is None and (official or not (team or row.has_driven)):
            continue
        update: dict[str, object] = {"driver_id": driver_of(row, roster), "team_id": team}
        if entry is not None:
            update |= {"team_id": entry.team_id or team, "source": entry.source}
        accepted.append(row.model_copy(update=update))
    listed = {row.car_number for row in rows}
    colors = {row.team_id: row.team_color for row in accepted}
    accepted += [_unlisted(entry, evidence, colors) for entry in official.values() if entry.car_number not in listed]
    if not accepted:
        return Examined(rows, refused="no listed driver is known to race")
    left_out = len(listed - {row.car_number for row in accepted})
    return Examined(accepted, (f"{counted(left_out, 'listed driver')} without a car",) if left_out else ())


def _unlisted(entry: Entry, evidence: Evidence, colors: Mapping[str | None, str | None]) -> ListedDriver:
    """An entry of the official classification that is missing from live timing's list."""
    names = {driver.id: driver.full_name for driver in evidence.roster.drivers}
    return ListedDriver(
        car_number=entry.car_number,
        driver_id=entry.driver_id,
        driver_code=entry.driver_code,
        full_name=names.get(entry.driver_id or ""),
        team_id=entry.team_id,
        team_color=colors.get(entry.team_id),
        source=entry.source,
    )


def line_up_change(evidence: Evidence, known: Sequence[LineUpEntry], after: Sequence[LineUpEntry]) -> Change | None:
    """The session's change, if the line-up has another driver, or a driver for another team, than before.

    Before is the known line-up of the session, otherwise that of the session before it.
    """
    before, session = known or evidence.line_up_before, evidence.session
    gone, come = _without(before, after), _without(after, before)
    if not before or not (gone or come):
        return None
    return Change(
        entity=Entity.SESSION,
        entity_id=session.id,
        kind=ChangeKind.LINEUP,
        before={"entries": gone},
        after={"entries": come},
    )


def _without(some: Sequence[LineUpEntry], others: Sequence[LineUpEntry]) -> list[dict[str, Any]]:
    """The entries whose driver is missing from the others, or drives for another team there."""
    there = {_who(other): other for other in others}
    shown = {"car_number", "driver_id", "driver_code", "full_name", "team_id"}
    return [
        entry.model_dump(include=shown)
        for entry in sorted(some, key=lambda entry: entry.car_number)
        if not _is_same(entry, there.get(_who(entry)))
    ]


def _is_same(entry: LineUpEntry, other: LineUpEntry | None) -> bool:
    """Whether a driver drives for one team in both, if the teams are known."""
    if other is None:
        return False
    return None in (entry.team_id, other.team_id) or entry.team_id == other.team_id


def _who(entry: LineUpEntry) -> str:
    """The identity of a driver: the code, which is known before the id."""
    return entry.driver_code or entry.driver_id or entry.car_number
