"""Tables of results and standings that Jolpica does not serve: with impossible values, rows and orders."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from core.replay import Upstream

Document = dict[str, Any]
Rows = list[Document]


def overlay(replay: Upstream, table: str, change: Callable[[Document], None], number: str = "1") -> None:
    """Let Jolpica serve a season's table with one round's document changed."""
    found = copy.deepcopy(replay.documents(2024, table))
    for document in found:
        if document["round"] == number:
            change(document)
    replay.overlay[2024, table] = found


def in_row(index: int, *path: str, value: Any) -> Callable[[Document], None]:
    """Put a value into one row of a race."""

    def change(document: Document) -> None:
        *way, last = path
        target = document["Results"][index]
        for name in way:
            target = target.setdefault(name, {})
        target[last] = value

    return change


VALUES: dict[str, Callable[[Document], None]] = {
    "laps 40000": in_row(0, "laps", value="40000"),
    "points 1e400": in_row(0, "points", value="1e400"),
    "points NaN": in_row(0, "points", value="NaN0"),
    "a number of 40 digits": in_row(0, "grid", value="9" * 40),
    "a NUL in a name": in_row(0, "Driver", "givenName", value="Max\0"),
    "a lone surrogate in a name": in_row(0, "Driver", "familyName", value="Verstappen\ud800"),
    "an escape in a team's name": in_row(0, "Constructor", "name", value="\x1b[31mRed Bull"),
    "a bidi override in a status": in_row(0, "status", value="\u202edehsiniF"),
    "a name of 121 characters": in_row(0, "Driver", "familyName", value="V" * 121),
    "a NUL in an id": in_row(0, "Driver", "driverId", value="max\0"),
    "a time of 10**19 ms": in_row(0, "Time", "millis", value=10**19),
    "a birthday 'soon'": in_row(3, "Driver", "dateOfBirth", value="soon"),
    "a name null": in_row(3, "Driver", "familyName", value=None),
    "a driver null": in_row(3, "Driver", value=None),
    "a truth value": in_row(3, "laps", value=True),
    "an object": in_row(3, "points", value={"points": "1"}),
    "a year of 10**400": lambda document: document.update(season="9" * 400),
    "a row null": lambda document: document["Results"].insert(2, None),
}


def cut(rows: int) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        document["Results"] = document["Results"][:rows]

    return change


# Impossible tables.


def move_rows(document: Document, other: Document) -> None:
    document["Results"] = copy.deepcopy(other["Results"])


def reversed_places(document: Document) -> None:
    places = [(row["position"], row["positionText"]) for row in document["Results"]]
    for row, (position, text) in zip(document["Results"], reversed(places), strict=True):
        row["position"], row["positionText"] = position, text


def thirty_drivers(document: Document) -> None:
    for number in range(10):
        row = copy.deepcopy(document["Results"][-1])
        row["number"] = f"1{number:02}"
        row["Driver"] |= {"driverId": f"d{number}"}
        row |= {"position": str(21 + number), "positionText": str(21 + number)}
        document["Results"].append(row)


IMPOSSIBLE: dict[str, tuple[Callable[[Document], None], str]] = {
    "999 points": (in_row(0, "points", value="999"), "999 points (possible: 0 to 26)"),
    "-3 points": (in_row(19, "points", value="-3"), "-3 points (possible: 0 to 26)"),
    "places reversed": (reversed_places, "points for"),
    "30 drivers": (thirty_drivers, "30 entries (at most 26 possible)"),
    "no rows": (cut(0), "no entries"),
}


def changed_standings(change: Callable[[Rows], None]) -> Callable[[Document], None]:
    def changed(document: Document) -> None:
        change(document["DriverStandings"])

    return changed


def set_in(index: int, name: str, value: Any) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[index][name] = value

    return change


def half(rows: Rows) -> None:
    del rows[10:]


def swap(rows: Rows) -> None:
    rows[0]["position"], rows[4]["position"] = rows[4]["position"], rows[0]["position"]
    rows[0]["positionText"], rows[4]["positionText"] = rows[4]["positionText"], rows[0]["positionText"]


STANDINGS: dict[str, tuple[Callable[[Rows], None], str]] = {
    "half a table": (half, "missing: "),
    "999 points": (set_in(0, "points", "999"), "has 999 points (possible: "),
    "-3 points": (set_in(19, "points", "-3"), "has -3 points (possible: "),
    "points 1e400": (set_in(0, "points", "1e400"), "a standings row that cannot be read"),
    "two in one place": (set_in(1, "position", "1"), "in place 1, expected place 2"),
    "one twice": (lambda rows: rows.append(copy.deepcopy(rows[0])), "max_verstappen is listed 2 times"),
    "places that contradict points": (swap, "points in place"),
    "a driver null": (set_in(4, "Driver", None), "cannot be read"),
    "a NUL in a name": (lambda rows: rows[3]["Driver"].update(familyName="\0"), "cannot be read"),
    "an unknown driver": (lambda rows: rows[19]["Driver"].update(driverId="nobody"), "nobody was in no race"),
    "9 wins": (set_in(0, "wins", "9"), "has 9 wins (at most "),
}
