"""Two systems on the questions that both were asked: paired differences and McNemar's test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from videoseal.evals.scoring.scores import MEASURES, Measure
from videoseal.evals.scoring.statistics import Estimate, McNemar, clustered_difference, mcnemar
from videoseal.evals.scoring.systems import System, labels

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["COMPARED", "SPENT", "Comparison", "Difference", "baseline_of", "compare", "difference"]

COMPARED: Final = (
    "accuracy", "grounded accuracy", "acc@IoU", "G_t", "evidence hit", "coverage", "H_t",
    "right but never shown", "G_s", "H_s", "abstained on unanswerable",
)  # fmt: skip
"""Measures of which the difference is told."""
SPENT: Final = ("calls", "frames", "prompt_tokens", "completion_tokens", "steps", "seconds")
"""Costs a question of which the difference is told."""


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


def compare(first: System, second: System) -> Comparison:
    """Compare two systems question by question; questions that one lacks are left out."""
    one, two = _shared(first, second)
    names, choices = labels([first.key, second.key]), one["choice"]
    return Comparison(
        names[0],
        names[1],
        len(one),
        len(first.frame) - len(one),
        len(second.frame) - len(one),
        [_difference(name, MEASURES[name], one, two) for name in COMPARED],
        [_difference(name, Measure("seconds >= 0", name), one, two) for name in SPENT],
        mcnemar(one["right"][choices], two["right"][choices]),
    )


def difference(first: System, second: System, name: str) -> Difference:
    """One measure of two systems, over the questions that both were asked."""
    return _difference(name, MEASURES[name], *_shared(first, second))


def baseline_of(systems: Sequence[System]) -> System | None:
    """What the others are compared against: the first plain `decoupled`, else the first system."""
    decoupled = [system for system in systems if system.key.mode == "decoupled"]
    plain = [system for system in decoupled if not system.key.variant]
    return next(iter([*plain, *decoupled, *systems]), None)


def _shared(first: System, second: System) -> tuple[DataFrame, DataFrame]:
    """The rows of the questions that both were asked, in one order."""
    uids = first.frame.index.intersection(second.frame.index, sort=False)
    return first.frame.loc[uids], second.frame.loc[uids]


def _difference(name: str, measure: Measure, one: DataFrame, two: DataFrame) -> Difference:
    first, second = measure.values(one), measure.values(two)
    found = clustered_difference(first, second, one["video"])
    return Difference(name, float(first.mean()), float(second.mean()), found)
