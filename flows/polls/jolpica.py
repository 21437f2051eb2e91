"""Polls Jolpica: a session's table, or a whole season's if that takes fewer requests."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.deadline import Deadline
from core.errors import SourceError, SourceMalformed
from core.kinds import Source
from core.rules.results.due_polls import Answer, ResultQuery, UnreadableDocuments
from core.rules.results.outcome import Polled
from flows.polls import outcomes
from flows.runtime.refusals import REFUSALS, Refusal, put_off, refusal_in_force
from flows.runtime.run import Run
from flows.tasks.results import fetch_results, transform_results

logger = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 2
"""After this many failed queries in a row the other sessions of a season are not requested one by one."""


@dataclass
class JolpicaPolls:
    """The polls of Jolpica in one run; once it refuses a request, the rest is put off."""

    run: Run
    force: bool
    refusal: Refusal | None = None

    def of(self, queries: Sequence[ResultQuery]) -> Iterator[Polled]:
        """The outcome for each session of the queries, except those to be read from live timing."""
        if queries:
            self.refusal = refusal_in_force(self.run, Source.JOLPICA)
        for query in queries:
            found = self._answers(query)
            if isinstance(found, SourceMalformed) and len(query.due_polls) > 1:
                logger.warning("%s %s: %s; read session by session", query.season, query.kind.value, found)
                yield from self._one_by_one(query.by_session())
            else:
                yield from self._outcomes(query, found)

    def _one_by_one(self, queries: Sequence[ResultQuery]) -> Iterator[Polled]:
        """Poll the sessions of a season whose table is unreadable."""
        failures = 0
        for query in queries:
            if failures < FAILURES_IN_A_ROW:
                found = self._answers(query)
                failures = failures + 1 if isinstance(found, SourceError) else 0
            yield from self._outcomes(query, found)

    def _answers(self, query: ResultQuery) -> Sequence[Answer] | SourceError | Refusal:
        if self.refusal is not None:
            return self.refusal
        try:
            return transform_results(self.run, query, fetch_results(self.run, query, Deadline()))
        except UnreadableDocuments as error:
            return error.answers
        except REFUSALS as error:
            self.refusal = put_off(self.run, error)
            return self.refusal
        except SourceError as error:
            return error

    def _outcomes(self, query: ResultQuery, found: Sequence[Answer] | SourceError | Refusal) -> Iterator[Polled]:
        if isinstance(found, Refusal):
            yield from (outcomes.put_off(self.run, due_poll, found) for due_poll in query.due_polls)
        elif isinstance(found, SourceError):
            yield from (outcomes.fail(self.run, due_poll, found) for due_poll in query.due_polls)
        else:
            yield from outcomes.of_answers(self.run, query, found, self.force)
