"""The Prefect events that flows emit, for automations and for whoever listens: after what they tell is committed."""

from __future__ import annotations

from collections.abc import Iterable

from prefect.events import emit_event

from core.records import Change, Entity, Status
from core.rules.results.outcome import Outcome, Polled
from core.rules.results.polling import SESSIONS_OF_JOLPICA
from core.upsert.schedule import SeasonSummary
from flows.output import report

SCHEDULE_CHANGED = "f1.schedule.changed"
SESSION_COMPLETED = "f1.session.completed"
RESULTS = {
    Outcome.PUBLISHED: "f1.results.provisional",
    Outcome.OFFICIAL: "f1.results.official",
    Outcome.REVISED: "f1.results.revised",
    Outcome.RESTORED: "f1.results.revised",
}
"""By what became of an answer that made a new revision."""


def schedule_changed(summary: SeasonSummary) -> None:
    """A sync changed something of a season."""
    emit_event(
        event=SCHEDULE_CHANGED,
        resource={"prefect.resource.id": f"f1.season.{summary.season}"},
        payload={"changes": len(summary.changes), "summary": report.season_line(summary)},
    )


def sessions_completed(changes: Iterable[Change]) -> None:
    """Sessions are over whose results Jolpica will have."""
    for change in changes:
        over = (change.after or {}).get("status") == Status.COMPLETED
        if over and change.entity is Entity.SESSION and change.entity_id.partition("/")[2] in SESSIONS_OF_JOLPICA:
            emit_event(event=SESSION_COMPLETED, resource={"prefect.resource.id": change.entity_id})


def results_accepted(polled: Polled) -> None:
    """A session has a new revision."""
    emit_event(
        event=RESULTS[polled.outcome],
        resource={"prefect.resource.id": polled.session_id, "prefect.resource.name": polled.session_id},
        payload=polled.model_dump(mode="json"),
    )
