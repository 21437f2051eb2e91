"""How figures are measured: medians of interleaved repetitions."""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

REPETITIONS = 7

Action = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """One figure: what, its value, its limit (None: for information), and how it was measured."""

    what: str
    value: float
    unit: str
    limit: float | None
    how: str

    @property
    def kept(self) -> bool:
        """Whether the figure is within its limit."""
        return self.limit is None or self.value <= self.limit

    @property
    def limit_text(self) -> str:
        """The limit as text."""
        return "" if self.limit is None else f"≤ {self.limit:g}{self.unit}"


def medians(*actions: Action | tuple[Action, Action], repetitions: int = REPETITIONS) -> list[float]:
    """Median seconds of each action; they take turns, so that a slow moment of the machine affects all of them.

    Garbage is not collected meanwhile, as in `timeit`.

    Args:
        actions: in a pair, the first one is preparation, which is not measured.
    """
    taken: list[list[float]] = [[] for _ in actions]
    for _ in range(repetitions):
        for times, action in zip(taken, actions, strict=True):
            if isinstance(action, tuple):
                prepare, action = action
                prepare()
            gc.collect()
            gc.disable()
            began = time.perf_counter()
            action()
            times.append(time.perf_counter() - began)
            gc.enable()
    return [statistics.median(times) for times in taken]


def python(*arguments: str) -> Callable[[], None]:
    """An action that runs a Python process, which must succeed."""

    def run() -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    return run


def peak_megabytes(arguments: Sequence[str]) -> float:
    """Peak resident memory of a Python process, in MB."""
    code = f"import subprocess; subprocess.run({[sys.executable, *arguments]!r}, check=True, capture_output=True)\n"
    code += "import resource; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout) * 1024 / 1e6
