"""Matches the drivers and teams on live timing's list with Jolpica's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.records import Driver, Team
from core.rules.calendar.identity import slug
from core.rules.results.known import Identity
from core.timing_records import LineUpEntry, ListedDriver

COMMON = {"f1", "team", "racing", "scuderia"}
"""Words that sources may leave out of a team's name."""


@dataclass(frozen=True)
class Roster:
    """Known drivers and teams: by car number in the season, all drivers, and the teams of two seasons.

    `own` has driver and team by car number in the session's own official classification; empty if there is none.
    """

    by_number: Mapping[str, Identity] = field(default_factory=dict)
    drivers: Sequence[Driver] = ()
    teams: Sequence[Team] = ()
    own: Mapping[str, Identity] = field(default_factory=dict)


def driver_of(listed: LineUpEntry, roster: Roster) -> str | None:
    """A listed driver's id: by the session's classification, by code and name, or by the season's car number.

    A car number is accepted only if its driver has no other code, because a stand-in may have another driver's number.
    """
    if (own := roster.own.get(listed.car_number, (None, None))[0]) is not None:
        return own
    if (named := driver_named(listed, roster.drivers)) is not None:
        return named
    by_number = roster.by_number.get(listed.car_number, (None, None))[0]
    codes = {driver.id: driver.code for driver in roster.drivers}
    if by_number is None or (listed.driver_code and codes.get(by_number) not in (None, listed.driver_code)):
        return None
    return by_number


def driver_named(listed: LineUpEntry, drivers: Sequence[Driver]) -> str | None:
    """The one driver with a listed driver's code and family name; None if there is none, or several."""
    words = f"-{slug(listed.full_name or '')}-"
    found = [
        driver.id
        for driver in drivers
        if driver.code is not None and driver.code == listed.driver_code and f"-{slug(driver.family_name)}-" in words
    ]
    return found[0] if len(found) == 1 else None


def named_drivers(unnamed: Iterable[tuple[str, LineUpEntry]], drivers: Sequence[Driver]) -> dict[str, dict[str, str]]:
    """The drivers of entries, each given with its session, by session and car number; those not found are left out."""
    named: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for session_id, listed in unnamed:
        if (driver := driver_named(listed, drivers)) is not None:
            named[session_id][listed.car_number] = driver
    return named


def teams_of(listed: Sequence[ListedDriver], roster: Roster) -> dict[str, str]:
    """The ids of live timing's teams, found by name or by their drivers."""
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    teams = [*roster.by_number.values(), *roster.own.values()]
    by_driver = {driver: team for driver, team in teams if driver is not None and team is not None}
    for one in listed:
        driver = driver_of(one, roster)
        if one.team_name is not None and driver in by_driver:
            votes[one.team_name][by_driver[driver]] += 1
    names = {one.team_name: votes[one.team_name] for one in listed if one.team_name is not None}
    found = {
        name: _named(name, roster.teams) or _voted(voted) or _like(name, roster.teams) for name, voted in names.items()
    }
    return {name: team for name, team in found.items() if team is not None}


def _named(name: str, teams: Sequence[Team]) -> str | None:
    """The team whose name has the same words."""
    return next((team.id for team in teams if _words(team.name) == _words(name)), None)


def _voted(votes: Counter[str]) -> str | None:
    """The team of most of the drivers; a driver on loan may race for another."""
    most = votes.most_common(2)
    return most[0][0] if most and (len(most) == 1 or most[0][1] > most[1][1]) else None


def _like(name: str, teams: Sequence[Team]) -> str | None:
    """The only team whose words are all in the name: Kick Sauber is Sauber."""
    within = [team.id for team in teams if _words(team.name) and _words(team.name) < _words(name)]
    return within[0] if len(within) == 1 else None


def _words(name: str) -> set[str]:
    return set(slug(name).split("-")) - COMMON
