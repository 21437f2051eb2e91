"""Parts of a drawing. Text is escaped here, because svg.py writes it unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import svg
from markupsafe import Markup

Anchor = Literal["start", "middle", "end"]


def title(text: str) -> svg.Title:
    """The tooltip of an element."""
    return svg.Title(text=svg.escape(text))


def label(x: float, y: float, text: str, kind: str, anchor: Anchor = "start") -> svg.Text:
    """Text at a place, with a class of the style sheet."""
    return svg.Text(x=round(x, 1), y=round(y, 1), text=svg.escape(text), class_=[kind], text_anchor=anchor)


def rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> svg.Line:
    """A straight line."""
    return svg.Line(x1=round(x1, 1), y1=round(y1, 1), x2=round(x2, 1), y2=round(y2, 1), class_=[kind])


def box(
    x: float, y: float, width: float, height: float, kinds: Sequence[str], tooltip: str, *, rx: float | None = None
) -> svg.Rect:
    """A rectangle with a tooltip, its corners rounded by `rx`."""
    return svg.Rect(
        x=round(x, 1),
        y=y,
        width=round(width, 1),
        height=height,
        rx=rx,
        class_=[*kinds],
        elements=[title(tooltip)],
    )


def picture(width: float, height: float, name: str, description: str, elements: Sequence[svg.Element]) -> Markup:
    """A whole drawing, with its name and a description in words for people who cannot see it.

    Args:
        name: letters and digits, unique in the page; used for the description's id.
    """
    described = svg.Desc(id=name, text=svg.escape(description))
    drawn = svg.SVG(
        viewBox=svg.ViewBoxSpec(0, 0, width, round(height)),
        elements=[described, *elements],
        extra={"role": "img", "aria-labelledby": name},
    )
    return Markup(str(drawn))
