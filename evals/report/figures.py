"""Which figures a set of systems gets, drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from videoseal.evals.report.bars import Pair, pairs_chart
from videoseal.evals.report.marks import marker
from videoseal.evals.report.quadrants import quadrant_chart
from videoseal.evals.report.risk_curves import BudgetPoint, Curve, budget_chart, risk_chart
from videoseal.evals.report.svg import Svg, element
from videoseal.evals.report.system_summary import System
from videoseal.evals.scoring.score_table import Flags
from videoseal.evals.scoring.scores import rate
from videoseal.evals.scoring.statistics import Estimate

__all__ = ["LENGTHS", "MOST_BARS", "FigureGroup", "by_category", "by_length", "draw_budgets",
           "draw_groups", "draw_headline", "draw_quadrants", "draw_risk", "family_key"]  # fmt: skip

MOST_CURVES: Final = 8
"""Curves beyond this cannot be told apart; the first ones are drawn."""
MOST_BARS: Final = 6
"""Systems drawn in every group of questions."""
LENGTHS: Final = ((120.0, "under 2 min"), (900.0, "2 to 15 min"), (3600.0, "15 to 60 min"),
                  (math.inf, "over an hour"))  # fmt: skip
"""Groups by the length of the video, where the benchmark has none of its own."""
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


class FigureGroup(NamedTuple):
    """Questions of one kind, as every system answered them."""

    label: str
    pairs: list[tuple[Estimate, Estimate]]
    """Accuracy and grounded accuracy by system."""


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
                system.cell.key.variant.rpartition("=")[2],
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


def by_category(systems: Sequence[System]) -> list[FigureGroup]:
    """Every category's questions; a question with several counts in each."""
    masks = [system.cell.tally.categories() for system in systems]
    return _groups(systems, masks, sorted({name for found in masks for name in found}))


def by_length(systems: Sequence[System]) -> list[FigureGroup]:
    """Every official duration group, or groups by the length of the video."""
    masks = [system.cell.tally.groups() for system in systems]
    if not any(masks):
        masks = [_lengths(system) for system in systems]
        return _groups(systems, masks, [name for _, name in LENGTHS])
    names = {name for found in masks for name in found}
    return _groups(systems, masks, sorted(names, key=_duration_order))


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


def _groups(
    systems: Sequence[System], masks: Sequence[dict[str, Flags]], names: Iterable[str]
) -> list[FigureGroup]:
    groups = []
    for name in names:
        pairs = [
            _pair(system, found.get(name)) for system, found in zip(systems, masks, strict=True)
        ]
        if any(accuracy.n for accuracy, _ in pairs):
            groups.append(FigureGroup(name, pairs))
    return groups


def _pair(system: System, where: Flags | None) -> tuple[Estimate, Estimate]:
    tally = system.cell.tally
    mask = np.zeros(len(tally), dtype=np.bool_) if where is None else where
    return rate(tally, "accuracy", mask), rate(tally, "grounded accuracy", mask)


def _lengths(system: System) -> dict[str, Flags]:
    length = system.cell.tally.column("length")
    found: dict[str, Flags] = {}
    low = 0.0
    for high, name in LENGTHS:
        found[name] = (length > low) & (length <= high)
        low = high
    return found


_NAMED: Final = ("short", "medium", "long")


def _duration_order(name: str) -> tuple[int, float, str]:
    """Named lengths from short to long, numbers by size, the rest by name."""
    if name in _NAMED:
        return (0, _NAMED.index(name), name)
    return (1, float(name), name) if name.isdigit() else (2, 0.0, name)


def _spent(system: System, kind: str) -> float:
    if kind == "tokens":
        spending = system.spending
        return spending["prompt_tokens"].mean + spending["completion_tokens"].mean
    return system.spending[kind].mean
