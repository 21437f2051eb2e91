"""Which weather values are accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.rules.timing.evidence import Evidence, Examined
from core.text import counted
from core.timing_records import Weather

POSSIBLE = {
    "air_c": (-30.0, 60.0),
    "track_c": (-30.0, 90.0),
    "humidity_pct": (0.0, 100.0),
    "pressure_hpa": (600.0, 1090.0),
    "wind_mps": (0.0, 70.0),
    "wind_deg": (0, 360),
}
"""The possible range at a circuit, by column: Mexico City's pressure is 780 hPa."""


def examine_weather(rows: Sequence[Weather], evidence: Evidence) -> Examined[Weather]:
    """The weather without impossible values."""
    emptied: Counter[str] = Counter()
    accepted = []
    for row in rows:
        strange = [name for name, (least, most) in POSSIBLE.items() if not _is_within(getattr(row, name), least, most)]
        emptied.update(strange)
        accepted.append(row.model_copy(update=dict.fromkeys(strange)) if strange else row)
    notes = tuple(f"{counted(count, 'value')} of {name}: not possible" for name, count in emptied.items())
    return Examined(accepted, notes)


def _is_within(value: float | None, least: float, most: float) -> bool:
    return value is None or least <= value <= most
