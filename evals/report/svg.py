"""Elements of inline SVG as escaped text, and the scales that place things on an axis."""

from __future__ import annotations

import html
import math
from typing import Final, NamedTuple

__all__ = ["Scale", "Svg", "element", "figure", "nice_ticks", "number"]


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
