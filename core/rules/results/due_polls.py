"""Sessions due for a poll, grouped into the fewest queries, and the queries' answers. Pure.

`polling.py` decides when a session is due.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.documents import PAGE
from core.errors import SourceMalformed
from core.kinds import ResultsState, SessionKind, Source
from core.records import Event, ListedResult, Session, SessionResult
from core.rules.calendar.identity import match_events
from core.rules.results.polling import SESSIONS_OF_JOLPICA, has_livetiming, is_polled

ROWS_PER_ROUND = 22
"""Roughly the rows of a round's table, only for choosing the cheaper query."""

MOST_SPRINTS = 6
"""The most sprints of a season so far. A season's sprint table has only these rounds, not every one up to the last."""


@dataclass(frozen=True)
class DuePoll:
    """A session whose results are polled, and its event."""

    session: Session
    event: Event

    @property
    def is_polled(self) -> bool:
        """Whether any source can have results of this session."""
        return is_polled(self.session.kind, self.event.format, self.event.season)

    @property
    def may_have_timing(self) -> bool:
        """Whether live timing is read for its results because Jolpica has none."""
        return self.session.results_state is ResultsState.AWAITED and has_livetiming(self.event.season)


@dataclass(frozen=True)
class ResultQuery:
    """One query to one source: a session's table, or (`round` None) a whole season's for that kind."""

    source: Source
    season: int
    kind: SessionKind
    round: int | None
    due_polls: tuple[DuePoll, ...]

    def by_session(self) -> list[ResultQuery]:
        """The same as one query per session."""
        return [replace(self, round=due_poll.event.round, due_polls=(due_poll,)) for due_poll in self.due_polls]


def result_queries(due_polls: Sequence[DuePoll]) -> list[ResultQuery]:
    """The queries for all due polls with the fewest requests, the oldest due poll's first.

    Jolpica's whole table costs a page per hundred rows; it is used if that is cheaper than one request per session.
    Kinds that Jolpica does not have are read from live timing.
    """
    asked: list[ResultQuery] = []
    by_table: dict[tuple[int, SessionKind], list[DuePoll]] = {}
    for due_poll in due_polls:
        if due_poll.session.kind in SESSIONS_OF_JOLPICA and due_poll.event.round is not None:
            by_table.setdefault((due_poll.event.season, due_poll.session.kind), []).append(due_poll)
    whole = {table for table, own in by_table.items() if len(own) > _pages(own)}
    for due_poll in due_polls:
        season, kind = due_poll.event.season, due_poll.session.kind
        own = by_table.get((season, kind), [])
        if due_poll not in own:
            if kind not in SESSIONS_OF_JOLPICA:
                asked.append(ResultQuery(Source.LIVETIMING, season, kind, due_poll.event.round, (due_poll,)))
        elif (season, kind) not in whole:
            asked.append(ResultQuery(Source.JOLPICA, season, kind, due_poll.event.round, (due_poll,)))
        elif due_poll is own[0]:
            asked.append(ResultQuery(Source.JOLPICA, season, kind, None, tuple(own)))
    return asked


def _pages(due_polls: Sequence[DuePoll]) -> int:
    last = max(due_poll.event.round or 0 for due_poll in due_polls)
    rounds = MOST_SPRINTS if due_polls[0].session.kind is SessionKind.SPRINT else last
    return math.ceil(rounds * ROWS_PER_ROUND / PAGE)


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
