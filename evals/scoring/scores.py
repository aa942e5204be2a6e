"""The headline numbers of a run, each with its 95 % interval clustered by video.

Everything here is a pure function of a data frame with a row a sample (`score_frame`), so that
old records can be scored anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from videoseal.evals.scoring.statistics import Estimate, clustered_mean

if TYPE_CHECKING:
    from pandas import DataFrame, Series

__all__ = ["HOPS", "MEASURES", "REPORTED", "WORDING", "JudgeScores", "Measure", "Quadrants",
           "RiskPoint", "grouped", "rate", "scores", "verdicts"]  # fmt: skip


class Measure(NamedTuple):
    """A rate, as expressions over the columns of a frame."""

    over: str
    """Which samples count."""
    value: str
    """What is averaged over them."""
    note: str = ""
    """What it means, in a few words; empty for one that says it itself."""

    def values(self, frame: DataFrame) -> Series:
        """A number a sample; NaN where it does not count."""
        value = frame.eval(self.value, engine="python").astype(float)
        return value.where(frame.eval(self.over, engine="python"))


_LUCK: Final = "the same number of windows of the same lengths, thrown at random"
REPORTED: Final = {
    "Answers": {
        "accuracy": Measure(
            "choice", "right", "strict: everything that is not the gold letter is wrong"),
        "chance": Measure("choice", "guess", "a uniform guess among the options"),
        "accuracy without guesses": Measure(
            "choice", "right & free", "a guess that was forced counts as wrong"),
        "accuracy of unforced answers": Measure(
            "choice & free", "right", "of those that were given freely"),
        "abstained on unanswerable": Measure(
            "~answerable", "right", "of the questions that nothing in the video answers"),
    },
    "Grounding in time": {
        "grounded accuracy": Measure(
            "choice & gold", "right & free & hit",
            "right, unforced, and a shown frame inside a gold span"),
        "acc@IoU": Measure(
            "choice & gold", "right * recall_at_iou",
            "CG-Bench: right and cited spans that overlap gold, IoU 0.1 to 0.5"),
        "G_t": Measure(
            "answerable & gold", "best_iou >= 0.05",
            "an inspected span with tIoU of at least 0.05 with a gold span"),
        "G_t by chance": Measure("answerable & gold", "chance_paper", _LUCK),
        "R@0.10": Measure("answerable & gold", "best_iou >= 0.10", "tIoU of at least 0.10"),
        "R@0.10 by chance": Measure("answerable & gold", "chance_at_10"),
        "R@0.20": Measure("answerable & gold", "best_iou >= 0.20", "tIoU of at least 0.20"),
        "R@0.20 by chance": Measure("answerable & gold", "chance_at_20"),
        "evidence hit": Measure(
            "answerable & gold", "hit", "a frame really shown lies inside a gold span"),
        "evidence hit by chance": Measure("answerable & gold", "chance_hit"),
        "cited evidence hit": Measure(
            "answerable & gold", "cited_hit",
            "a frame that the answer cites lies inside a gold span"),
        "coverage": Measure(
            "answerable & gold", "coverage", "share of the gold spans of which a frame was shown"),
        "mIoU": Measure("answerable & gold", "iou", "CG-Bench: IoU of cited against gold spans"),
        "rec@IoU": Measure(
            "answerable & gold", "recall_at_iou",
            "CG-Bench: share of IoU thresholds 0.1 to 0.5 that are reached"),
    },
    "Right for the wrong reasons": {
        "H_t": Measure(
            "choice & gold & right", "best_iou < 0.05", "of right answers, those without G_t"),
        "right but never shown": Measure(
            "choice & gold & right", "~hit", "of right answers, those without an evidence hit"),
    },
    "Grounding in meaning": {
        "G_s": Measure(
            "answerable & (semantic >= 0)", "semantic",
            "every judge says that the evidence alone carries the answer"),
        "H_s": Measure(
            "choice & right & (semantic >= 0)", "1 - semantic",
            "of right answers, those without G_s"),
    },
}  # fmt: skip
"""Every rate by the heading that it stands under in reports; prose has no accuracy."""
MEASURES: Final = {name: one for group in REPORTED.values() for name, one in group.items()}


WORDING: Final = " wording"
HOPS: Final = "-Hop"
"""How the names of groups end that are no lengths: wordings of questions, hops to an answer."""


class Quadrants(NamedTuple):
    """Right or wrong against grounded or not, in numbers of questions."""

    right_grounded: int
    right_ungrounded: int
    """Right for the wrong reasons."""
    wrong_grounded: int
    wrong_ungrounded: int


class JudgeScores(NamedTuple):
    """Semantic groundedness by one judge."""

    grounded: Estimate
    """G_s, of the answers that it ruled on."""
    hallucinated: Estimate
    """H_s: of the right ones among them, those that are not grounded."""


class RiskPoint(NamedTuple):
    """One point of the risk-coverage curve."""

    coverage: float
    """Share of the questions answered, most confident first."""
    risk: float
    """Share of wrong answers among them."""


def scores(frame: DataFrame) -> dict[str, Estimate]:
    """Every rate of the report by name; n = 0 for a rate over none."""
    return {name: rate(frame, name) for name in MEASURES}


def rate(frame: DataFrame, name: str) -> Estimate:
    """One measure with its interval."""
    values = MEASURES[name].values(frame)
    counted = values.notna()
    return clustered_mean(values[counted], frame["video"][counted])


def grouped(frame: DataFrame, kind: str = "") -> dict[str, DataFrame]:
    """The rows of every official duration group, or of those of a kind: `WORDING` or `HOPS`."""
    parts = {name: rows for name, rows in frame.groupby("group") if name}
    return {
        n: rows for n, rows in parts.items() if n.endswith(kind or (WORDING, HOPS)) == bool(kind)
    }


def verdicts(frame: DataFrame) -> DataFrame:
    """A column a judge that ruled on any sample, by name: 1 for grounded, NaN for no ruling."""
    from pandas import DataFrame

    ruled = DataFrame(frame["verdicts"].tolist(), index=frame.index, dtype=float)
    return ruled.sort_index(axis="columns")
