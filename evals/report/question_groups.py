"""Questions of one kind, as every system answered them: by category, length, hops or wording."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from videoseal.evals.scoring.scores import HOPS, WORDING, grouped, rate
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import System

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["LENGTHS", "FigureGroup", "by_category", "by_hops", "by_length", "by_wording"]

LENGTHS: Final = {"under 2 min": 120.0, "2 to 15 min": 900.0, "15 to 60 min": 3600.0,
                  "over an hour": math.inf}  # fmt: skip
"""Groups by the length of the video, where the benchmark has none of its own: up to how long."""
_NAMED: Final = ("short", "medium", "long")


class FigureGroup(NamedTuple):
    """Questions of one kind, as every system answered them."""

    label: str
    pairs: list[tuple[Estimate, Estimate]]
    """Accuracy and grounded accuracy by system."""
    costs: list[tuple[float, float]]
    """Model calls and frames a question, by system; empty where no hops are counted."""


def by_category(systems: Sequence[System]) -> list[FigureGroup]:
    """Every category's questions; a question with several counts in each."""
    parts = [dict(iter(s.frame.explode("categories").groupby("categories"))) for s in systems]
    return _groups(systems, parts, sorted({name for part in parts for name in part}))


def by_length(systems: Sequence[System]) -> list[FigureGroup]:
    """Every official duration group, or groups by the length of the video."""
    parts = [grouped(system.frame) for system in systems]
    if any(parts):
        names = {name for part in parts for name in part}
        return _groups(systems, parts, sorted(names, key=_duration_order))
    from pandas import cut

    ends = [0, *LENGTHS.values()]
    lengths = [cut(s.frame["duration"], ends, labels=list(LENGTHS)) for s in systems]
    split = zip(systems, lengths, strict=True)
    parts = [dict(iter(s.frame.groupby(length, observed=True))) for s, length in split]
    return _groups(systems, parts, LENGTHS)


def by_wording(systems: Sequence[System]) -> list[FigureGroup]:
    """Generated questions in words that who made the systems had seen, and in others."""
    return _of_kind(systems, WORDING)


def by_hops(systems: Sequence[System]) -> list[FigureGroup]:
    """Questions by how many scenes must be found to answer them."""
    return _of_kind(systems, HOPS)


def _of_kind(systems: Sequence[System], kind: str) -> list[FigureGroup]:
    parts = [grouped(system.frame, kind) for system in systems]
    return _groups(systems, parts, sorted({name for part in parts for name in part}))


def _groups(
    systems: Sequence[System], parts: Sequence[Mapping[str, DataFrame]], names: Iterable[str]
) -> list[FigureGroup]:
    groups, hops = [], any(grouped(system.frame, HOPS) for system in systems)
    for name in names:
        rows = [p.get(name, s.frame[:0]) for s, p in zip(systems, parts, strict=True)]
        pairs = [(rate(one, "accuracy"), rate(one, "grounded accuracy")) for one in rows]
        if any(accuracy.n for accuracy, _ in pairs):
            costs = [(float(one["calls"].mean()), float(one["frames"].mean())) for one in rows]
            groups.append(FigureGroup(name, pairs, costs if hops else []))
    return groups


def _duration_order(name: str) -> tuple[int, float, str]:
    """Named lengths from short to long, numbers by size, the rest by name."""
    if name in _NAMED:
        return (0, _NAMED.index(name), name)
    return (1, float(name), name) if name.isdigit() else (2, 0.0, name)
