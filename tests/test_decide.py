"""`decide` for a session's results, called with records only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from core.kinds import ChangeKind, HeldKind, ResultsState, SessionKind, Source, Status
from core.records import Entry, Session, SessionResult
from core.rules.results.decide import Decision, decide, decide_without_result
from core.rules.results.known import Evidence, KnownResults
from core.rules.results.outcome import Outcome
from core.rules.results.polling import Cadence

CADENCE = Cadence(timedelta(minutes=30), timedelta(minutes=30))
ENDED = datetime(2024, 3, 2, 17, tzinfo=UTC)
NOW = ENDED + timedelta(hours=2)
LATER = NOW + timedelta(days=2)
DRIVERS = ("max_verstappen", "perez", "sainz")
POINTS = (25, 18, 15)
RACE = Session(
    id="2024-bahrain-grand-prix/race",
    event_id="2024-bahrain-grand-prix",
    kind=SessionKind.RACE,
    name="Race",
    local_date=date(2024, 3, 2),
    starts_at=ENDED - timedelta(hours=2),
    ends_at=ENDED,
    utc_offset_minutes=180,
    status=Status.LIVE,
    source=Source.FASTF1,
)
KNOWN = KnownResults(RACE, last_date=date(2024, 12, 8))


def table(*drivers: str) -> SessionResult:
    entries = tuple(
        Entry(
            car_number=str(DRIVERS.index(driver) + 1),
            driver_id=driver,
            listed_position=place,
            position=place,
            classification=str(place),
            points=Decimal(points),
            laps=57,
            source=Source.JOLPICA,
        )
        for place, (driver, points) in enumerate(zip(drivers, POINTS, strict=False), start=1)
    )
    return SessionResult(season=2024, round=1, kind=SessionKind.RACE, source=Source.JOLPICA, entries=entries)


FIRST, CORRECTED = table(*DRIVERS), table("max_verstappen", "sainz", "perez")


def following(known: KnownResults, result: SessionResult, decision: Decision) -> KnownResults:
    """What is known once a decision is written."""
    revisions = [*known.evidence.revisions, *([decision.revision.rows] if decision.revision else [])]
    entries = result.entries if decision.revision else known.entries
    evidence = Evidence(revisions=revisions)
    return replace(known, session=decision.session, held=decision.held, entries=entries, evidence=evidence)


def test_official_corrected_restored() -> None:
    decision = decide(KNOWN, FIRST, NOW, CADENCE)
    assert (decision.outcome, decision.session.results_state) == (Outcome.OFFICIAL, ResultsState.OFFICIAL)
    assert [change.kind for change in decision.changes] == [ChangeKind.STATUS, ChangeKind.RESULTS_OFFICIAL]
    assert decision.changes_standings
    known = following(KNOWN, FIRST, decision)
    again = decide(known, FIRST, NOW, CADENCE)
    assert (again.outcome, again.changes, again.is_news, again.revision) == (Outcome.UNCHANGED, (), False, None)
    revised = decide(known, CORRECTED, NOW, CADENCE)
    assert (revised.outcome, revised.session.revision) == (Outcome.REVISED, 2)
    known = following(known, CORRECTED, revised)
    held = decide(known, FIRST, NOW, CADENCE)
    assert held.outcome is Outcome.HELD
    assert [answer.kind for answer in held.held.values()] == [HeldKind.RESULTS_SUPERSEDED]
    restored = decide(following(known, FIRST, held), FIRST, LATER, CADENCE)
    assert (restored.outcome, restored.session.revision, restored.held) == (Outcome.RESTORED, 3, {})
    assert decide(known, FIRST, NOW, CADENCE, force=True).outcome is Outcome.RESTORED


def test_a_rejected_answer_is_held_and_nothing_else_changes() -> None:
    known = following(KNOWN, FIRST, decide(KNOWN, FIRST, NOW, CADENCE))
    decision = decide(known, table(), LATER, CADENCE)
    assert (decision.outcome, decision.revision, decision.changes) == (Outcome.REJECTED, None, ())
    assert decision.session.last_error == "refused: no entries"
    assert [answer.kind for answer in decision.held.values()] == [HeldKind.RESULTS_REJECTED]


def test_a_poll_without_a_result_is_not_yet_published_a_fault_or_put_off() -> None:
    nothing = decide_without_result(KNOWN, NOW, CADENCE)
    assert (nothing.outcome, nothing.session.poll_faults, nothing.session.last_error) == (Outcome.NOT_YET, 0, None)
    fault = decide_without_result(KNOWN, NOW, CADENCE, error="timed out")
    assert (fault.outcome, fault.session.poll_faults) == (Outcome.FAILED, 1)
    assert fault.session.next_poll_at == NOW + timedelta(minutes=5)
    put_off = decide_without_result(KNOWN, NOW, CADENCE, error="no budget", not_before=LATER)
    assert (put_off.outcome, put_off.session.poll_faults) == (Outcome.PUT_OFF, 0)
    assert put_off.session.next_poll_at == LATER
