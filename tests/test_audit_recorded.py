"""The audit of recorded seasons, which finds only what upstream has wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from recording import Recording, needs_recording

from core.audited import audit_seasons
from core.rules.results import polling
from flows.poll_results import poll_results
from flows.sync_schedule import sync_schedule

WRONG_UPSTREAM = {
    2020: {"2020-abu-dhabi-grand-prix/race": "ocon and stroll: upstream has the gaps to the car ahead"},
    2023: {
        "2023-azerbaijan-grand-prix/sprint": "russell and hamilton: upstream has the gaps to another car",
        "2023-qatar-grand-prix/sprint": "stroll: upstream has the time without the penalty that cost the place",
    },
}
"""What the audit finds in the recorded seasons, and why it is so: all are gaps that do not rise."""

RECORDED_SEASONS = (1950, 1954, 1958, 1964, 1967, 1979, 1988, 1991, 1995, 1997, 2000, 2003, 2007, 2012, 2020, 2023)


@needs_recording
@pytest.mark.parametrize(
    ("kind", "year"), [*(("sqlite", year) for year in RECORDED_SEASONS), ("postgresql", 1954), ("postgresql", 2003)]
)
def test_recorded_seasons_have_no_findings_but_upstreams_errors(
    kind: str, year: int, request: pytest.FixtureRequest, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL too has the seventh parts of a point in 1954."""
    database = request.getfixturevalue(kind)
    monkeypatch.setattr(polling, "FIRST_LIVETIMING_SEASON", 2100)  # hardly any of it is recorded
    now = datetime(2026, 11, 26, tzinfo=UTC)
    sync_schedule.fn(season=year, now=now)
    poll_results.fn(now=now)
    audited = audit_seasons(database, (), now)
    assert audited.sessions > 0
    wrong = {(finding.check, finding.entity_id) for finding in audited.findings}
    assert wrong == {("gaps_not_rising", session_id) for session_id in WRONG_UPSTREAM.get(year, ())}
