"""What a new revision of a session's results changed, as data and as a sentence. Pure functions.

The data is one object per entry: `driver` (id or None), `car` (number as text) and `[before, after]` by field; for an
added or dropped entry, `entry` has its place and None. The field `source` is left out, because the same table from a
better source is not a correction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from core.records import Entry
from core.text import counted, duration, jsonable

Difference = dict[str, Any]

LETTERS = {"R": "ret", "D": "DSQ", "W": "WD", "N": "NC", "E": "excl.", "F": "DNQ"}
"""Ergast's letters for the unclassified, as shown to people."""

MOST_NAMED = 12
"""How many entries a sentence names one by one."""

BOOKKEEPING = {"source", "ordinal"}
"""Not compared: a row's source, and the number that only separates rows of one car."""


def matched(before: Sequence[Entry], after: Sequence[Entry]) -> list[tuple[Entry | None, Entry | None]]:
    """Pairs of the same entry before and after, with None after for dropped ones and None before for added ones.

    Known drivers decide: a car that changes its number keeps its entry, another driver in the same car is another
    entry. Car number and ordinal are used if a driver is unknown.
    """
    partner: dict[int, int] = {}
    taken: set[int] = set()
    rules: tuple[Callable[[Entry, Entry], bool], ...] = (
        lambda a, b: a.driver_id is not None and a.driver_id == b.driver_id and a.key == b.key,
        lambda a, b: a.driver_id is not None and a.driver_id == b.driver_id,
        lambda a, b: a.key == b.key and (a.driver_id is None or b.driver_id is None),
    )
    for same in rules:
        for i, old in enumerate(before):
            if i in partner:
                continue
            found = next((j for j, new in enumerate(after) if j not in taken and same(old, new)), None)
            if found is not None:
                partner[i] = found
                taken.add(found)
    pairs: list[tuple[Entry | None, Entry | None]] = [
        (old, after[partner[i]] if i in partner else None) for i, old in enumerate(before)
    ]
    return pairs + [(None, new) for j, new in enumerate(after) if j not in taken]


def diff_entries(before: Sequence[Entry], after: Sequence[Entry]) -> list[Difference]:
    """The differences, one object per entry, in the order of `before`, then those added; empty for equal tables."""
    return [difference for old, new in matched(before, after) if (difference := _difference(old, new)) is not None]


def diff_text(differences: Sequence[Difference], names: Mapping[str, str] | None = None) -> str:
    """The differences for people: "Russell 1 → DSQ, 25 → 0 points; Hamilton 2 → 1, 18 → 25 points".

    `names` are drivers' names by id. If place or points changed, times and grid are left out; newly known values are
    only counted.
    """
    sentences: list[str] = []
    filled = 0
    for difference in differences:
        said = ", ".join(_place_and_points(difference)) or ", ".join(_details(difference))
        if said:
            sentences.append(f"{_name(difference, names or {})} {said}")
        else:
            filled += 1
    if len(sentences) > MOST_NAMED:
        sentences[MOST_NAMED - 1 :] = [f"{len(sentences) - MOST_NAMED + 1} more"]
    if filled:
        sentences.append(f"{counted(filled, 'entry', 'entries')} in other details")
    return "; ".join(sentences)


def _difference(old: Entry | None, new: Entry | None) -> Difference | None:
    entry = new or old
    assert entry is not None
    difference: Difference = {"driver": entry.driver_id, "car": entry.car_number}
    if old is None or new is None:
        return {**difference, "entry": [old and _place(old), new and _place(new)]}
    fields = {
        name: [jsonable(getattr(old, name)), jsonable(getattr(new, name))]
        for name in Entry.model_fields
        if name not in BOOKKEEPING and getattr(old, name) != getattr(new, name)
    }
    return {**difference, **fields} if fields else None


def _place(entry: Entry) -> str:
    """A place as text: the classification, otherwise the position, otherwise a dash."""
    return entry.classification or (str(entry.position) if entry.position is not None else "-")


def _name(difference: Difference, names: Mapping[str, str]) -> str:
    driver = difference["driver"]
    if driver is None:
        return f"car {difference['car'] or '?'}"
    return names.get(driver) or str(driver).replace("_", " ").title()


def _place_and_points(difference: Difference) -> Iterator[str]:
    if "entry" in difference:
        yield "gone" if difference["entry"][1] is None else "new"
        return
    places = [
        classification if classification is not None else position
        for classification, position in zip(
            difference.get("classification", (None, None)), difference.get("position", (None, None)), strict=True
        )
    ]
    # A newly known classification ("1" for position 1) is not a change of place.
    became_known = "position" not in difference and places[0] is None
    if places[0] != places[1] and not became_known:
        yield " → ".join(_word(place) for place in places)
    if "points" in difference and difference["points"][0] is not None:
        yield " → ".join(_word(points) for points in difference["points"]) + " points"


def _details(difference: Difference) -> Iterator[str]:
    for field, (label, written) in DETAILS.items():
        if field not in difference or None in difference[field]:
            continue
        if field == "gap_ms" and "time_ms" in difference:
            continue
        yield f"{label} " + " → ".join("-" if value is None else written(value) for value in difference[field])


def _word(value: Any) -> str:
    return "-" if value is None else LETTERS.get(str(value), str(value))


DETAILS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "time_ms": ("time", duration),
    "gap_ms": ("gap", lambda gap: f"+{duration(gap)}"),
    "grid": ("grid", str),
    "laps": ("laps", str),
    "q1_ms": ("Q1", duration),
    "q2_ms": ("Q2", duration),
    "q3_ms": ("Q3", duration),
    "best_lap_ms": ("best lap", duration),
    "fastest_lap_rank": ("rank of fastest lap", str),
    "status": ("status", str),
    "team_id": ("team", str),
    "driver_id": ("driver", str),
    "driver_code": ("code", str),
    "car_number": ("car", str),
    "listed_position": ("listed", str),
}
"""The fields named for an entry with unchanged place and points, in order, and how their values are written."""
