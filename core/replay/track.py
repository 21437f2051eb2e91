"""What happened on track in the one race for which the sample has more than the classification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from core.replay.facts import SAMPLE, SEASON, Entry
from core.replay.jolpica import Document

Line = tuple[int, Document]

SECOND, MINUTE = 1000, 60_000
PIT_ENTRY, PIT_EXIT = 2 * SECOND, 20 * SECOND
"""How long before a lap's end a car enters the pits, and how long after it leaves them."""


@dataclass(frozen=True)
class StintFacts:
    """A car's stint: the tyres, the laps they had done before, its last lap."""

    compound: str
    age: int
    last_lap: int


@dataclass(frozen=True)
class TrackFacts:
    """A race that was stopped after a lap, with the minutes between which it rained, and each car's stints."""

    stopped_after: int
    stopped_ms: int
    rain: tuple[int, int]
    stints: dict[str, tuple[StintFacts, ...]]

    def ends(self, entry: Entry, start: int, running_ms: int) -> list[int]:
        """When a car's laps end, evenly except for the stop; `running_ms` is its time without that."""
        return [
            start + running_ms * lap // entry.laps + (self.stopped_ms if lap > self.stopped_after else 0)
            for lap in range(1, entry.laps + 1)
        ]

    def pit_lines(self, car: str, ends: Sequence[int]) -> Iterator[Line]:
        """A car's pit entries and exits."""
        for stint in self.stints[car][:-1]:
            yield ends[stint.last_lap - 1] - PIT_ENTRY, {"Lines": {car: {"InPit": True}}}
            yield self._out(stint, ends), {"Lines": {car: {"InPit": False}}}

    def tyre_lines(self, car: str, start: int, ends: Sequence[int]) -> Iterator[Line]:
        """A car's tyres: the first set before the start, the others when it leaves the pits."""
        fitted_at = [start // 3, *(self._out(stint, ends) for stint in self.stints[car][:-1])]
        for number, (at, stint) in enumerate(zip(fitted_at, self.stints[car], strict=True)):
            fitted = {
                "Compound": stint.compound,
                "New": "false" if stint.age else "true",
                "TyresNotChanged": "0",
                "TotalLaps": stint.age,
                "StartLaps": stint.age,
            }
            yield at, {"Lines": {car: {"Stints": {str(number): fitted}}}}

    def _out(self, stint: StintFacts, ends: Sequence[int]) -> int:
        """When a car leaves the pits after a stint: at once, or when the stopped race resumes."""
        return ends[stint.last_lap - 1] + (self.stopped_ms if stint.last_lap == self.stopped_after else PIT_EXIT)

    def weather(self, begins: int, ends: int) -> Iterator[Line]:
        """The weather, one message per minute."""
        for at in range(MINUTE // 2, ends, MINUTE):
            minute = (at - begins) // MINUTE
            is_raining = self.rain[0] <= minute < self.rain[1]
            yield (
                at,
                {
                    "AirTemp": f"{21.6 - at / ends:.1f}",
                    "Humidity": "88.0" if is_raining else "81.0",
                    "Pressure": "926.4",
                    "Rainfall": "1" if is_raining else "0",
                    "TrackTemp": f"{24.9 - 2 * at / ends:.1f}",
                    "WindDirection": str(170 + minute % 20),
                    "WindSpeed": "1.8",
                },
            )


@cache
def tracks() -> dict[tuple[int, str], TrackFacts]:
    """The sample's extra facts of races, by round and session name."""
    found = {}
    for block in (SAMPLE / f"timing_{SEASON}.txt").read_text("utf-8").split("\n[")[1:]:
        heading, red, rain, *cars = block.strip().splitlines()
        number, _, session = heading.rstrip("]").partition(" ")
        after, minutes = map(int, red.split()[1:])
        begins, ends = map(int, rain.split()[1:])
        stints = dict(map(_stints, cars))
        found[int(number), session] = TrackFacts(after, minutes * MINUTE, (begins, ends), stints)
    return found


def _stints(line: str) -> tuple[str, tuple[StintFacts, ...]]:
    car, _, listed = line.partition(" ")
    parts = [stint.split() for stint in listed.split(", ")]
    return car, tuple(StintFacts(compound, int(age), int(last)) for compound, age, last in parts)
