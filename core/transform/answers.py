"""Jolpica's race documents as answers to one query: which session each is about, and what it says. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import SourceMalformed
from core.records import ListedEvent, SessionResult
from core.rules.calendar.identity import match_events
from core.rules.results.due_polls import Debt, Question
from core.transform.documents import as_text
from core.transform.results import result_of_race
from core.transform.schedule import event_of_result


@dataclass(frozen=True)
class Answer:
    """What was published of one session: a result, or the fault of a document that cannot be read."""

    debt: Debt
    result: SessionResult | SourceMalformed
    document: str | None = None


def read_answers(question: Question, races: Sequence[Mapping[str, Any]], rows: str) -> list[Answer]:
    """The answers to a query; a session that is not among them has nothing published.

    A document that cannot be read is its own session's fault, by its round. Where not even that can be read, it may be
    about any session that has no other answer, so all of those get the fault.
    """
    listed: dict[int, ListedEvent] = {}
    faults: dict[int, SourceMalformed] = {}
    for index, race in enumerate(races):
        try:
            listed[index] = event_of_result(race, question.season)
        except SourceMalformed as error:
            faults[index] = error
    readable = list(listed)
    by_event = {debt.event.id: debt for debt in question.debts}
    matched = match_events([debt.event for debt in question.debts], list(listed.values()))
    answers = {
        event_id: _answer(by_event[event_id], races[readable[position]], question, rows)
        for position, event_id in matched.items()
    }
    for index, fault in faults.items():
        missing = [debt for debt in question.debts if debt.event.id not in answers]
        own = [debt for debt in missing if str(debt.event.round) == races[index].get("round")]
        for debt in own or missing:
            answers[debt.event.id] = Answer(debt, fault, as_text(races[index]))
    return list(answers.values())


def _answer(debt: Debt, race: Mapping[str, Any], question: Question, rows: str) -> Answer:
    try:
        return Answer(debt, result_of_race(race, question.kind, rows))
    except SourceMalformed as fault:
        return Answer(debt, fault, as_text(race))
