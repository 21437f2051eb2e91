"""The Prefect events that flows emit, for automations and other listeners; always after the commit."""

from __future__ import annotations

from collections.abc import Iterable

from prefect.events import emit_event

from core.deliver.delivering import Delivered
from core.records import Change, Entity, Status
from core.rules.calendar.identity import kind_of
from core.rules.results.outcome import Outcome, Polled
from core.rules.results.polling import SESSIONS_OF_JOLPICA
from core.upsert.schedule import SeasonSummary
from flows.output import report

SCHEDULE_CHANGED = "f1.schedule.changed"
SESSION_COMPLETED = "f1.session.completed"
WEBHOOK_PAUSED = "f1.webhook.paused"
RESULTS = {
    Outcome.PUBLISHED: "f1.results.provisional",
    Outcome.OFFICIAL: "f1.results.official",
    Outcome.REVISED: "f1.results.revised",
    Outcome.RESTORED: "f1.results.revised",
}
"""The event of each outcome that is a revision."""


def schedule_changed(summary: SeasonSummary) -> None:
    """A sync changed something of a season."""
    emit_event(
        event=SCHEDULE_CHANGED,
        resource={"prefect.resource.id": f"f1.season.{summary.season}"},
        payload={"changes": len(summary.changes), "summary": report.season_line(summary)},
    )


def sessions_completed(changes: Iterable[Change]) -> None:
    """Sessions have ended whose results Jolpica will have."""
    for change in changes:
        over = (change.after or {}).get("status") == Status.COMPLETED
        if over and change.entity is Entity.SESSION and kind_of(change.entity_id) in SESSIONS_OF_JOLPICA:
            emit_event(event=SESSION_COMPLETED, resource={"prefect.resource.id": change.entity_id})


def results_accepted(polled: Polled) -> None:
    """A session has a new revision."""
    emit_event(
        event=RESULTS[polled.outcome],
        resource={"prefect.resource.id": polled.session_id, "prefect.resource.name": polled.session_id},
        payload=polled.model_dump(mode="json"),
    )


def webhook_paused(delivered: Delivered) -> None:
    """A webhook was tried for a day and a half in vain; its receiver is tried once a day from now on."""
    emit_event(
        event=WEBHOOK_PAUSED,
        resource={"prefect.resource.id": f"f1.webhook.{delivered.subscriber}"},
        payload={
            "waiting": delivered.waiting,
            "status": delivered.delivery.last_status,
            "error": delivered.delivery.last_error,
        },
    )
