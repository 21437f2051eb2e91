"""What the view of changes says in words of each kind of change, and what it calls the changed rows."""

from __future__ import annotations

from typing import Any

from rows import FETCHED, SEASON, put, rows_of

from core.database import Database
from core.kinds import ChangeKind
from core.schema import changes, result_revisions
from core.views import changes_in_words

Fields = dict[str, Any] | None

NOON, HALF_PAST_ONE = "1956-07-01T12:00:00+00:00", "1956-07-01T13:30:00+00:00"
DATES = {"first_date": "1956-06-29", "last_date": "1956-07-01"}
SAID: list[tuple[str, Fields, Fields, str]] = [
    ("added", None, {"round": 2, **DATES}, "added: round 2, Fri 29 Jun to Sun 01 Jul"),
    ("added", None, {"round": None, **DATES}, "added: Fri 29 Jun to Sun 01 Jul"),
    ("added", None, {"round": 2, "first_date": "1956-07-01", "last_date": "1956-07-01"}, "added: round 2, Sun 01 Jul"),
    ("added", None, {}, "added"),
    ("renamed", {"name": "Reims"}, {"name": "France"}, "renamed: Reims → France"),
    (
        "rescheduled",
        {"starts_at": NOON},
        {"starts_at": HALF_PAST_ONE},
        "rescheduled: Sun 01 Jul 12:00 UTC → Sun 01 Jul 13:30 UTC",
    ),
    (
        "rescheduled",
        {"ends_at": NOON},
        {"ends_at": HALF_PAST_ONE},
        "rescheduled: until Sun 01 Jul 12:00 UTC → until Sun 01 Jul 13:30 UTC",
    ),
    ("postponed", {"last_date": "1956-07-01"}, {"last_date": "1956-08-08"}, "postponed: Sun 01 Jul → Wed 08 Aug"),
    (
        "postponed",
        {"last_date": "1956-12-30", "starts_at": NOON},
        {"last_date": "1956-12-31", "starts_at": HALF_PAST_ONE},
        "postponed: Sun 30 Dec → Mon 31 Dec",
    ),
    (
        "brought_forward",
        {"local_date": "1956-07-02", "starts_at": None},
        {"local_date": "1956-07-01", "starts_at": NOON},
        "brought forward: Mon 02 Jul → Sun 01 Jul 12:00 UTC",
    ),
    ("relocated", {"locality": "Reims"}, {"locality": "Rouen"}, "relocated: Reims → Rouen"),
    ("renumbered", {"round": 2}, {"round": None}, "renumbered: round 2 → no round"),
    (
        "format_changed",
        {"format": "sprint_shootout"},
        {"format": "conventional"},
        "format changed: sprint shootout → conventional",
    ),
    (
        "detailed",
        {"official_name": None, "circuit_id": None},
        {"official_name": "GP de l'ACF", "circuit_id": "reims"},
        "details known: circuit id, official name",
    ),
    ("detailed", {"starts_at": None}, {"starts_at": NOON}, "time known: Sun 01 Jul 12:00 UTC"),
    (
        "detailed",
        {"drivers": {"10": None, "2": None}},
        {"drivers": {"10": "musso", "2": "gone"}},
        "drivers known: car 2 gone, car 10 Luigi Musso",
    ),
    ("status", {"status": "live"}, {"status": "completed"}, "live → completed"),
    (
        "cancelled",
        {"status": "scheduled", "round": 2},
        {"status": "cancelled", "round": None},
        "cancelled, was round 2",
    ),
    ("cancelled", {"status": "scheduled"}, {"status": "cancelled"}, "cancelled"),
    ("reinstated", {"status": "cancelled"}, {"status": "scheduled"}, "reinstated"),
    ("results_published", {"revision": 0}, {"revision": 1, "diff": ""}, "provisional results"),
    ("results_official", {"revision": 1}, {"revision": 2, "diff": "1 entry"}, "official results: 1 entry"),
    ("results_revised", {"revision": 2}, {"revision": 3, "diff": "Musso 2 → DSQ"}, "results revised: Musso 2 → DSQ"),
    (
        "results_restored",
        {"revision": 3},
        {"revision": 4, "diff": "Musso DSQ → 2"},
        "earlier results restored: Musso DSQ → 2",
    ),
    ("standings", None, {"from_event": "1956-spa", "events": 2}, "standings changed from Spa on"),
    ("standings", None, {"from_event": "1956-gone", "events": 1}, "standings changed"),
    (
        "standings",
        None,
        {"from_event": "1956-spa", "events": 1, "differences": ["musso: points 4 by results, 3 published", "ours"]},
        "standings after Spa: musso: points 4 by results, 3 published, ours",
    ),
    ("timing", None, {"dataset": "pit_stops", "rows": 1, "revision": 1}, "pit stops stored: 1 row"),
    ("timing", {"dataset": "laps", "rows": 9}, {"dataset": "laps", "rows": 12}, "laps revised: 9 → 12 rows"),
    (
        "lineup",
        {"entries": [{"full_name": "Sergio Perez"}, {"full_name": None, "driver_code": "BOT"}]},
        {"entries": [{"full_name": "Isack Hadjar"}]},
        "line-up: Sergio Perez, BOT → Isack Hadjar",
    ),
    ("lineup", {"entries": []}, {"entries": [{"car_number": "6", "full_name": None}]}, "line-up: nobody → 6"),
    ("of_a_later_version", None, {"driver_id": "musso"}, "of a later version: driver id"),
    ("status", None, None, "status"),
]
"""Changes: kind, fields before and after, and what is said of them."""


def test_every_kind_of_change_is_described_in_words(database: Database) -> None:
    assert {kind.value for kind in ChangeKind} <= {kind for kind, *_ in SAID}
    rows = [
        {"at": FETCHED, "entity": "event", "entity_id": "1956-reims", "kind": kind, "before": before, "after": after}
        for kind, before, after, _ in SAID
    ]
    put(database, *SEASON, (changes, rows))
    assert [words for _, words in sorted(rows_of(database, changes_in_words, "id", "words"))] == [
        words for *_, words in SAID
    ]


def test_an_added_session_and_an_added_season_are_described_in_words(database: Database) -> None:
    backfilled = {"events": 8, "sessions": 1, "results": 8, "entries": 200}
    added = [
        ("session", "1956-reims/race", {"local_date": "1956-07-01", "starts_at": NOON}),
        ("session", "1956-reims/race", {"local_date": "1956-07-01", "starts_at": None}),
        ("season", "1956", backfilled),
    ]
    rows = [
        {"at": FETCHED, "entity": entity, "entity_id": identity, "kind": "added", "before": None, "after": after}
        for entity, identity, after in added
    ]
    put(database, *SEASON, (changes, rows))
    assert [words for _, words in sorted(rows_of(database, changes_in_words, "id", "words"))] == [
        "added: Sun 01 Jul 12:00 UTC",
        "added: Sun 01 Jul",
        "added: 8 events, 1 session, 8 classifications",
    ]


UNNAMED = "20 entries in other details"


def test_results_are_described_by_their_leaders_and_revisions_by_what_changed(database: Database) -> None:
    """Two shared the second car; one driver is not known; who has no place is no leader."""
    placed = [("musso", "4", 2, 0), ("collins", "2", 1, 0), (None, "4", 2, 1), ("fangio", "8", None, 0)]
    first = [
        {"driver_id": driver, "car_number": car, "position": position, "ordinal": ordinal}
        for driver, car, position, ordinal in placed
    ]
    revision = {"session_id": "1956-reims/race", "observed_at": FETCHED, "source": "jolpica", "state": "official"}
    revisions = [revision | {"revision": number, "rows": first[number - 1 :], "diff": []} for number in (1, 2)]
    happened = [
        ("results_published", {"revision": 1, "diff": ""}, "provisional results: 1 Peter Collins, 2 Luigi Musso, 2 4"),
        ("results_official", {"revision": 2, "diff": ""}, "official results: 1 Peter Collins, 2 4"),
        ("results_official", {"revision": 2, "diff": UNNAMED}, "official results: 1 Peter Collins, 2 4"),
        (
            "results_official",
            {"revision": 2, "diff": f"Musso 2 → 3; {UNNAMED}"},
            f"official results: 1 Peter Collins, 2 4; Musso 2 → 3; {UNNAMED}",
        ),
        ("results_revised", {"revision": 2, "diff": "Musso out"}, "results revised: Musso out"),
        ("results_restored", {"revision": 3, "diff": ""}, "earlier results restored"),
    ]
    rows = [
        {"at": FETCHED, "entity": "session", "entity_id": "1956-reims/race", "kind": kind, "before": {}, "after": after}
        for kind, after, _ in happened
    ]
    put(database, *SEASON, (result_revisions, revisions), (changes, rows))
    assert [words for _, words in sorted(rows_of(database, changes_in_words, "id", "words"))] == [
        words for *_, words in happened
    ]


def test_a_change_names_its_subject_even_if_that_is_gone(database: Database) -> None:
    about = [("season", "1956"), ("event", "1956-reims"), ("session", "1956-reims/race"), ("event", "1956-gone")]
    rows = [
        {"at": FETCHED, "entity": entity, "entity_id": identity, "kind": "status", "before": None, "after": None}
        for entity, identity in about
    ]
    put(database, *SEASON, (changes, rows))
    shown = "id", "season", "event_id", "session_id", "subject"
    assert [row[1:] for row in sorted(rows_of(database, changes_in_words, *shown))] == [
        (1956, None, None, "1956 season"),
        (1956, "1956-reims", None, "Reims 1956"),
        (1956, "1956-reims", "1956-reims/race", "Reims 1956, Race"),
        (None, None, None, "1956-gone"),
    ]
