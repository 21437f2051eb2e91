"""A value that no column holds affects only its session, until a clean answer comes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import held_of
from hostile_tables import VALUES
from polls import begun, run
from sqlalchemy import select

from core.database import Database
from core.kinds import HeldKind, ResultsState, SessionKind
from core.queries import read_records
from core.records import Session
from core.replay import Upstream
from core.schema import events, sessions
from core.upsert.schedule import SeasonSummary

Sync = Callable[..., SeasonSummary]
Document = dict[str, Any]
RACE = SessionKind.RACE

MINUTE = timedelta(minutes=1)


@pytest.mark.usefixtures("no_waiting")
def test_a_value_that_no_column_holds_affects_only_its_session(
    replay: Upstream, database: Database, sync: Sync, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of the first races has one such value, and one table answers for all of them."""
    now = datetime(2024, 11, 5, 12, tzinfo=UTC)
    begun(replay, sync, now)
    faulty = {str(number): change for number, change in enumerate(VALUES.values(), start=1)}
    documents = copy.deepcopy(replay.documents(2024, "results"))
    for document in documents:
        if change := faulty.get(document["round"]):
            change(document)
    none: dict[tuple[int, str], list[Document]] = {(2024, f"{one}standings"): [] for one in ("driver", "constructor")}
    replay.overlay |= {(2024, "results"): documents, **none}  # the replay would count its own standings from them
    assert run(now) == 0
    found = races_of(database)
    aside = {one.entity_id: one for one in held_of(database)}
    for number, value in enumerate(VALUES, start=1):
        session = found[number]
        assert (session.revision, session.poll_faults) == (0, 1), value
        assert session.next_poll_at == now + 5 * MINUTE, value
        assert str(session.last_error).startswith("jolpica: "), value
        assert aside[session.id].kind is HeldKind.RESULTS_REJECTED, value
    others = [number for number in found if len(VALUES) < number <= len(documents)]
    assert others
    assert all(found[number].results_state is ResultsState.OFFICIAL for number in others)
    replay.overlay.clear()
    assert run(now + 5 * MINUTE) == 0
    healed = races_of(database)
    assert all(healed[number].results_state is ResultsState.OFFICIAL for number in range(1, len(documents) + 1))
    assert all((session.last_error, session.poll_faults) == (None, 0) for session in healed.values())
    assert [one for one in held_of(database) if one.kind is HeldKind.RESULTS_REJECTED] == []
    said = capsys.readouterr()
    assert "Traceback" not in said.err + said.out, said.err


def races_of(database: Database) -> dict[int, Session]:
    """The races of the season by round."""
    with database.reading() as connection:
        rounds = dict(connection.execute(select(events.c.id, events.c.round)).fetchall())  # type: ignore[arg-type]
        found = read_records(connection, sessions, Session, sessions.c.kind == RACE.value)
    return {rounds[session.event_id]: session for session in found}
