"""Which figures a set of systems gets, drawn: bars, quadrants, and what other modules draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from videoseal.evals.report.numbers import percent
from videoseal.evals.report.question_groups import FigureGroup
from videoseal.evals.report.risk_curves import BudgetPoint, Curve, budget_chart, risk_chart
from videoseal.evals.report.svg import (
    QUARTERS,
    Scale,
    Svg,
    colour_class,
    element,
    figure,
    marker,
    number,
    tick_x,
    words,
)
from videoseal.evals.report.system_summary import System
from videoseal.evals.scoring.scores import Quadrants
from videoseal.evals.scoring.statistics import Estimate

__all__ = [
    "MOST_BARS",
    "QUADRANTS",
    "Pair",
    "draw_budgets",
    "draw_groups",
    "draw_headline",
    "draw_quadrants",
    "draw_risk",
    "family_key",
    "pairs_chart",
    "quadrant_chart",
]

MOST_CURVES: Final = 8
"""Curves beyond this cannot be told apart; the first ones are drawn."""
MOST_BARS: Final = 6
"""Systems drawn in every group of questions."""
_BUDGETS: Final = {
    "frames": "frames shown a question",
    "tokens": "tokens a question",
    "steps": "planner steps a question",
}
_WIDE: Final = 860.0
_HALF: Final = 518.0
"""Two figures stand side by side."""
_DIFFERENT: Final = 1.2
"""Budgets are drawn where the largest is this much more than the smallest."""


def draw_headline(systems: Sequence[System]) -> Svg:
    """Accuracy of every system, filled as far as it is grounded."""
    pairs = [
        Pair(
            system.label,
            system.colour,
            system.scores["accuracy"],
            system.scores["grounded accuracy"],
            system.scores["chance"].mean,
        )
        for system in systems
    ]
    return pairs_chart("Accuracy, and how much of it was proven", pairs, _WIDE)


def draw_quadrants(systems: Sequence[System]) -> list[tuple[str, Svg]]:
    """A picture of right and wrong against grounded and not, for every system with gold spans."""
    return [
        (system.label, quadrant_chart(f"Quadrants of {system.label}", system.quadrants, number))
        for number, system in enumerate(systems)
        if sum(system.quadrants)
    ]


def draw_risk(systems: Sequence[System]) -> Svg | None:
    """Risk against coverage; None where nobody answered anything."""
    curves = [Curve(s.label, s.colour, s.risk) for s in systems if s.risk][:MOST_CURVES]
    return risk_chart("Risk against coverage", curves) if curves else None


def draw_budgets(systems: Sequence[System]) -> list[Svg]:
    """Accuracy against every kind of budget in which the systems differ."""
    drawn = []
    for kind, unit in _BUDGETS.items():
        points = [
            BudgetPoint(
                system.label,
                system.key.variant.rpartition("=")[2],
                system.colour,
                "/".join(system.family),
                _spent(system, kind),
                system.scores["accuracy"].mean,
                system.scores["grounded accuracy"].mean,
            )
            for system in systems
            if system.scores["accuracy"].n
        ]
        spent = [point.spent for point in points]
        if len(points) > 1 and max(spent) > _DIFFERENT * min(spent):
            drawn.append(budget_chart(f"Accuracy against {unit}", unit, points))
    return drawn


def family_key(systems: Sequence[System]) -> list[tuple[str, Svg]]:
    """What every colour stands for, where variants of a mode share one."""
    several = len({system.family[0] for system in systems}) > 1
    names = {system.colour: system.family for system in systems}
    return [
        (
            " \u00b7 ".join(family if several else family[1:]),
            element("svg", marker(colour, 7, 7), class_="chart", width=14, height=14,
                    aria_hidden="true"),
        )
        for colour, family in names.items()
    ]  # fmt: skip


def draw_groups(systems: Sequence[System], groups: Sequence[FigureGroup]) -> list[tuple[str, Svg]]:
    """Bars of every group for the first systems."""
    drawn = []
    for group in groups:
        pairs = [
            Pair(system.label, system.colour, *pair, float("nan"))
            for system, pair in list(zip(systems, group.pairs, strict=True))[:MOST_BARS]
        ]
        label = f"{group.label} (n = {max(accuracy.n for accuracy, _ in group.pairs):,})"
        drawn.append((label, pairs_chart(f"Accuracy on {group.label}", pairs, _HALF)))
    return drawn


def _spent(system: System, kind: str) -> float:
    if kind == "tokens":
        spending = system.spending
        return spending["prompt_tokens"].mean + spending["completion_tokens"].mean
    return system.spending[kind].mean


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


QUADRANTS: Final = {
    "right-grounded": "right and grounded",
    "right-ungrounded": "right and not grounded",
    "wrong-grounded": "wrong and grounded",
    "wrong-ungrounded": "wrong and not grounded",
}
"""Every quadrant by the name of its link and colour, in the order of `Quadrants`."""
_WIDTH: Final = 216.0
_HEIGHT: Final = 168.0
_TOP: Final = 22.0
_GAP: Final = 4.0


def quadrant_chart(title: str, found: Quadrants, cell: int) -> Svg:
    """Four areas: a column is as wide as its share of right or wrong, and split by grounded.

    Every area links to its samples of the system number `cell`.
    """
    total = sum(found)
    counts = dict(zip(QUADRANTS, found, strict=True))
    right = found.right_grounded + found.right_ungrounded
    shares = {"right": right / total, "wrong": 1 - right / total}
    parts: list[Svg] = []
    x = 0.0
    for name, share in shares.items():
        wide = share * (_WIDTH - _GAP)
        y = _TOP
        for kind in (f"{name}-ungrounded", f"{name}-grounded"):
            tall = _HEIGHT * counts[kind] / (share * total) if share else 0.0
            if counts[kind]:
                parts.append(_area(kind, counts[kind], total, (x, y, wide, tall), cell))
            y += tall
        x += wide + _GAP
    if shares["right"]:
        parts.append(words(f"right {percent(shares['right'])}%", 0, 14, "soft"))
    if shares["wrong"]:
        parts.append(words(f"wrong {percent(shares['wrong'])}%", _WIDTH, 14, "soft end"))
    told = ", ".join(f"{words_} {counts[kind]}" for kind, words_ in QUADRANTS.items())
    return figure(_WIDTH, _TOP + _HEIGHT, title, told, *parts, role="group")


def _area(
    kind: str, count: int, total: int, box: tuple[float, float, float, float], cell: int
) -> Svg:
    x, y, wide, tall = box
    named = QUADRANTS[kind]
    inside: list[Svg] = [
        element("title", f"{named}: {count} of {total}"),
        element("rect", class_=f"area {kind}", x=x, y=y + 1, width=wide, height=max(1.0, tall - 2)),
    ]
    if wide > 34 and tall > 18:
        inside.append(words(str(count), x + wide / 2, y + tall / 2 + 5, f"count on-{kind}"))
    return element(
        "a", *inside, href=f"#samples/{cell}/{kind}", aria_label=f"{named}: list {count} samples"
    )
