"""Two systems on the questions that both were asked: paired differences and McNemar's test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar

import numpy as np

from videoseal.evals.scoring.score_table import Flags, Floats, Ints
from videoseal.evals.scoring.scores import MEASURES
from videoseal.evals.scoring.statistics import (
    Estimate,
    McNemar,
    clustered_difference,
    mcnemar,
    paired_difference,
)
from videoseal.evals.scoring.systems import RecordedSystem, labels

__all__ = ["COMPARED", "SPENT", "Comparison", "Difference", "baseline_of", "compare", "difference"]

COMPARED: Final = (
    "accuracy", "grounded accuracy", "acc@IoU", "G_t", "evidence hit", "coverage", "H_t",
    "right but never shown", "G_s", "H_s", "abstained on unanswerable",
)  # fmt: skip
"""Measures of which the difference is told."""
SPENT: Final = ("calls", "frames", "prompt_tokens", "completion_tokens", "steps", "seconds")
"""Costs a question of which the difference is told."""


AnySystem = TypeVar("AnySystem", bound=RecordedSystem)


class Difference(NamedTuple):
    """One measure in both systems."""

    name: str
    first: float
    second: float
    difference: Estimate
    """First minus second."""


class Comparison(NamedTuple):
    """One system against another."""

    first: str
    second: str
    shared: int
    """Questions that both were asked."""
    only_first: int
    """Questions that the other was not asked; left out."""
    only_second: int
    rates: list[Difference]
    costs: list[Difference]
    """A question on average."""
    test: McNemar
    """On right and wrong, over the answerable questions with options."""


class _Pair(NamedTuple):
    """A system's rows of the shared questions, in one order for both systems."""

    recorded: RecordedSystem
    rows: Ints
    videos: Ints
    """Numbers that mean the same video in both."""


def compare(first: RecordedSystem, second: RecordedSystem) -> Comparison:
    """Compare two systems question by question; questions that one lacks are left out."""
    one, two = _paired(first, second)
    shared = len(one.rows)
    names = labels([first.key, second.key])
    return Comparison(
        names[0],
        names[1],
        shared,
        len(first.tally) - shared,
        len(second.tally) - shared,
        [_difference(name, one, two) for name in COMPARED],
        [_spent(name, one, two) for name in SPENT],
        _test(one, two),
    )


def difference(first: RecordedSystem, second: RecordedSystem, name: str) -> Difference:
    """One measure of two systems, over the questions that both were asked."""
    return _difference(name, *_paired(first, second))


def baseline_of(systems: Sequence[AnySystem]) -> AnySystem | None:
    """What the others are compared against: the first plain `decoupled`, else the first system."""
    decoupled = [system for system in systems if system.key.mode == "decoupled"]
    plain = [system for system in decoupled if not system.key.variant]
    return next(iter([*plain, *decoupled, *systems]), None)


def _paired(first: RecordedSystem, second: RecordedSystem) -> tuple[_Pair, _Pair]:
    keys = [key for key in first.tally.uids() if second.tally.row_of(key) is not None]
    rows = [
        np.array([system.tally.row_of(key) for key in keys], dtype=np.int64)
        for system in (first, second)
    ]
    videos = first.tally.videos()[rows[0]]
    return _Pair(first, rows[0], videos), _Pair(second, rows[1], videos)


def _difference(name: str, one: _Pair, two: _Pair) -> Difference:
    measure = MEASURES[name]
    over = [measure.over(pair.recorded.tally)[pair.rows] for pair in (one, two)]
    values = [measure.value(pair.recorded.tally)[pair.rows] for pair in (one, two)]
    means = [_mean(value[counted]) for value, counted in zip(values, over, strict=True)]
    if (over[0] == over[1]).all():
        both = over[0]
        found = paired_difference(values[0][both], values[1][both], one.videos[both])
    else:
        found = clustered_difference(
            values[0][over[0]], values[1][over[1]], one.videos[over[0]], two.videos[over[1]]
        )
    return Difference(name, means[0], means[1], found)


def _spent(name: str, one: _Pair, two: _Pair) -> Difference:
    values = [pair.recorded.tally.column(name)[pair.rows] for pair in (one, two)]
    found = paired_difference(values[0], values[1], one.videos)
    return Difference(name, _mean(values[0]), _mean(values[1]), found)


def _test(one: _Pair, two: _Pair) -> McNemar:
    choices = _flags(one, "answerable") & ~_flags(one, "prose")
    right = [_flags(pair, "right")[choices].tolist() for pair in (one, two)]
    return mcnemar(right[0], right[1])


def _flags(pair: _Pair, name: str) -> Flags:
    return pair.recorded.tally.flags(name)[pair.rows]


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
