"""Inline SVG as escaped text: its elements, scales and axes, and the marks of all figures."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = [
    "QUARTERS",
    "Scale",
    "Svg",
    "apart",
    "colour_class",
    "element",
    "figure",
    "marker",
    "nice_ticks",
    "number",
    "path",
    "tick_x",
    "tick_y",
    "words",
]


class Svg(str):
    """Text that is markup already; templates do not escape it again."""

    __slots__ = ()

    def __html__(self) -> str:
        """The markup itself, as template engines ask for it."""
        return self


def element(name: str, *children: str, **attributes: object) -> Svg:
    """One element. Plain strings inside it are escaped, `Svg` is not.

    `class_` becomes `class`, other underscores become hyphens; None leaves an attribute out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_attribute(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(
        child if isinstance(child, Svg) else html.escape(child, quote=False) for child in children
    )
    return Svg(f"<{name}{written}>{inside}</{name}>")


def figure(
    width: float, height: float, title: str, detail: str, *children: str, role: str = "img"
) -> Svg:
    """A whole picture with a name and a description for those who cannot see it.

    One that holds links has the role `group`: nothing inside an `img` can be reached.
    """
    return element(
        "svg",
        element("title", title),
        element("desc", detail),
        *children,
        class_="chart",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=number(width),
        height=number(height),
        role=role,
        aria_label=f"{title}. {detail}",
    )


class Scale(NamedTuple):
    """A straight line from values to pixels."""

    low: float
    high: float
    start: float
    """Pixel of `low`."""
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        room = self.high - self.low
        share = (value - self.low) / room if room else 0.0
        return self.start + share * (self.end - self.start)


_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def nice_ticks(high: float, most: int = 5) -> list[float]:
    """Round numbers from 0 to at least `high`, at most `most` steps of them."""
    if not math.isfinite(high) or high <= 0:
        return [0.0, 1.0]
    size = 10.0 ** math.floor(math.log10(high / most))
    step = next(size * factor for factor in _STEPS if size * factor * most >= high * (1 - 1e-9))
    return [step * n for n in range(math.ceil(high / step - 1e-9) + 1)]


def number(value: float) -> str:
    """A coordinate, short."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _attribute(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


QUARTERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where an axis of shares has its ticks."""
_COLOURS: Final = 8


def colour_class(colour: int) -> str:
    """The CSS class of a system's colour."""
    return f"c{colour % _COLOURS}"


def marker(colour: int, x: float, y: float, *, hollow: bool = False) -> Svg:
    """A marker whose form tells the system as its colour does."""
    size, form = 4.5, colour % 4
    name = f"dot {'open ' if hollow else ''}{colour_class(colour)}"
    if form == 0:
        return element("circle", class_=name, cx=x, cy=y, r=size)
    if form == 1:
        side = size * 1.8
        return element("rect", class_=name, x=x - side / 2, y=y - side / 2, width=side, height=side)
    tip = size * 1.35
    if form == 2:
        corners = [(x, y - tip), (x + tip, y + tip * 0.8), (x - tip, y + tip * 0.8)]
    else:
        corners = [(x, y - tip), (x + tip, y), (x, y + tip), (x - tip, y)]
    return element("path", class_=name, d=path(corners) + "Z")


def words(text: str, x: float, y: float, kind: str = "", *, most: int = 90) -> Svg:
    """A line of text, cut when it is longer than `most`; the whole of it shows on hovering."""
    shown = text if len(text) <= most else f"{text[: most - 1]}\u2026"
    whole = [element("title", text)] if shown != text else []
    return element("text", shown, *whole, class_=kind or None, x=x, y=y)


def tick_x(x: float, top: float, foot: float, label: str) -> Svg:
    """A vertical line of the grid with its number below."""
    line = element("line", class_="grid", x1=x, x2=x, y1=top, y2=foot)
    return Svg(line + words(label, x, foot + 20, "tick middle"))


def tick_y(y: float, left: float, right: float, label: str) -> Svg:
    """A horizontal line of the grid with its number on the left."""
    line = element("line", class_="grid", x1=left, x2=right, y1=y, y2=y)
    return Svg(line + words(label, left - 10, y + 4, "tick end"))


def path(corners: Sequence[tuple[float, float]]) -> str:
    """Path data of a line through the corners."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in corners)


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, in their order, at least `gap` from one another.

    All lie between `low` and `high` as long as there is room for them.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [0.0] * len(wanted)
    reached = low - gap
    for index in order:
        reached = placed[index] = max(wanted[index], reached + gap)
    limit = max(high, low + gap * (len(wanted) - 1))
    for index in reversed(order):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - gap
    return placed
