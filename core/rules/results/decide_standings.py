"""Decides about a published championship: accept it, wait for confirmation, or keep ours. Pure functions.

While a season is under way the published table is used, since only it shows a deduction: at once if it equals ours,
otherwise after a day. Once the season is over ours is used, with its adjustments. If results are missing here, ours
cannot be compared, and the published table is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from core.kinds import ChangeKind, Entity, HeldKind, SessionKind, Source
from core.records import Change, Competitor, Event, Held, Standing
from core.rules import datasets
from core.rules.confirmation import DIFFERENT, Confirmation, Key
from core.rules.datasets import STANDINGS, DatasetState
from core.rules.results.championship import Table, best_placed, competitors, examine_table, reason_of
from core.rules.results.disagreements import Difference, differences, merged
from core.rules.results.polling import DAY, HOUR, is_settled
from core.rules.results.standings import RoundEvent, Tables

CONFIRM_EVERY, COMPARE_EVERY = 6 * HOUR, 7 * DAY
"""How often a table that differs is requested until it is confirmed, and from then on."""


@dataclass(frozen=True)
class Unseen:
    """The races and sprints without an official result here, by kind: those of earlier events, and of this one."""

    earlier: Sequence[SessionKind]
    own: Sequence[SessionKind]

    @property
    def missed(self) -> int:
        """How many of them are over: a sprint counts once its event's race has a result."""
        return len(self.earlier) + (0 if SessionKind.RACE in self.own else len(self.own))


@dataclass(frozen=True)
class KnownStandings:
    """An event's standings as the database holds them, with what a decision about them depends on.

    `computed` are from the season's official results up to the event, with its adjustments. `season_end` is when its
    last championship event is over.
    """

    event: Event
    season_end: datetime
    state: DatasetState
    held: Mapping[Key, Held]
    computed: Tables
    unseen: Unseen
    tables: Tables


@dataclass(frozen=True)
class StandingsDecision:
    """What to write; `accepted` are the championships whose published table is used, changed or not."""

    accepted: tuple[Competitor, ...]
    tables: Tables
    state: DatasetState
    held: Mapping[Key, Held]
    changes: tuple[Change, ...]
    messages: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    """The published tables that passed their gates, their differences from ours, and why others failed."""

    read: Mapping[Competitor, Sequence[Standing]]
    differing: Mapping[Competitor, Sequence[Difference]]
    refused: Mapping[Competitor, str]

    def lines_of(self, some: Iterable[Competitor]) -> list[str]:
        """The differences of some tables, in words."""
        return [str(one) for competitor in some for one in self.differing.get(competitor, ())]


def ours_win(season_end: datetime, unseen: Unseen, now: datetime) -> bool:
    """Whether our standings win: the season is over, and no results up to then are missing here."""
    return now >= season_end and not unseen.missed


def decide_standings(
    known: KnownStandings, published: Mapping[Competitor, Sequence[Standing]], now: datetime
) -> StandingsDecision:
    """Accept the published standings or keep ours, each championship's table whole.

    If a table is implausible it is held with the reason, ours stands, and both championships are requested again. Ours
    stands too if nothing is published. A table that differs is held with both figures while it differs.
    """
    event, is_ours = known.event, ours_win(known.season_end, known.unseen, now)
    answer = _examined(known, published, is_ours=is_ours)
    confirmation = Confirmation(known.held, now)
    refusal = _hold_refused(confirmation, event, answer, published)
    since = _hold_differing(confirmation, known, answer, published)
    is_confirmed = since is not None and now - since >= DIFFERENT
    accepted = {
        competitor: merged(known.computed.get(competitor, ()), theirs)
        for competitor, theirs in answer.read.items()
        if not is_ours and (is_confirmed or competitor not in answer.differing)
    }
    tables = {
        competitor: table
        for competitor, table in accepted.items()
        if not _same(known.tables.get(competitor, ()), table)
    }
    missed = known.unseen.missed if accepted else 0
    said = [f"{missed} races and sprints have no official result here: Jolpica's standings are used"] if missed else []
    taken = [*said, *answer.lines_of(tables)]
    said += answer.lines_of(answer.differing)
    if answer.differing and not (is_confirmed and accepted):
        said.append("ours stand" if is_ours else "ours stand until Jolpica's differ for a day")
    if refusal:
        said.append(f"refused, ours stand: {refusal}")
    return StandingsDecision(
        accepted=tuple(accepted),
        tables=tables,
        state=_state(known, answer, refusal, since, now, is_revision=bool(tables)),
        held=confirmation.kept,
        changes=(standings_change(event, 1, taken),) if tables and taken else (),
        messages=tuple(said),
    )


def standings_unread(
    state: DatasetState,
    held: Mapping[Key, Held],
    event: Event,
    season_end: datetime,
    now: datetime,
    error: str,
    *,
    is_refused: bool,
) -> tuple[DatasetState, Mapping[Key, Held]]:
    """The state and held answers after a poll without a table: an unreadable one is refused, the rest are faults."""
    confirmation = Confirmation(held, now)
    if not is_refused:
        return datasets.failed(state, now, error), confirmation.kept
    confirmation.hold_answer(Entity.EVENT, event.id, STANDINGS.rejected, {}, error)
    return _ending(datasets.awaited(STANDINGS, state, _ended_at(event), now, error), season_end, now), confirmation.kept


def latest_due(states: Mapping[str, DatasetState], latest: str, now: datetime) -> dict[str, DatasetState]:
    """A season's states by event after new results: the standings after the latest event are due, and no others."""
    due = {event_id: datasets.with_next_poll(state, None) for event_id, state in states.items()}
    return due | {latest: datasets.with_next_poll(states.get(latest) or datasets.initial_state(STANDINGS, latest), now)}


def standings_change(event: Event | RoundEvent, events: int, messages: Sequence[str] = ()) -> Change:
    """The season's change: its standings differ after an event, and in `events` events from there on."""
    after = {"from_event": event.id, "events": events}
    return Change(
        entity=Entity.SEASON,
        entity_id=str(event.season),
        kind=ChangeKind.STANDINGS,
        before=None,
        after={**after, "differences": list(messages)} if messages else after,
    )


def _examined(known: KnownStandings, published: Mapping[Competitor, Sequence[Standing]], *, is_ours: bool) -> _Answer:
    """Examine the published tables. If ours win, other figures are not a fault but a difference to report."""
    season, kinds = known.event.season, [*known.unseen.earlier, *known.unseen.own]
    read: dict[Competitor, Sequence[Standing]] = {}
    refused: dict[Competitor, str] = {}
    for competitor, theirs in published.items():
        table = Table(season, competitor, theirs, known.computed.get(competitor, ()), kinds)
        if not theirs:
            continue
        if reasons := examine_table(table, by_figures=not is_ours):
            refused[competitor] = reason_of(reasons)
        else:
            read[competitor] = best_placed(theirs)
    found = {
        competitor: differences(season, known.computed.get(competitor, ()), theirs)
        for competitor, theirs in read.items()
        if not known.unseen.missed
    }
    return _Answer(read, {competitor: unlike for competitor, unlike in found.items() if unlike}, refused)


def _hold_refused(
    confirmation: Confirmation, event: Event, answer: _Answer, published: Mapping[Competitor, Sequence[Standing]]
) -> str | None:
    """Hold the refused tables, and return the reason."""
    about = Entity.EVENT, event.id, STANDINGS.rejected
    if not answer.refused:
        confirmation.forget(*about)
        return None
    reason = "; ".join(f"{competitor} standings: {why}" for competitor, why in answer.refused.items())
    confirmation.hold_answer(*about, {one: _rows(published[one]) for one in answer.refused}, reason)
    return reason


def _hold_differing(
    confirmation: Confirmation,
    known: KnownStandings,
    answer: _Answer,
    published: Mapping[Competitor, Sequence[Standing]],
) -> datetime | None:
    """Hold the published tables' differences, keeping those of a championship not published now; returns since when."""
    about = Entity.EVENT, known.event.id, HeldKind.STANDINGS_DIFFER
    before = known.held.get((Entity.EVENT.value, known.event.id, HeldKind.STANDINGS_DIFFER.value))
    if before is not None and not any(published.values()):
        return before.first_seen_at
    payload: dict[str, Any] = {one: [each.figures for each in unlike] for one, unlike in answer.differing.items()}
    for competitor in competitors(known.event.season):
        if before is not None and competitor in before.payload and not published.get(competitor):
            payload[competitor] = before.payload[competitor]
    if payload:
        return confirmation.hold_answer(*about, payload, reason_of(answer.lines_of(answer.differing))).first_seen_at
    confirmation.forget(*about)
    return None


def _state(
    known: KnownStandings,
    answer: _Answer,
    refusal: str | None,
    since: datetime | None,
    now: datetime,
    *,
    is_revision: bool,
) -> DatasetState:
    """The state after an answer; from 30 days after the season on nothing more is requested."""
    event, state, lines = known.event, known.state, reason_of(answer.lines_of(answer.differing))
    if not all(competitor in answer.read for competitor in competitors(event.season)):
        state = datasets.awaited(STANDINGS, state, _ended_at(event), now, refusal)
    elif since is None:
        state = datasets.accepted(state, Source.JOLPICA, is_revision=is_revision)
    elif now < since + DIFFERENT:
        state = datasets.differing(state, min(now + CONFIRM_EVERY, since + DIFFERENT), lines)
    elif ours_win(known.season_end, known.unseen, now):
        state = datasets.differing(state, now + COMPARE_EVERY, lines)
    else:
        state = datasets.accepted(state, Source.JOLPICA, is_revision=is_revision, differences=lines)
    return _ending(state, known.season_end, now)


def _ending(state: DatasetState, season_end: datetime, now: datetime) -> DatasetState:
    """A state without a next poll once its season is settled."""
    return datasets.with_next_poll(state, None) if is_settled(now, season_end) else state


def _same(ours: Sequence[Standing], wanted: Sequence[Standing]) -> bool:
    return {one.competitor_id: one for one in ours} == {one.competitor_id: one for one in wanted}


def _ended_at(event: Event) -> datetime:
    return datetime.combine(event.last_date, time(), UTC)


def _rows(published: Sequence[Standing]) -> list[dict[str, Any]]:
    return [standing.model_dump(mode="json", exclude={"source"}) for standing in published]
