"""A season's history in memory: a sync and a poll of a season that the database does not have. Pure functions.

`reconcile`, `decide` and `standings_after` make the decisions, from data in memory instead of the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from core.documents import LISTING_OF, Listing
from core.kinds import ChangeKind, Entity, SessionKind, Source, Status
from core.records import (
    Change,
    Circuit,
    Competitor,
    Driver,
    Entry,
    ListedEvent,
    ListedResult,
    Record,
    ScheduleAnswer,
    Session,
    SessionResult,
    Standing,
    Team,
)
from core.rules.calendar.qualifying import needs_tables
from core.rules.calendar.reconcile import Reconciled, reconcile
from core.rules.calendar.season import Calendar
from core.rules.datasets import DatasetState
from core.rules.results import polling
from core.rules.results.decide import Decision, Revision, decide, decide_without_result
from core.rules.results.decide_standings import latest_due
from core.rules.results.due_polls import Answer, DuePoll, match_results, result_queries
from core.rules.results.known import TIMES, Beginning, Evidence, KnownResults, beginning, entry_counts, in_order
from core.rules.results.outcome import Polled
from core.rules.results.points import SCORING
from core.rules.results.polling import Cadence
from core.rules.results.standings import Adjustment, Round, RoundEvent, RoundResult, rounds_of, standings_after

HISTORY = "history"
"""The dataset whose state marks a season's history as complete."""


@dataclass(frozen=True)
class SeasonAnswer:
    """Upstream's data of a season: its schedule, Jolpica's races for their circuits, and results by kind.

    `rejected` are better sources whose schedules were rejected, with the reasons.
    """

    schedule: ScheduleAnswer
    races: tuple[ListedEvent, ...]
    results: Mapping[SessionKind, Sequence[ListedResult]]
    rejected: Mapping[Source, str] = field(default_factory=dict)

    @property
    def season(self) -> int:
        """The championship year."""
        return self.schedule.season

    @property
    def qualifying(self) -> tuple[ListedResult, ...]:
        """The qualifying tables, for the sessions that the schedule lacks."""
        return tuple(self.results.get(SessionKind.QUALIFYING, ()))

    def reconciled(self, known: Calendar, now: datetime) -> Reconciled:
        """The known season with the schedule applied."""
        return reconcile(
            known, self.schedule, now, races=self.races, qualifying=self.qualifying, rejected=self.rejected
        )


@dataclass(frozen=True)
class Accepted:
    """A session's first classification."""

    result: SessionResult
    revision: Revision


class Backfilled(Record):
    """The outcome for a season: how much was added; `failure` in words, if it failed."""

    season: int
    events: int = 0
    results: int = 0
    entries: int = 0
    failure: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The season's name for people."""
        return str(self.season)


def season_history(
    answer: SeasonAnswer,
    circuits: Mapping[str, Circuit],
    adjustments: Sequence[Adjustment],
    elsewhere: Mapping[Beginning, Mapping[str, Sequence[Entry]]],
    now: datetime,
    cadence: Cadence,
) -> SeasonHistory:
    """Sync a season of which nothing is known, then poll all that is due.

    Args:
        circuits: those of all seasons.
        adjustments: those of the season's championships.
        elsewhere: other seasons' classifications, by the `beginnings` that they share with this season.
    """
    reconciled = answer.reconciled(Calendar(circuits=circuits), now)
    history = SeasonHistory(answer.season, reconciled, adjustments, elsewhere, now, cadence)
    due = due_polls(reconciled.calendar, now, cadence)
    for query in result_queries(due):
        if query.source is not Source.JOLPICA:
            continue
        answers = {one.due_poll.session.id: one for one in match_results(query, answer.results.get(query.kind, ()))}
        for due_poll in query.due_polls:
            if found := answers.get(due_poll.session.id):
                history.take(found)
            elif not due_poll.may_have_timing:
                history.take_nothing(due_poll)
    return history


def notes_of(polled: Iterable[Polled]) -> tuple[str, ...]:
    """The notes for people about polled sessions: why a table was not accepted."""
    return tuple(
        f"{one.session_id}: {one.outcome.value}: {one.reason or '; '.join(one.warnings)}"
        for one in polled
        if not one.outcome.is_accepted
    )


def listings_due(known: Calendar, answer: SeasonAnswer, now: datetime, cadence: Cadence) -> list[Listing]:
    """Jolpica's tables with due results of a known season, once the answer's schedule is applied."""
    kinds = {due_poll.session.kind for due_poll in due_polls(answer.reconciled(known, now).calendar, now, cadence)}
    if needs_tables(known, answer.schedule, now):
        kinds.add(SessionKind.QUALIFYING)
    return [listing for kind, listing in LISTING_OF.items() if kind in kinds]


def due_polls(calendar: Calendar, now: datetime, cadence: Cadence) -> list[DuePoll]:
    """The sessions of a calendar whose results are due, oldest first, with their events."""
    found = polling.due(calendar.sessions.values(), now, cadence.delay)
    due = [DuePoll(session, calendar.events[session.event_id]) for session in found]
    return [one for one in due if one.is_polled]


def is_over(calendar: Calendar, now: datetime) -> bool:
    """Whether a season's year and all of its sessions are past; until then its calendar may be incomplete."""
    end = _end(calendar)
    return end is not None and now >= end and all(event.season < now.year for event in calendar.events.values())


def is_settled(calendar: Calendar, now: datetime) -> bool:
    """Whether a season's results are no longer polled."""
    end = _end(calendar)
    return end is not None and polling.is_settled(now, end)


def _end(calendar: Calendar) -> datetime | None:
    """When the last of a season's sessions is over."""
    taking_place = [one for one in calendar.sessions.values() if one.status is not Status.CANCELLED]
    return max(map(polling.over_at, taking_place), default=None)


def beginnings(results: Iterable[ListedResult]) -> set[Beginning]:
    """The beginnings of the classifications among results."""
    found = (beginning(one.result.entries) for one in results if one.result is not None)
    return {one for one in found if one is not None}


class SeasonHistory:
    """A season to be written, decided session by session: calendar, classifications, competitors, standings, states."""

    def __init__(
        self,
        season: int,
        reconciled: Reconciled,
        adjustments: Sequence[Adjustment],
        elsewhere: Mapping[Beginning, Mapping[str, Sequence[Entry]]],
        now: datetime,
        cadence: Cadence,
    ) -> None:
        self.season = season
        self.reconciled = reconciled
        self.adjustments = adjustments
        self.elsewhere = elsewhere
        self.now = now
        self.cadence = cadence
        self.events = [RoundEvent.of(one) for one in reconciled.calendar.events.values()]
        self.sessions = dict(reconciled.calendar.sessions)
        self.held = dict(reconciled.calendar.held)
        self.last_date = max(
            (one.local_date for one in self.sessions.values() if one.status is not Status.CANCELLED), default=None
        )
        self.accepted: dict[str, Accepted] = {}
        self.by_time: defaultdict[Beginning, set[str]] = defaultdict(set)
        self.numbers: set[str] = set()
        self.drivers: dict[str, Driver] = {}
        self.teams: dict[str, Team] = {}
        self.states: dict[str, DatasetState] = {}
        self.polled: list[Polled] = []

    def take(self, answer: Answer) -> None:
        """Decide about a session's published answer."""
        session = answer.due_poll.session
        if not isinstance(answer.result, SessionResult):
            self.take_nothing(answer.due_poll, error=str(answer.result), document=answer.document)
            return
        known = KnownResults(session, self.last_date, evidence=self._evidence(session, answer.result.entries))
        decision = decide(known, answer.result, self.now, self.cadence)
        self._note(session, decision)
        if decision.revision is not None:
            self._accept(session, Accepted(answer.result, decision.revision))
        if decision.changes_standings:
            latest = [one.event.id for one in self._rounds() if one.results][-1]
            self.states = latest_due(self.states, latest, self.now)

    def take_nothing(self, due_poll: DuePoll, *, error: str | None = None, document: str | None = None) -> None:
        """Decide about a session for which nothing is published or, with `error`, nothing readable."""
        known = KnownResults(due_poll.session, self.last_date)
        decision = decide_without_result(known, self.now, self.cadence, error=error, document=document)
        self._note(due_poll.session, decision)

    def _note(self, session: Session, decision: Decision) -> None:
        self.sessions[session.id] = decision.session
        self.held |= decision.held
        self.polled.append(decision.polled(0))

    def _evidence(self, session: Session, entries: Sequence[Entry]) -> Evidence:
        begins = beginning(entries)
        alike: dict[str, Sequence[Entry]] = {}
        if begins is not None:
            accepted = {other: self.accepted[other].result.entries for other in self.by_time[begins]}
            alike |= {other: sorted(entries, key=in_order) for other, entries in accepted.items()}
            alike |= self.elsewhere.get(begins, {})
        rounds = self._rounds(session.event_id)
        numbers = {entry.car_number for one in rounds for result in one.results for entry in result.entries}
        if not numbers.issuperset(entry.car_number for entry in entries):
            numbers |= self.numbers
        return Evidence(numbers=numbers, alike=alike, entry_counts=entry_counts(session, rounds))

    def _accept(self, session: Session, accepted: Accepted) -> None:
        result = accepted.result
        self.accepted[session.id] = accepted
        for entry in result.entries:
            if entry.car_number:
                self.numbers.add(entry.car_number)
            for name in TIMES if entry.driver_id is not None else ():
                if (time := getattr(entry, name)) is not None:
                    self.by_time[entry.driver_id or "", name, time].add(session.id)
        self.drivers |= {one.id: one.completed(self.drivers.get(one.id)) for one in result.drivers}
        self.teams |= {one.id: one.completed(self.teams.get(one.id)) for one in result.teams}

    def _rounds(self, event_id: str | None = None) -> list[Round]:
        """The events in order, with the results of their races and sprints; one event also has its other sessions'."""
        by_event: defaultdict[str, list[RoundResult]] = defaultdict(list)
        for session_id, accepted in self.accepted.items():
            session = self.sessions[session_id]
            if session.kind in SCORING or session.event_id == event_id:
                by_event[session.event_id].append(RoundResult(session.kind, accepted.result.entries))
        return rounds_of(self.events, by_event)

    @property
    def calendar(self) -> Calendar:
        """The season's calendar, with the sessions' results."""
        first = self.reconciled.calendar
        return Calendar(first.events, self.sessions, first.circuits, self.held)

    @cached_property
    def standings(self) -> Sequence[tuple[RoundEvent, Mapping[Competitor, Sequence[Standing]]]]:
        """The championships after each event; for use once all is decided."""
        return standings_after(self._rounds(), self.adjustments)

    @property
    def backfilled(self) -> Backfilled:
        """The season's outcome."""
        return Backfilled(
            season=self.season,
            events=len(self.events),
            results=len(self.accepted),
            entries=self._entry_count,
            notes=(*self.reconciled.notes, *notes_of(self.polled)),
        )

    @property
    def change(self) -> Change:
        """The one change for the whole season."""
        after = {
            "events": len(self.events),
            "sessions": len(self.sessions),
            "results": len(self.accepted),
            "entries": self._entry_count,
        }
        return Change(entity=Entity.SEASON, entity_id=str(self.season), kind=ChangeKind.ADDED, before=None, after=after)

    @property
    def _entry_count(self) -> int:
        return sum(len(one.result.entries) for one in self.accepted.values())
