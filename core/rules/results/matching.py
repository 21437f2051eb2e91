"""Matches listed results with the sessions of a query. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import SourceMalformed
from core.records import ListedResult, SessionResult
from core.rules.calendar.identity import match_events
from core.rules.results.due_polls import DuePoll, ResultQuery


@dataclass(frozen=True)
class Answer:
    """A session's published result, or why its document, kept as text, is unreadable."""

    due_poll: DuePoll
    result: SessionResult | SourceMalformed
    document: str | None = None


class UnreadableDocuments(SourceMalformed):
    """The documents of some sessions are unreadable; `answers` are those of all sessions."""

    transient = False

    def __init__(self, source: str, what: str, answers: Sequence[Answer]) -> None:
        super().__init__(source, what)
        self.answers = answers


def require_readable(query: ResultQuery, answers: Sequence[Answer]) -> Sequence[Answer]:
    """The answers, if every document is readable.

    Raises:
        UnreadableDocuments: some are not.
    """
    faults = [answer.result for answer in answers if isinstance(answer.result, SourceMalformed)]
    if faults:
        what = f"{len(faults)} of {len(answers)} documents cannot be read, the first: {faults[0].what}"
        raise UnreadableDocuments(query.source.value, what, answers)
    return answers


def match_results(query: ResultQuery, listed: Sequence[ListedResult]) -> list[Answer]:
    """The answers to a query; a session without an answer has nothing published.

    A document is matched by its event, or by its round if the event is unreadable. If the round is unreadable too, the
    document may be about any session without another answer, so all of those get the fault.
    """
    named = [(one, one.event) for one in listed if one.event is not None]
    by_event = {due_poll.event.id: due_poll for due_poll in query.due_polls}
    matched = match_events([due_poll.event for due_poll in query.due_polls], [event for _, event in named])
    answers = {event_id: _answer(query, by_event[event_id], named[index][0]) for index, event_id in matched.items()}
    for nameless in (one for one in listed if one.event is None):
        missing = [due_poll for due_poll in query.due_polls if due_poll.event.id not in answers]
        own = [due_poll for due_poll in missing if due_poll.event.round == nameless.round]
        for due_poll in own or missing:
            answers[due_poll.event.id] = _answer(query, due_poll, nameless)
    return list(answers.values())


def _answer(query: ResultQuery, due_poll: DuePoll, listed: ListedResult) -> Answer:
    if listed.result is not None:
        return Answer(due_poll, listed.result)
    return Answer(due_poll, SourceMalformed(query.source.value, listed.fault), listed.document)
