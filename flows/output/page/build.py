"""Turns a season's facts into its page's text and drawings. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Row

from core.records import (
    RACED,
    ChangeKind,
    Competitor,
    Entry,
    Event,
    EventFormat,
    ResultsState,
    Session,
    SessionKind,
    Source,
    Status,
)
from core.rules.calendar.identity import event_id_of, slug_of
from core.rules.changes import FeedChange
from core.rules.results.differences import diff_text
from core.text import day, days, lapse, moment, plain, time_of_day
from flows.output.changes import change_text
from flows.output.classification import place_text, race_time
from flows.output.page.championship_chart import Line, championship_chart
from flows.output.page.colors import team_colors
from flows.output.page.facts import SeasonFacts
from flows.output.page.model import Championship, Classified, Fresh, Happening, Page, Place, Table, Weekend
from flows.output.page.stint_chart import stint_chart
from flows.output.text import NOTHING, shown, venue_time

WHOLE = (ChangeKind.CANCELLED, ChangeKind.REINSTATED, ChangeKind.RELOCATED)
"""Changes shown for an event, and not again for its sessions."""

PODIUM = 3
GRAY = ("#6b7280", "#9aa1ad")
"""For drivers without a team."""

SHORT = 12
"""The most letters of a name at the end of a chart's line."""

READ_LATE = timedelta(days=3)
"""Results that became official longer than this after a session's end were read as history."""


class Builder:
    """Turns a season's facts into text, with names and colors shared by all parts."""

    def __init__(self, facts: SeasonFacts, now: datetime) -> None:
        self.facts = facts
        self.now = now
        self.events = [event for event in facts.events if event.format is not EventFormat.TESTING]
        self.team_of = self._team_of()
        best = [row.competitor_id for row in self._last("team")]
        raced = sorted({entry.team_id for rows in facts.entries.values() for entry in rows if entry.team_id})
        self.colors = team_colors(dict.fromkeys([*best, *raced]), facts.colors)
        self.names = {driver.id: driver.family_name for driver in facts.drivers.values()}

    def page(self) -> Page:
        """The whole page."""
        weekends = [self.weekend(event) for event in self.events]
        raced = [event for event in self.events if event.status is not Status.CANCELLED]
        driven = [event for event in raced if event.status is Status.COMPLETED]
        coming = [event for event in raced if event.status in (Status.SCHEDULED, Status.LIVE)]
        official = [
            row.seconds_to_official
            for session_id, row in self.facts.freshness.items()
            if session_id.endswith(f"/{SessionKind.RACE}") and row.seconds_to_official is not None
        ]
        timely = official and median(official) <= READ_LATE.total_seconds()
        return Page(
            season=self.facts.season,
            weekends=weekends,
            championships=[found for name in ("driver", "team") if (found := self.championship(name))],
            decisions=self.decisions(),
            fresh=self.fresh() if timely else [],
            median_official=lapse(median(official)) if official else "",
            slowest_official=lapse(max(official)) if official else "",
            driven=len(driven),
            planned=len(raced),
            is_over=bool(driven) and not coming,
            next_race=f"{coming[0].name}, {days(coming[0].first_date, coming[0].last_date)}" if coming else "",
            held=len(self.facts.calendar.held),
            written_at=moment(self.now, year=True),
        )

    def weekend(self, event: Event) -> Weekend:
        """An event with its tables, the race first."""
        own = self.facts.sessions_of(event)
        race = next((session for session in own if session.kind is SessionKind.RACE), None)
        tables = [self.table(session) for session in reversed(own) if session.kind in RACED and session.has_results]
        entries = self.facts.entries.get(race.id, ()) if race else ()
        first = sorted((entry for entry in entries if entry.position), key=lambda entry: entry.position or 0)
        wall, utc = _race_time_at(race) if race else ("", "")
        return Weekend(
            anchor=f"event-{slug_of(event.id)}",
            round=str(event.round or ""),
            name=event.name,
            place=", ".join(dict.fromkeys([event.locality, event.country])),
            days=days(event.first_date, event.last_date),
            race_at=wall,
            race_utc=utc,
            status=event.status.value,
            is_sprint=event.format not in (EventFormat.CONVENTIONAL, EventFormat.TESTING),
            is_cancelled=event.status is Status.CANCELLED,
            moves=self.moves(event),
            winner=self.driver(first[0]) if first else "",
            winner_color=self.color(first[0].team_id) if first else GRAY,
            podium=", ".join(self.family_name(entry) for entry in first[:PODIUM]),
            pole=self.pole(own, entries),
            tables=tables,
            is_revised=any(table.is_revised for table in tables),
            is_provisional=race is not None and race.results_state is ResultsState.PROVISIONAL,
        )

    def pole(self, own: Sequence[Session], entries: Sequence[Entry]) -> str:
        """Who was first in qualifying or, if that is unknown, on the grid."""
        kinds = {session.kind: session for session in own}
        if qualifying := kinds.get(SessionKind.QUALIFYING):
            for entry in self.facts.entries.get(qualifying.id, ()):
                if entry.position == 1:
                    return self.family_name(entry)
        return next((self.family_name(entry) for entry in entries if entry.grid == 1), "")

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
        return [_moved(change, subject) for change, subject in happened]

    def table(self, session: Session) -> Table:
        """A session's classification with its history and stints."""
        entries = self.facts.entries.get(session.id, ())
        most = max((entry.laps or 0 for entry in entries), default=0)
        known = self.facts.revisions.get(session.id, ())
        race = self.facts.stints.get(session.id)
        drawn = race if race and race.cars else None
        compounds = {stint.compound or "UNKNOWN" for car in drawn.cars for stint in car.stints} if drawn else set()
        return Table(
            name=session.name,
            state=session.results_state.value,
            rows=[self.row(entry, most) for entry in entries],
            history=[self.revision(row, before) for row, before in zip(known, (None, *known), strict=False)],
            is_revised=_decided(known) != [],
            stints=stint_chart(f"stints-{slug_of(event_id_of(session.id))}-{session.kind}", drawn) if drawn else None,
            compounds=sorted(compound.lower() for compound in compounds),
            is_wet=bool(drawn and drawn.wet),
            is_stopped=bool(drawn and drawn.stopped),
        )

    def row(self, entry: Entry, most: int) -> Classified:
        """An entry as text."""
        team = self.facts.teams.get(entry.team_id or "")
        return Classified(
            place=place_text(entry),
            driver=self.driver(entry),
            team=team.name if team else "",
            color=self.color(entry.team_id),
            grid="pit" if entry.grid == 0 else str(entry.grid or ""),
            gained=entry.grid - entry.position if entry.grid and entry.position else None,
            time=race_time(entry, most),
            points=plain(entry.points) if entry.points else "",
            is_fastest=entry.fastest_lap_rank == 1,
        )

    def revision(self, row: Row[Any], before: Row[Any] | None) -> Happening:
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
        return Happening(moment(row.observed_at), kind, text)

    def decisions(self) -> list[tuple[str, str, Happening]]:
        """Every change of an official classification: its event's anchor, its session, the change."""
        found = []
        for session_id, rows in self.facts.revisions.items():
            session = self.facts.calendar.sessions[session_id]
            event = self.facts.calendar.events[session.event_id]
            found += [
                (row.observed_at, f"event-{slug_of(event.id)}", f"{event.name}, {session.name}", row, before)
                for row, before in _decided(rows)
            ]
        found.sort(key=lambda each: each[0])
        return [(anchor, of, self.revision(row, before)) for _, anchor, of, row, before in found]

    def championship(self, competitor: Competitor) -> Championship | None:
        """A championship after each event that has standings; None if none has."""
        tables = self.facts.standings[competitor]
        having = [event for event in self.events if tables.get(event.id)]
        if not having:
            return None
        points = [{row.competitor_id: row.points for row in tables[event.id]} for event in having]
        last = list(tables[having[-1].id])
        before = {row.competitor_id: row.position for row in tables[having[-2].id]} if len(having) > 1 else {}
        leader = last[0].points
        places, lines = [], []
        drivers_of: dict[str, int] = {}
        for row in last:
            team = row.competitor_id if competitor == "team" else self.team_of.get(row.competitor_id, "")
            dash = drivers_of.get(team, 0)
            drivers_of[team] = dash + 1
            name, short = self.competitor_names(competitor, row.competitor_id)
            after = [each.get(row.competitor_id) for each in points]
            lines.append(Line(name, short, self.color(team), dash if team else 0, after))
            was = before.get(row.competitor_id)
            team_known = self.facts.teams.get(team) if competitor == "driver" else None
            places.append(
                Place(
                    place=str(row.position or NOTHING),
                    name=name,
                    team=team_known.name if team_known else "",
                    color=self.color(team),
                    points=plain(row.points),
                    behind=f"−{plain(leader - row.points)}" if row.points < leader else "",
                    wins=row.wins,
                    gained=was - row.position if was and row.position else 0,
                    after=["" if each is None else plain(each) for each in after],
                )
            )
        rounds = [str(event.round or NOTHING) for event in having]
        return Championship(
            title="Drivers" if competitor == "driver" else "Teams",
            chart=championship_chart(f"{competitor}s-by-round", rounds, lines),
            rounds=rounds,
            events=[event.name for event in having],
            places=places,
        )

    def competitor_names(self, competitor: Competitor, identity: str) -> tuple[str, str]:
        """A competitor's name, and a short one for the end of a chart's line."""
        if competitor == "team":
            team = self.facts.teams.get(identity)
            name = team.name if team else identity
            return name, name.removesuffix(" F1 Team")[:SHORT].strip()
        driver = self.facts.drivers.get(identity)
        if driver is None:
            return identity, identity[:3].upper()
        short = driver.code or driver.family_name[:SHORT]
        return f"{driver.given_name} {driver.family_name}", short

    def fresh(self) -> list[Fresh]:
        """The sessions with results, in the order of their ends."""
        found = []
        for session_id, row in sorted(self.facts.freshness.items(), key=lambda item: item[1].ends_at):
            session = self.facts.calendar.sessions[session_id]
            if row.seconds_to_last_revision is None or session.kind not in RACED:
                continue
            lapses = (row.seconds_to_provisional, row.seconds_to_official, row.seconds_to_last_revision)
            event = self.facts.calendar.events[session.event_id]
            found.append(Fresh(f"{event.name}, {session.name}", *(shown(seconds, lapse) for seconds in lapses)))
        return found

    def driver(self, entry: Entry) -> str:
        """An entry's driver by name or, if unknown, by code or car."""
        driver = self.facts.drivers.get(entry.driver_id or "")
        return f"{driver.given_name} {driver.family_name}" if driver else self.family_name(entry)

    def family_name(self, entry: Entry) -> str:
        """An entry's driver by family name or, if unknown, by code or car."""
        return self.names.get(entry.driver_id or "") or entry.driver_code or f"car {entry.car_number}"

    def color(self, team: str | None) -> tuple[str, str]:
        """A team's color on a light and on a dark page."""
        return self.colors.get(team or "", GRAY)

    def _last(self, competitor: Competitor) -> Sequence[Row[Any]]:
        tables = self.facts.standings[competitor]
        return next((tables[event.id] for event in reversed(self.events) if event.id in tables), ())

    def _team_of(self) -> Mapping[str, str]:
        """Each driver's last team."""
        found = {}
        for event in self.events:
            for entry in self.facts.entries.get(f"{event.id}/{SessionKind.RACE}", ()):
                if entry.driver_id and entry.team_id:
                    found[entry.driver_id] = entry.team_id
        return found


def _decided(revisions: Sequence[Row[Any]]) -> list[tuple[Row[Any], Row[Any]]]:
    """The revisions of official classifications, each with the one before."""
    pairs = zip(revisions[1:], revisions, strict=False)
    return [(row, before) for row, before in pairs if before.state == row.state == ResultsState.OFFICIAL]


def _moved(change: FeedChange, subject: str) -> Happening:
    return Happening(moment(change.at), change.kind.value.replace("_", " "), change_text(change, subject).plain)


def _race_time_at(race: Session) -> tuple[str, str]:
    """A race's start, by the venue's clock and in UTC; the date alone if the time is unknown."""
    if race.starts_at is None:
        return day(race.local_date), ""
    if race.utc_offset_minutes is None:
        return day(race.local_date), time_of_day(race.starts_at)
    return venue_time(race.starts_at, race.utc_offset_minutes), time_of_day(race.starts_at)
