"""The revisions of 2023's calendar as recorded, and the moments at which a test syncs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from calendars import moment
from recording import RECORDED

REVISIONS = RECORDED / "schedule_history" / "schedule_2023"
AGAIN = timedelta(hours=7)
IMOLA = "2023-emilia-romagna-grand-prix"
FIRST_WITHOUT_IMOLA = "2023-05-31T16:43:36Z"
SECOND_WITHOUT_IMOLA = "2023-05-31T23:43:36Z"


def plan() -> list[tuple[datetime, datetime]]:
    """The syncs: at each revision's publication, and seven hours later unless the next comes first."""
    published = [moment(file.stem.replace("_", ":")) for file in sorted(REVISIONS.glob("*.json"))]
    assert len(published) == 20
    found = []
    for revision, following in zip(published, [*published[1:], datetime.max.replace(tzinfo=UTC)], strict=True):
        found.append((revision, revision))
        if revision + AGAIN < following:
            found.append((revision + AGAIN, revision))
    return found
