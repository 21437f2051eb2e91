"""The steps for published standings."""

from __future__ import annotations

from core import fetch
from core.deadline import Deadline
from core.documents import Document
from core.records import Competitor, Event
from core.retries import DATABASE, DATABASE_READ, NETWORK, PURE
from core.rules.results.championship import competitors
from core.transform.standings import PublishedStandings, published_standings
from core.upsert import standings
from flows.runtime.run import Run
from flows.runtime.step import step


@step(DATABASE_READ, "read-due-standings")
def read_due_standings(run: Run) -> list[Event]:
    """The events after which Jolpica's standings are due."""
    return standings.standings_due(run.database, run.now)


@step(NETWORK, "fetch-standings-{event.id}")
def fetch_standings(run: Run, event: Event, deadline: Deadline) -> dict[Competitor, list[Document]]:
    """Jolpica's standings after an event, by championship."""
    access = run.access(deadline)
    return {
        competitor: fetch.jolpica.fetch_standings(event.season, event.round or 0, competitor, access)
        for competitor in competitors(event.season)
    }


@step(PURE, "transform-standings-{event.id}")
def transform_standings(run: Run, event: Event, documents: dict[Competitor, list[Document]]) -> PublishedStandings:
    """Jolpica's standings as records."""
    return published_standings(documents)


@step(DATABASE, "upsert-standings-{event.id}")
def upsert_standings(run: Run, event: Event, published: PublishedStandings) -> list[str]:
    """Accept Jolpica's standings after an event, if they win over ours; returns the differences, one line each."""
    return standings.accept_standings(
        run.database, event.id, published.tables, published.named, run.now, flow_run_id=run.flow_run_id
    )


@step(DATABASE, "upsert-standings-due-{event.id}")
def upsert_standings_due(run: Run, event: Event, error: str, *, is_refused: bool) -> None:
    """Poll an event's standings later; `is_refused`: the published ones are unreadable."""
    standings.put_standings_off(run.database, event, run.now, error, is_refused=is_refused)
