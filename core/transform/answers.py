"""Jolpica's race documents as answers to one query: which session each is about, and what it says. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import SourceMalformed
from core.records import ListedEvent, SessionResult
from core.rules.calendar.identity import match_events
from core.rules.results.due_polls import DuePoll, ResultQuery
from core.transform.documents import as_text
from core.transform.results import result_of_race
from core.transform.schedule import event_of_result


@dataclass(frozen=True)
class Answer:
    """What was published of one session: a result, or the fault of a document that cannot be read."""

    due_poll: DuePoll
    result: SessionResult | SourceMalformed
    document: str | None = None


def read_answers(query: ResultQuery, races: Sequence[Mapping[str, Any]], rows: str) -> list[Answer]:
    """The answers to a query; a session that is not among them has nothing published.

    A document that cannot be read is its own session's fault, by its round. Where not even that can be read, it may be
    about any session that has no other answer, so all of those get the fault.
    """
    listed: dict[int, ListedEvent] = {}
    faults: dict[int, SourceMalformed] = {}
    for index, race in enumerate(races):
        try:
            listed[index] = event_of_result(race, query.season)
        except SourceMalformed as error:
            faults[index] = error
    readable = list(listed)
    by_event = {due_poll.event.id: due_poll for due_poll in query.due_polls}
    matched = match_events([due_poll.event for due_poll in query.due_polls], list(listed.values()))
    answers = {
        event_id: _answer(by_event[event_id], races[readable[position]], query, rows)
        for position, event_id in matched.items()
    }
    for index, fault in faults.items():
        missing = [due_poll for due_poll in query.due_polls if due_poll.event.id not in answers]
        own = [due_poll for due_poll in missing if str(due_poll.event.round) == races[index].get("round")]
        for due_poll in own or missing:
            answers[due_poll.event.id] = Answer(due_poll, fault, as_text(races[index]))
    return list(answers.values())


def _answer(due_poll: DuePoll, race: Mapping[str, Any], query: ResultQuery, rows: str) -> Answer:
    try:
        return Answer(due_poll, result_of_race(race, query.kind, rows))
    except SourceMalformed as fault:
        return Answer(due_poll, fault, as_text(race))
