"""Corrects our standings after an event by Jolpica's."""

from __future__ import annotations

import logging

from core.deadline import Deadline
from core.errors import DataRefused, SourceError, SourceMalformed
from core.records import Event
from flows.runtime.run import Run
from flows.tasks.results import fetch_standings, transform_standings, upsert_standings, upsert_standings_postponed

logger = logging.getLogger(__name__)


def correct_standings(run: Run, event: Event) -> None:
    """Accept Jolpica's standings after an event; if that fails, ours are kept and Jolpica's fetched again later."""
    try:
        published = transform_standings(run, event, fetch_standings(run, event, Deadline()))
        differences = upsert_standings(run, event, published)
    except (SourceError, DataRefused) as error:
        logger.warning("%s standings: %s; ours stand", event.id, error)
        upsert_standings_postponed(run, event, str(error), is_refused=isinstance(error, SourceMalformed | DataRefused))
        return
    for difference in differences:
        logger.warning("%s standings: %s", event.id, difference)
