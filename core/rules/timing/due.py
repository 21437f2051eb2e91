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
    """The gates of a session's due datasets; `by_name`: of all that can exist by now."""
    return [gate for gate in GATES if _can_be(gate, session, now) and (by_name or is_due(gate, states, now))]


def is_due(gate: Gate, states: Mapping[str, DatasetState], now: datetime) -> bool:
    """Whether a dataset was never requested, or is to be requested again by now."""
    state = states.get(gate.dataset.name)
    return state is None or (state.next_poll_at is not None and state.next_poll_at <= now)


def _can_be(gate: Gate, session: Session, now: datetime) -> bool:
    """Whether a dataset of a session can exist by now."""
    return now >= over_at(session) or (gate.from_start and has_begun(session, now))
