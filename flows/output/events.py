"""The Prefect events that flows emit after the commit, for automations and other listeners."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect.events import emit_event

from core.deliver.delivering import Delivered
from core.kinds import Entity, Status
from core.records import Change
from core.rules.calendar.identity import event_id_of, kind_of, season_of
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
"""The event for each outcome that is a revision."""


def schedule_changed(summary: SeasonSummary) -> None:
    """Emit that a sync changed a season."""
    emit_event(
        event=SCHEDULE_CHANGED,
        resource=_season(summary.season),
        payload={"changes": len(summary.changes), "summary": report.season_line(summary)},
    )


def sessions_completed(changes: Iterable[Change]) -> None:
    """Emit that sessions have ended for which Jolpica will have results."""
    for change in changes:
        over = (change.after or {}).get("status") == Status.COMPLETED
        if over and change.entity is Entity.SESSION and kind_of(change.entity_id) in SESSIONS_OF_JOLPICA:
            _emit_of_session(SESSION_COMPLETED, change.entity_id, {"session_id": change.entity_id})


def results_accepted(polled: Polled) -> None:
    """Emit that a session has a new revision."""
    _emit_of_session(RESULTS[polled.outcome], polled.session_id, polled.model_dump(mode="json"))


def _emit_of_session(event: str, session_id: str, payload: dict[str, Any]) -> None:
    """Emit an event of a session, related to its event and its season."""
    event_id = event_id_of(session_id)
    emit_event(
        event=event,
        resource=_resource("f1.session", session_id),
        related=[
            {**_resource("f1.event", event_id), "prefect.resource.role": "event"},
            {**_season(season_of(session_id)), "prefect.resource.role": "season"},
        ],
        payload=payload,
    )


def _season(season: int) -> dict[str, str]:
    return _resource("f1.season", str(season))


def _resource(kind: str, identity: str) -> dict[str, str]:
    """A Prefect resource named by an id in the database."""
    return {"prefect.resource.id": f"{kind}.{identity}", "prefect.resource.name": identity}


def webhook_paused(delivered: Delivered) -> None:
    """Emit that a webhook failed for a day and a half; from now on it is tried once a day."""
    emit_event(
        event=WEBHOOK_PAUSED,
        resource={"prefect.resource.id": f"f1.webhook.{delivered.subscriber}"},
        payload={
            "waiting": delivered.waiting,
            "status": delivered.delivery.last_status,
            "error": delivered.delivery.last_error,
        },
    )
