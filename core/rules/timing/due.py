"""Which sessions' archives, and which of their datasets, are due. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core.records import Session
from core.rules.datasets import DatasetState
from core.rules.results.polling import has_begun, over_at
from core.rules.timing.gates import GATES, Gate


def gates_due(
    session: Session, states: Mapping[str, DatasetState], now: datetime, *, by_name: bool = False
) -> list[Gate]:
    """The datasets of a session that are due by now; `by_name`: all that can be there."""
    return [gate for gate in GATES if _can_be(gate, session, now) and (by_name or is_due(gate, states, now))]


def is_due(gate: Gate, states: Mapping[str, DatasetState], now: datetime) -> bool:
    """Whether a dataset was never asked for, or is to be asked for again by now."""
    state = states.get(gate.dataset.name)
    return state is None or (state.next_poll_at is not None and state.next_poll_at <= now)


def _can_be(gate: Gate, session: Session, now: datetime) -> bool:
    """Whether a session has come so far that a dataset of it can be there."""
    return now >= over_at(session) or (gate.from_start and has_begun(session, now))
