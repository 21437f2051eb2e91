"""A change of the feed in words."""

from __future__ import annotations

from typing import Any

import pytest

from core.records import Change, ChangeKind, Entity
from core.rules.words import PHRASES, in_words

TSUNODA = {
    "car_number": "22",
    "driver_id": "tsunoda",
    "driver_code": "TSU",
    "full_name": "Yuki Tsunoda",
    "team_id": None,
}
LAWSON = {"car_number": "30", "driver_id": None, "driver_code": "LAW", "full_name": None}


@pytest.mark.parametrize(
    ("kind", "before", "after", "words"),
    [
        (ChangeKind.TIMING, None, {"dataset": "pit_stops", "rows": 1, "revision": 1}, "pit stops, 1 row"),
        (
            ChangeKind.TIMING,
            {"dataset": "laps", "rows": 1104, "revision": 1},
            {"dataset": "laps", "rows": 1105, "revision": 2},
            "laps, 1104 rows → laps, 1105 rows",
        ),
        (ChangeKind.LINEUP, {"entries": [TSUNODA]}, {"entries": [LAWSON]}, "Yuki Tsunoda → LAW"),
        (ChangeKind.LINEUP, {"entries": []}, {"entries": [TSUNODA, LAWSON]}, "Yuki Tsunoda, LAW"),
        (ChangeKind.RENUMBERED, {"round": 5}, {"round": None}, "round 5 → no round"),
        (
            ChangeKind.POSTPONED,
            {"starts_at": None},
            {"starts_at": "2024-11-03T15:30:00Z"},
            "unknown → Sun 03 Nov 15:30 UTC",
        ),
    ],
)
def test_what_happened_in_one_line(
    kind: ChangeKind, before: dict[str, Any] | None, after: dict[str, Any], words: str
) -> None:
    change = Change(entity=Entity.SESSION, entity_id="2024-x/race", kind=kind, before=before, after=after)
    assert in_words(change, "X 2024, Race") == f"X 2024, Race: {PHRASES[kind]}: {words}"
