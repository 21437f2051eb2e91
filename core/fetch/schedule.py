"""A season's schedule from each source that has one, as FastF1 hands it over.

FastF1's own `ergast` schedule backend is never used: it makes midnights of dates. Jolpica's race schedule is read
through `fastf1.ergast` instead, which leaves times as they are.
"""

from __future__ import annotations

from typing import Any

import fastf1
import pandas as pd
from fastf1.ergast import Ergast

from core.deadline import Deadline
from core.errors import SourceEmpty, SourceMalformed, SourceUnreachable
from core.fetch.session import Permit, asking
from core.records import Source

PAGE = 100


def fetch_frame(season: int, source: Source, deadline: Deadline) -> pd.DataFrame:
    """FastF1's schedule of a season: one row an event, columns as FastF1 documents them, wall times with offset.

    `source` is FASTF1 (complete) or LIVETIMING (only what has begun).

    Raises:
        SourceEmpty: the season is not published there.
        SourceError: any other fault, typed.
    """
    backend = {Source.FASTF1: "fastf1", Source.LIVETIMING: "f1timing"}[source]
    with asking(source, deadline) as call:
        try:
            frame = fastf1.get_event_schedule(season, backend=backend)
        except ValueError:
            status = call.statuses[-1] if call.statuses else 0
            if status in (403, 404):
                raise SourceEmpty(source.value, "not published") from None
            if status >= 400:
                raise SourceUnreachable(source.value, f"server error {status}") from None
            raise SourceMalformed(source.value, "an answer that is no schedule") from None
    if frame.empty:
        raise SourceEmpty(source.value, "an empty answer")
    return pd.DataFrame(frame)


def fetch_races(season: int, deadline: Deadline, permit: Permit | None) -> list[Any]:
    """Jolpica's races of a season, as its documents have them; times in UTC, circuits with coordinates.

    Raises:
        SourceEmpty: Jolpica lists no race.
        BudgetExhausted: our hourly budget allows no request now.
        SourceError: any other fault, typed; an answer short of its own total among them.
    """
    with asking(Source.JOLPICA, deadline, permit):
        answer = Ergast(result_type="raw", auto_cast=False, limit=PAGE).get_race_schedule(season)
        total = int(answer.total_results)
        races = list(answer)
    if not races:
        raise SourceEmpty(Source.JOLPICA.value, "an empty answer")
    if len(races) != total:
        raise SourceMalformed(Source.JOLPICA.value, f"{len(races)} of {total} races")
    return races
