"""Questions of one kind, as every system answered them: by category, length or wording."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from videoseal.evals.report.system_summary import System
from videoseal.evals.scoring.score_table import Flags
from videoseal.evals.scoring.scores import rate
from videoseal.evals.scoring.statistics import Estimate

__all__ = ["LENGTHS", "FigureGroup", "by_category", "by_length", "by_wording"]

LENGTHS: Final = ((120.0, "under 2 min"), (900.0, "2 to 15 min"), (3600.0, "15 to 60 min"),
                  (math.inf, "over an hour"))  # fmt: skip
"""Groups by the length of the video, where the benchmark has none of its own."""


class FigureGroup(NamedTuple):
    """Questions of one kind, as every system answered them."""

    label: str
    pairs: list[tuple[Estimate, Estimate]]
    """Accuracy and grounded accuracy by system."""


def by_category(systems: Sequence[System]) -> list[FigureGroup]:
    """Every category's questions; a question with several counts in each."""
    masks = [system.tally.categories() for system in systems]
    return _groups(systems, masks, sorted({name for found in masks for name in found}))


def by_length(systems: Sequence[System]) -> list[FigureGroup]:
    """Every official duration group, or groups by the length of the video."""
    masks = [system.tally.groups() for system in systems]
    if not any(masks):
        masks = [_lengths(system) for system in systems]
        return _groups(systems, masks, [name for _, name in LENGTHS])
    names = {name for found in masks for name in found}
    return _groups(systems, masks, sorted(names, key=_duration_order))


def by_wording(systems: Sequence[System]) -> list[FigureGroup]:
    """Generated questions in words that who made the systems had seen, and in others."""
    masks = [system.tally.wordings() for system in systems]
    return _groups(systems, masks, sorted({name for found in masks for name in found}))


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
    tally = system.tally
    mask = np.zeros(len(tally), dtype=np.bool_) if where is None else where
    return rate(tally, "accuracy", mask), rate(tally, "grounded accuracy", mask)


def _lengths(system: System) -> dict[str, Flags]:
    length = system.tally.column("length")
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
