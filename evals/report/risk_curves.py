"""Risk against coverage, and accuracy against budget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from videoseal.evals.report.numbers import amount, percent
from videoseal.evals.report.svg import (
    QUARTERS,
    Scale,
    Svg,
    apart,
    colour_class,
    element,
    figure,
    marker,
    nice_ticks,
    path,
    tick_x,
    tick_y,
    words,
)
from videoseal.evals.scoring.scores import RiskPoint

__all__ = ["BudgetPoint", "Curve", "budget_chart", "risk_chart"]

_MOST_POINTS: Final = 240
"""Points of a curve that are drawn; more cannot be told apart."""


class Curve(NamedTuple):
    """Risk against coverage of one system."""

    label: str
    colour: int
    points: Sequence[RiskPoint]


class BudgetPoint(NamedTuple):
    """What one system spent on a question, and what it reached."""

    label: str
    variant: str
    """Written beside the point; empty where the colour tells all."""
    colour: int
    series: str
    """Points of one series are joined."""
    spent: float
    accuracy: float
    grounded: float


def risk_chart(title: str, curves: Sequence[Curve]) -> Svg:
    """Share of wrong answers among the most confident, as more are answered."""
    left, right, top, foot = 46.0, 620.0, 12.0, 320.0
    worst = max((point.risk for curve in curves for point in curve.points), default=1.0)
    ticks = nice_ticks(max(worst, 0.1))
    x, y = Scale(0, 1, left, right), Scale(0, ticks[-1], foot, top)
    grid = [tick_x(x(share), top, foot, f"{round(100 * share)}%") for share in QUARTERS]
    grid += [tick_y(y(t), left, right, f"{percent(t).removesuffix('.0')}%") for t in ticks]
    drawn = [(curve, [(x(p.coverage), y(p.risk)) for p in _thin(curve.points)]) for curve in curves]
    lines = [
        element("path", class_=f"line {colour_class(curve.colour)}", d=path(corners))
        for curve, corners in drawn
    ]
    places = apart([corners[-1][1] for _, corners in drawn], 17, top + 4, foot)
    labels = [
        _leader(curve, corners[-1], (right + 18, place))
        for (curve, corners), place in zip(drawn, places, strict=True)
    ]
    axis = words(
        "share of questions answered, most confident first; upwards, the share of wrong answers",
        left,
        foot + 38,
        "soft",
    )
    told = "; ".join(
        f"{curve.label}: {percent(curve.points[-1].risk)}% wrong with"
        f" {percent(curve.points[-1].coverage)}% answered"
        for curve in curves
    )
    return figure(860, foot + 46, title, told, *grid, *lines, *labels, axis)


def budget_chart(title: str, unit: str, points: Sequence[BudgetPoint]) -> Svg:
    """Accuracy (hollow) and grounded accuracy (filled) against what a question cost."""
    left, right, top, foot = 44.0, 308.0, 12.0, 250.0
    ticks = nice_ticks(max((point.spent for point in points), default=1.0), 4)
    x, y = Scale(0, ticks[-1], left, right), Scale(0, 1, foot, top)
    grid = [tick_x(x(tick), top, foot, amount(tick)) for tick in ticks]
    grid += [tick_y(y(share), left, right, f"{round(100 * share)}%") for share in QUARTERS]
    series = [
        _series(sorted((p for p in points if p.series == name), key=lambda p: p.spent), x, y)
        for name in dict.fromkeys(point.series for point in points)
    ]
    told = "; ".join(
        f"{p.label}: {amount(p.spent)} {unit}, accuracy {percent(p.accuracy)}%,"
        f" grounded {percent(p.grounded)}%"
        for p in points
    )
    axis = words(unit, left, foot + 38, "soft")
    return figure(336, foot + 46, title, told, *grid, *series, axis)


def _series(points: Sequence[BudgetPoint], x: Scale, y: Scale) -> Svg:
    parts: list[Svg] = []
    colour = points[0].colour
    for kind in ("accuracy", "grounded"):
        known = [p for p in points if not math.isnan(getattr(p, kind))]
        corners = [(x(p.spent), y(getattr(p, kind))) for p in known]
        hollow = kind == "accuracy"
        if len(corners) > 1:
            style = f"line {'thin ' if hollow else ''}{colour_class(colour)}"
            parts.append(element("path", class_=style, d=path(corners)))
        parts += [marker(colour, *corner, hollow=hollow) for corner in corners]
        if not hollow:
            parts += [
                words(p.variant, at_x, at_y + 18, "value middle", most=14)
                for p, (at_x, at_y) in zip(known, corners, strict=True)
                if p.variant
            ]
    return Svg("".join(parts))


def _leader(curve: Curve, end: tuple[float, float], place: tuple[float, float]) -> Svg:
    line = path([(end[0] + 7, end[1]), (place[0] - 5, place[1])])
    return Svg(
        element("path", class_="leader", d=line)
        + marker(curve.colour, *end)
        + words(curve.label, place[0], place[1] + 4, f"label {colour_class(curve.colour)}", most=28)
    )


def _thin(points: Sequence[RiskPoint]) -> list[RiskPoint]:
    step = max(1, math.ceil(len(points) / _MOST_POINTS))
    return [*points[:-1:step], points[-1]]
