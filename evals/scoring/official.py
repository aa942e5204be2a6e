"""The arithmetic of the benchmarks' own scorers, figure for figure.

Every scorer takes the frame of one system, a row a question; what is not answered is handled as
the official code does, which differs from set to set and is said in each docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["OFFICIAL", "Official", "cgbench", "longvideobench", "lvbench", "mlvu",
           "videomme"]  # fmt: skip

LVBENCH_CODES: Final = {
    "key information retrieval": "KIR",
    "event understanding": "EU",
    "summarization": "Sum",
    "entity recognition": "ER",
    "reasoning": "Rea",
    "temporal grounding": "TG",
}
"""Question types as the LVBench leaderboard abbreviates them."""

Figures = dict[str, float]


def lvbench(frame: DataFrame) -> Figures:
    """Accuracy per question type and overall, over the answered questions alone.

    A question with two types counts in both; a type with no answered question is 0.
    """
    answered = frame[frame["letter"].notna()]
    found = _accuracy(answered.explode("categories"), "categories")
    figures = {code: found.get(name, 0.0) for name, code in LVBENCH_CODES.items()}
    return {**figures, "Overall": _mean(_exact(answered))}


def cgbench(frame: DataFrame) -> Figures:
    """long-acc, mIoU, rec@IoU and acc@IoU over all questions; no prediction scores 0."""
    exact, recall = _exact(frame), frame["recall_at_iou"]
    figures = {"long-acc": exact, "mIoU": frame["iou"], "rec@IoU": recall}
    return {name: _mean(one) for name, one in {**figures, "acc@IoU": exact * recall}.items()}


def mlvu(frame: DataFrame) -> Figures:
    """Accuracy per multiple-choice task and M-Avg, their unweighted mean; missing is wrong."""
    choices = frame[~frame["prose"]]
    figures = _accuracy(choices, choices["categories"].str[0])
    return {**figures, "M-Avg": sum(figures.values()) / max(1, len(figures))}


def videomme(frame: DataFrame) -> Figures:
    """Accuracy per duration group and overall; missing is wrong."""
    return {**_accuracy(frame, "group"), "overall": _mean(_exact(frame))}


def longvideobench(frame: DataFrame) -> Figures:
    """Accuracy per duration group, per question category, and overall; missing is wrong.

    The official code guesses at random where it cannot parse an answer; we do not.
    """
    kinds = _accuracy(frame, frame["categories"].str[0])
    return {**_accuracy(frame, "group"), **kinds, "overall": _mean(_exact(frame))}


class Official(NamedTuple):
    """The official scorer of a benchmark."""

    figures: Callable[[DataFrame], Figures]
    headline: str
    """The figure that leaderboards rank by."""


OFFICIAL: Final[Mapping[str, Official]] = {
    "lvbench": Official(lvbench, "Overall"),
    "cgbench": Official(cgbench, "long-acc"),
    "mlvu": Official(mlvu, "M-Avg"),
    "videomme": Official(videomme, "overall"),
    "longvideobench": Official(longvideobench, "overall"),
}
"""The official scorer of each benchmark that has one."""


def _exact(frame: DataFrame) -> Any:
    """Whether the letter is the gold one, of every row."""
    return frame["letter"] == frame["answer"]


def _accuracy(frame: DataFrame, by: Any) -> Figures:
    rights = frame.assign(exact=_exact(frame)).groupby(by, sort=False)["exact"]
    return dict(rights.mean())


def _mean(values: Any) -> float:
    return float(values.mean()) if len(values) else 0.0
