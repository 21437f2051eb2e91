"""A season's facts as text and drawings, as the page's template asks for them. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from markupsafe import Markup
from sqlalchemy import Row

from core.kinds import RACED, ChangeKind, EventFormat, ResultsState, SessionKind, Source, Status
from core.records import Competitor, Entry, Event, Session
from core.rules.calendar.identity import event_id_of, kind_of, session_id, slug_of
from core.rules.results.differences import diff_text
from core.text import day, lapse, moment, time_of_day
from flows.output.changes import change_text
from flows.output.page.championship_chart import Line, championship_chart
from flows.output.page.colors import team_colors
from flows.output.page.facts import SeasonFacts
from flows.output.page.stint_chart import stint_chart
from flows.output.stints import RaceStints
from flows.output.text import NOTHING, shown, venue_time

WHOLE = (ChangeKind.CANCELLED, ChangeKind.REINSTATED, ChangeKind.RELOCATED)
"""Changes shown for an event and not repeated for its sessions."""

PODIUM = 3
GRAY = ("#6b7280", "#9aa1ad")
"""For drivers without a team."""

SHORT = 12
"""The most letters of a name at the end of a chart's line."""

READ_LATE = timedelta(days=3)
"""Results that became official here later than this after a session's end were read as history."""


@dataclass(frozen=True)
class Happening:
    """An event in a history: when it was known here, what it changed, and a revision's kind."""

    at: str
    text: str
    kind: str = ""


@dataclass(frozen=True)
class Place:
    """A competitor in the championship: its line in the chart, and its row after the last event.

    `behind` are the points to the leader.
    """

    line: Line
    row: Row[Any]
    team: str
    behind: Decimal


@dataclass(frozen=True)
class Championship:
    """A championship: its chart, the events with standings, and the places after the last one."""

    title: str
    chart: Markup
    events: Sequence[Event]
    places: Sequence[Place]


class Page:
    """A season's page: what its template asks for, with names and colors shared by all parts."""

    def __init__(self, facts: SeasonFacts, now: datetime) -> None:
        self.facts = facts
        self.written_at = moment(now, year=True)
        self.events = [event for event in facts.calendar.events_in_order if event.format is not EventFormat.TESTING]
        self.planned = [event for event in self.events if event.status is not Status.CANCELLED]
        self.driven = [event for event in self.planned if event.status is Status.COMPLETED]
        self.coming = [event for event in self.planned if event.status is not Status.COMPLETED]
        self.names = {driver.id: driver.family_name for driver in facts.drivers.values()}
        self.team_of = self._team_of()
        best = [row.competitor_id for row in self._last("team")]
        raced = sorted({entry.team_id for rows in facts.entries.values() for entry in rows if entry.team_id})
        self.colors = team_colors(dict.fromkeys([*best, *raced]), facts.colors)
        self.championships = [found for name in facts.standings if (found := self.championship(name))]
        self.decisions = self._decisions()
        self.official = [
            row.seconds_to_official
            for identity, row in facts.freshness.items()
            if kind_of(identity) is SessionKind.RACE and row.seconds_to_official is not None
        ]
        is_timely = self.official and median(self.official) <= READ_LATE.total_seconds()
        self.fresh = self._fresh() if is_timely else []

    def race(self, event: Event) -> Session | None:
        """An event's race."""
        return self.facts.calendar.sessions.get(session_id(event.id, SessionKind.RACE))

    def race_at(self, event: Event) -> tuple[str, str]:
        """A race's start, by the venue's clock and in UTC; the date alone if the time is unknown."""
        if (race := self.race(event)) is None:
            return "", ""
        if race.starts_at is None:
            return day(race.local_date), ""
        if race.utc_offset_minutes is None:
            return day(race.local_date), time_of_day(race.starts_at)
        return venue_time(race.starts_at, race.utc_offset_minutes), time_of_day(race.starts_at)

    def entries(self, event: Event, kind: SessionKind = SessionKind.RACE) -> Sequence[Entry]:
        """The classification of an event's race, or of another session."""
        return self.facts.entries.get(session_id(event.id, kind), ())

    def podium(self, event: Event) -> list[Entry]:
        """The first entries of an event's race."""
        placed = [entry for entry in self.entries(event) if entry.position]
        return sorted(placed, key=lambda entry: entry.position or 0)[:PODIUM]

    def pole(self, event: Event) -> str:
        """Who was first in qualifying or, if that is unknown, on the grid."""
        first = [entry for entry in self.entries(event, SessionKind.QUALIFYING) if entry.position == 1]
        first += [entry for entry in self.entries(event) if entry.grid == 1]
        return self.family_name(first[0]) if first else ""

    def moves(self, event: Event) -> list[Happening]:
        """Moves and cancellations of an event, then those of its sessions that these do not include."""
        own = [change for change in self.facts.moves if change.event_id == event.id]
        whole = {(change.at, change.kind) for change in own if change.session_id is None and change.kind in WHOLE}
        happened = []
        for change in own:
            if change.session_id is None and change.kind in WHOLE:
                happened.append((change, event.name))
            elif change.session_id and (change.at, change.kind) not in whole:
                happened.append((change, self.facts.calendar.sessions[change.session_id].name))
        happened.sort(key=lambda each: (each[0].at, each[0].session_id is not None))
        return [Happening(moment(change.at), change_text(change, subject).plain) for change, subject in happened]

    def tables(self, event: Event) -> list[Session]:
        """An event's race and its sprint, if they have results."""
        own = self.facts.calendar.sessions_of(event.id)
        return [own[kind] for kind in RACED if kind in own and own[kind].has_results]

    def history(self, session: Session) -> list[Happening]:
        """A session's revisions."""
        known = self.facts.revisions.get(session.id, ())
        return [self._revision(row, before) for row, before in zip(known, (None, *known), strict=False)]

    def is_revised(self, event: Event) -> bool:
        """Whether an official classification of the event was changed."""
        return any(_decided(self.facts.revisions.get(session.id, ())) for session in self.tables(event))

    def stints(self, session: Session) -> RaceStints | None:
        """A race's stints, if live timing has them."""
        race = self.facts.stints.get(session.id)
        return race if race and race.cars else None

    def stint_chart(self, session: Session, race: RaceStints) -> Markup:
        """The drawing of a race's stints."""
        return stint_chart(f"stints-{slug_of(event_id_of(session.id))}-{session.kind}", race)

    def compounds(self, race: RaceStints) -> list[str]:
        """The compounds in a race's stints."""
        return sorted({(stint.compound or "unknown").lower() for car in race.cars for stint in car.stints})

    def driver(self, entry: Entry) -> str:
        """An entry's driver by name or, if unknown, by code or car."""
        driver = self.facts.drivers.get(entry.driver_id or "")
        return driver.full_name if driver else self.family_name(entry)

    def family_name(self, entry: Entry) -> str:
        """An entry's driver by family name or, if unknown, by code or car."""
        return self.names.get(entry.driver_id or "") or entry.driver_code or f"car {entry.car_number}"

    def team(self, identity: str | None) -> str:
        """A team's name, if it is known."""
        team = self.facts.teams.get(identity or "")
        return team.name if team else ""

    def color(self, team: str | None) -> tuple[str, str]:
        """A team's color on a light and on a dark page."""
        return self.colors.get(team or "", GRAY)

    def championship(self, competitor: Competitor) -> Championship | None:
        """A championship after each event that has standings; None if none has."""
        tables = self.facts.standings[competitor]
        having = [event for event in self.events if tables.get(event.id)]
        if not having:
            return None
        points = [{row.competitor_id: row.points for row in tables[event.id]} for event in having]
        last = tables[having[-1].id]
        places = []
        drivers_of: Counter[str] = Counter()
        for row in last:
            team = row.competitor_id if competitor == "team" else self.team_of.get(row.competitor_id, "")
            after = [each.get(row.competitor_id) for each in points]
            line = Line(row.name, self._short_name(row), self.color(team), drivers_of[team] if team else 0, after)
            team_name = self.team(team) if competitor == "driver" else ""
            places.append(Place(line, row, team_name, max(last[0].points - row.points, Decimal(0))))
            drivers_of[team] += 1
        rounds = [str(event.round or NOTHING) for event in having]
        chart = championship_chart(f"{competitor}s-by-round", rounds, [place.line for place in places])
        return Championship(f"{competitor.title()}s", chart, having, places)

    def _short_name(self, row: Row[Any]) -> str:
        """A competitor's name for the end of a chart's line."""
        if row.competitor == "team":
            return str(row.name).removesuffix(" F1 Team")[:SHORT].strip()
        return row.code or self.names[row.competitor_id][:SHORT]

    def _revision(self, row: Row[Any], before: Row[Any] | None) -> Happening:
        """A revision of a classification: the podium for the first, the changes for later ones."""
        if before is None:
            first = sorted(
                (entry for entry in row.rows if entry.get("position")), key=lambda entry: int(entry["position"])
            )
            names = [self.names.get(entry.get("driver_id") or "", entry.get("driver_code") or "?") for entry in first]
            text = ", ".join(f"{place} {name}" for place, name in enumerate(names[:PODIUM], 1))
        else:
            changed = diff_text(row.diff, self.names)
            is_same = not any("position" in one or "entry" in one for one in row.diff)
            text = "; ".join(filter(None, ["the same places" if is_same else "", changed]))
        again = before is not None and before.state == row.state
        kind = "revised" if again else f"{row.state}{', by live timing' if row.source == Source.LIVETIMING else ''}"
        return Happening(moment(row.observed_at), text, kind)

    def _named(self, session: Session) -> tuple[Event, str]:
        """A session's event, and its name with the event's."""
        event = self.facts.calendar.events[session.event_id]
        return event, f"{event.name}, {session.name}"

    def _decisions(self) -> list[tuple[Event, str, Happening]]:
        """Every change of an official classification: its event, its session, the change."""
        found = [
            (row, before, *self._named(self.facts.calendar.sessions[identity]))
            for identity, rows in self.facts.revisions.items()
            for row, before in _decided(rows)
        ]
        found.sort(key=lambda each: each[0].observed_at)
        return [(event, of, self._revision(row, before)) for row, before, event, of in found]

    def _fresh(self) -> list[tuple[str, ...]]:
        """The races with results in the order of their ends, and how long after these the results were here."""
        found = []
        for identity, row in sorted(self.facts.freshness.items(), key=lambda item: item[1].ends_at):
            if row.seconds_to_last_revision is None or kind_of(identity) not in RACED:
                continue
            lapses = (row.seconds_to_provisional, row.seconds_to_official, row.seconds_to_last_revision)
            _, of = self._named(self.facts.calendar.sessions[identity])
            found.append((of, *(shown(seconds, lapse) for seconds in lapses)))
        return found

    def _last(self, competitor: Competitor) -> Sequence[Row[Any]]:
        tables = self.facts.standings[competitor]
        return next((tables[event.id] for event in reversed(self.events) if event.id in tables), ())

    def _team_of(self) -> Mapping[str, str]:
        """Each driver's last team."""
        return {
            entry.driver_id: entry.team_id
            for event in self.events
            for entry in self.entries(event)
            if entry.driver_id and entry.team_id
        }


def _decided(revisions: Sequence[Row[Any]]) -> list[tuple[Row[Any], Row[Any]]]:
    """The revisions of official classifications, each with the one before."""
    pairs = zip(revisions[1:], revisions, strict=False)
    return [(row, before) for row, before in pairs if before.state == row.state == ResultsState.OFFICIAL]
