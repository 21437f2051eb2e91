"""What follows from a published championship: both tables whole, one of them, or ours stand. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from core.records import Change, ChangeKind, Competitor, Entity, Event, Held, SessionKind, Source, Standing
from core.rules import datasets
from core.rules.confirmation import Confirmation, Key
from core.rules.datasets import STANDINGS, DatasetState
from core.rules.results.championship import Table, best_placed, competitors, examine_table, reason_of
from core.rules.results.standings import RoundEvent, Tables, differences, merged


@dataclass(frozen=True)
class KnownStandings:
    """An event's standings as the database holds them, with what a decision about them depends on.

    `computed` are those that the season's official results up to the event give, `unseen` the kinds of its races and
    sprints that have none.
    """

    event: Event
    state: DatasetState
    held: Mapping[Key, Held]
    computed: Tables
    unseen: Sequence[SessionKind]
    tables: Mapping[Competitor, Sequence[Standing]]


@dataclass(frozen=True)
class StandingsDecision:
    """What is to be written; `accepted` are the championships whose published table is taken, changed or not."""

    accepted: tuple[Competitor, ...]
    tables: Mapping[Competitor, Sequence[Standing]]
    state: DatasetState
    held: Mapping[Key, Held]
    changes: tuple[Change, ...]
    messages: tuple[str, ...]


def decide_standings(
    known: KnownStandings, published: Mapping[Competitor, Sequence[Standing]], now: datetime
) -> StandingsDecision:
    """Let Jolpica's standings win over ours, a championship's table whole or not at all.

    A table that is not plausible is held with the reason, and ours stands, as it does where nothing is published; both
    championships are then asked for again.
    """
    event = known.event
    messages: list[str] = []
    refused: dict[Competitor, str] = {}
    accepted: dict[Competitor, list[Standing]] = {}
    missing = sum(kind is SessionKind.RACE for kind in known.unseen)
    for competitor, theirs in published.items():
        if not theirs:
            continue
        table = Table(event.season, competitor, theirs, known.computed.get(competitor, ()), known.unseen)
        if reasons := examine_table(table):
            refused[competitor] = reason_of(reasons)
            continue
        if missing and not messages:
            messages.append(f"{missing} earlier races have no official result here: Jolpica's standings are taken")
        ours = known.tables[competitor]
        if ours and not missing:
            messages += differences(ours, theirs)
        accepted[competitor] = merged(ours, best_placed(theirs))
    tables = {competitor: table for competitor, table in accepted.items() if not _same(known.tables[competitor], table)}
    change = standings_change(event, 1, messages)
    confirmation = Confirmation(known.held, now)
    about = Entity.EVENT, event.id, STANDINGS.rejected
    reasons = [f"{competitor} standings: {reason}" for competitor, reason in refused.items()]
    if refused:
        payload: dict[str, Any] = {competitor: _rows(published[competitor]) for competitor in refused}
        confirmation.hold_refused(*about, payload, "; ".join(reasons))
    else:
        confirmation.forget(*about)
    if not refused and all(published.get(competitor) for competitor in competitors(event.season)):
        state = datasets.accepted(known.state, Source.JOLPICA, is_revision=bool(tables))
    else:
        state = datasets.awaited(STANDINGS, known.state, _ended_at(event), now, "; ".join(reasons) or None)
    return StandingsDecision(
        accepted=tuple(accepted),
        tables=tables,
        state=state,
        held=confirmation.kept,
        changes=(change,) if tables and messages else (),
        messages=(*messages, *(f"refused, ours stand: {reason}" for reason in reasons)),
    )


def standings_unread(
    state: DatasetState, held: Mapping[Key, Held], event: Event, now: datetime, error: str, *, is_refused: bool
) -> tuple[DatasetState, Mapping[Key, Held]]:
    """The state and what is held after a poll without a table: one that cannot be read is refused, the rest a fault."""
    confirmation = Confirmation(held, now)
    if not is_refused:
        return datasets.failed(state, now, error), confirmation.kept
    confirmation.hold_refused(Entity.EVENT, event.id, STANDINGS.rejected, {}, error)
    return datasets.awaited(STANDINGS, state, _ended_at(event), now, error), confirmation.kept


def latest_due(states: Mapping[str, DatasetState], latest: str, now: datetime) -> dict[str, DatasetState]:
    """A season's states by event once new results came: the standings after the latest event are due, and no others."""
    due = {event_id: datasets.due(state, None) for event_id, state in states.items()}
    return due | {latest: datasets.due(states.get(latest) or datasets.initial_state(STANDINGS, latest), now)}


def standings_change(event: Event | RoundEvent, events: int, messages: Sequence[str] = ()) -> Change:
    """The season's change: its standings differ after an event, and in so many `events` from there on."""
    after = {"from_event": event.id, "events": events}
    return Change(
        entity=Entity.SEASON,
        entity_id=str(event.season),
        kind=ChangeKind.STANDINGS,
        before=None,
        after={**after, "differences": list(messages)} if messages else after,
    )


def _same(ours: Sequence[Standing], wanted: Sequence[Standing]) -> bool:
    return {one.competitor_id: one for one in ours} == {one.competitor_id: one for one in wanted}


def _ended_at(event: Event) -> datetime:
    return datetime.combine(event.last_date, time(), UTC)


def _rows(published: Sequence[Standing]) -> list[dict[str, Any]]:
    return [standing.model_dump(mode="json", exclude={"source"}) for standing in published]
