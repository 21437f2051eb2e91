"""A season's schedule from each source that has one.

FastF1's own `ergast` schedule backend is not used, because it turns dates into midnights. Jolpica's race schedule is
read through `fastf1.ergast`, which leaves times unchanged.
"""

from __future__ import annotations

import fastf1

from core.documents import TABLES, Document, Listing
from core.errors import SourceEmpty, SourceMalformed, SourceUnreachable
from core.fetch.access import Access
from core.fetch.frames import rows_of
from core.fetch.jolpica import ASK, fetch_table
from core.fetch.session import ABSENT, asking
from core.kinds import Source

BACKENDS = {Source.FASTF1: "fastf1", Source.LIVETIMING: "f1timing"}


def fetch_schedule(season: int, source: Source, access: Access) -> list[Document]:
    """A season's events, one document each.

    FASTF1 (complete) and LIVETIMING (only what has begun) give rows of FastF1's frame, with wall times and offsets;
    JOLPICA gives its race documents, with times in UTC and circuits with coordinates.

    Raises:
        SourceEmpty: the source has not published the season.
        BudgetExhausted: our hourly budget allows no request to Jolpica now.
        SourceError: any other fault, typed, such as fewer rows than the answer's own total.
    """
    if source is Source.JOLPICA:
        documents = fetch_table(ASK[Listing.RACES], access, TABLES[Listing.RACES], season=season)
    else:
        documents = _fetch_frame(season, source, access)
    if not documents:
        raise SourceEmpty(source.value, "an empty answer")
    return documents


def _fetch_frame(season: int, source: Source, access: Access) -> list[Document]:
    with asking(source, access) as call:
        try:
            return rows_of(fastf1.get_event_schedule(season, backend=BACKENDS[source]))
        except ValueError:
            status = call.statuses[-1] if call.statuses else 0
            if status in ABSENT:
                raise SourceEmpty(source.value, "not published") from None
            if status >= 400:
                raise SourceUnreachable(source.value, f"server error {status}") from None
            raise SourceMalformed(source.value, "an answer that is not a schedule") from None
