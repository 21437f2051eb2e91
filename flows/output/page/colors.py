"""Makes teams' colors legible on a light and on a dark page. Pure functions."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable, Mapping

COLORS = {
    "alfa": "900000",
    "alfa_romeo": "900000",
    "alphatauri": "2b4562",
    "alpine": "0093cc",
    "arrows": "f58220",
    "aston_martin": "229971",
    "audi": "bb0a30",
    "benetton": "008860",
    "brabham": "0a2d6e",
    "brm": "2e5a2e",
    "brawn": "b8fd6e",
    "bmw_sauber": "3b6fb6",
    "cadillac": "8a8d8f",
    "caterham": "005030",
    "cooper": "1f5c3a",
    "ferrari": "e80020",
    "force_india": "f596c8",
    "haas": "b6babd",
    "honda": "cc1e4a",
    "jaguar": "00553d",
    "jordan": "ffcc00",
    "kick_sauber": "52e252",
    "ligier": "1e5bc6",
    "lotus": "b58900",
    "lotus_f1": "ffb800",
    "manor": "323232",
    "marussia": "6e0000",
    "maserati": "a3142b",
    "matra": "2a5caa",
    "mclaren": "ff8000",
    "mercedes": "27f4d2",
    "minardi": "191919",
    "racing_point": "f596c8",
    "rb": "6692ff",
    "red_bull": "3671c6",
    "renault": "fff500",
    "sauber": "52e252",
    "talbot_lago": "2f6fb5",
    "team_lotus": "b58900",
    "toro_rosso": "469bff",
    "toyota": "eb0a1e",
    "tyrrell": "1b3f94",
    "vanwall": "2f6b4f",
    "virgin": "c82e37",
    "williams": "64c4ff",
}
"""Hexadecimal, by Jolpica's id, for seasons without colors from live timing."""

OTHERS = ("8c564b", "9467bd", "17a2b8", "7f8c3a", "d4749b", "5b7083", "c49a3f", "4f9d69")
"""For teams without their own color, in turn."""

GROUNDS = ("#ffffff", "#171a21")
"""The page's backgrounds, light and dark; the same as in its style sheet."""

LEGIBLE = 3.0
"""The contrast that a line or a mark needs (WCAG 2, 1.4.11)."""

STEP = 0.03


def team_colors(teams: Iterable[str], timed: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Each team's color on a light and on a dark page, such as ("#c87000", "#ff8000").

    Args:
        teams: ids, the best team first.
        timed: six hexadecimal digits by team, from live timing; anything else is ignored.
    """
    found = {}
    without = 0
    for team in teams:
        own = timed.get(team, "")
        if not re.fullmatch("[0-9A-Fa-f]{6}", own):
            own = COLORS.get(team, "")
        if not own:
            own = OTHERS[without % len(OTHERS)]
            without += 1
        light, dark = (legible(own.lower(), ground) for ground in GROUNDS)
        found[team] = light, dark
    return found


def legible(color: str, ground: str) -> str:
    """A color with the same hue that is legible on a background: darker on a light one, lighter on a dark one."""
    channels = _channels(color)
    hue, lightness, saturation = colorsys.rgb_to_hls(*channels)
    step = -STEP if _luminance(_channels(ground)) > 0.5 else STEP
    while contrast(_hex(channels), ground) < LEGIBLE and 0 <= lightness + step <= 1:
        lightness += step
        channels = colorsys.hls_to_rgb(hue, lightness, saturation)
    return _hex(channels)


def contrast(one: str, other: str) -> float:
    """The contrast of two colors by WCAG 2, from 1 to 21."""
    darker, lighter = sorted((_luminance(_channels(one)), _luminance(_channels(other))))
    return (lighter + 0.05) / (darker + 0.05)


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color.lstrip("#")[start : start + 2], 16) / 255 for start in (0, 2, 4))
    return red, green, blue


def _hex(channels: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)


def _luminance(channels: tuple[float, float, float]) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
