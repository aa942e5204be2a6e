"""Bars of accuracy that are filled as far as it is grounded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from videoseal.evals.report.marks import QUARTERS, colour_class, marker, tick_x, words
from videoseal.evals.report.numbers import percent
from videoseal.evals.report.svg import Scale, Svg, element, figure, number
from videoseal.evals.scoring.statistics import Estimate

__all__ = ["Pair", "pairs_chart"]

_ROW: Final = 26.0
_AFTER: Final = 104.0
"""Room for the numbers to the right of the longest bar."""
_LETTER: Final = 7.4
"""Width of a letter of a label, roughly."""


class Pair(NamedTuple):
    """Accuracy and how much of it was proven, of one system."""

    label: str
    colour: int
    accuracy: Estimate
    grounded: Estimate
    chance: float
    """Where a uniform guess lies; NaN where it is not drawn."""


def pairs_chart(title: str, pairs: Sequence[Pair], width: float) -> Svg:
    """A bar a system with its interval as whiskers."""
    longest = max((len(pair.label) for pair in pairs), default=0)
    left = min(18 + _LETTER * longest + 12, width * 0.4)
    x = Scale(0, 1, left, width - _AFTER)
    foot = _ROW * len(pairs) + 4
    grid = [tick_x(x(share), 0, foot, f"{round(100 * share)}%") for share in QUARTERS]
    rows = [_row(pair, x, _ROW * place) for place, pair in enumerate(pairs)]
    told = "; ".join(
        f"{pair.label}: accuracy {percent(pair.accuracy.mean)}%,"
        f" grounded {percent(pair.grounded.mean)}%"
        for pair in pairs
    )
    return figure(width, foot + 24, title, told, *grid, *rows)


def _row(pair: Pair, x: Scale, y: float) -> Svg:
    middle, tall = y + _ROW / 2, _ROW - 11
    most = int((x.start - 30) / _LETTER) + 1
    label = words(pair.label, 18, middle + 4.5, most=most)
    parts = [marker(pair.colour, 7, middle), label]
    if math.isnan(pair.accuracy.mean):
        parts.append(words("no questions", x.start + 6, middle + 4.5, "soft"))
        return Svg("".join(parts))
    box = {"x": x.start, "y": middle - tall / 2, "height": tall}
    for estimate, style in ((pair.accuracy, "bar open"), (pair.grounded, "bar")):
        if not math.isnan(estimate.mean):
            long = max(0.5, x(estimate.mean) - x.start)
            fill = f"{style} {colour_class(pair.colour)}"
            parts.append(element("rect", class_=fill, width=long, **box))
    parts.append(_whisker(pair.accuracy, x, middle, tall / 4))
    if not math.isnan(pair.chance):
        at = x(pair.chance)
        parts.append(element("line", class_="chance", x1=at, x2=at, y1=y + 2, y2=y + _ROW - 2))
    ends = [pair.accuracy.mean, pair.accuracy.high]
    reached = max(end for end in ends if not math.isnan(end))
    grounded = "" if math.isnan(pair.grounded.mean) else f" / {percent(pair.grounded.mean)}"
    told = percent(pair.accuracy.mean) + grounded
    parts.append(words(told, x(reached) + 8, middle + 4, "value"))
    return Svg("".join(parts))


def _whisker(estimate: Estimate, x: Scale, middle: float, half: float) -> Svg:
    if math.isnan(estimate.low):
        return Svg("")
    low, high, up = number(x(estimate.low)), number(x(estimate.high)), number(middle - half)
    cap = f"v{number(2 * half)}"
    path = f"M{low} {number(middle)}H{high}M{low} {up}{cap}M{high} {up}{cap}"
    return element("path", class_="whisker", d=path)
