"""The headline numbers of a run, each with its 95 % interval clustered by video.

Everything here is a pure function of outcomes, so old records can be scored anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import numpy as np

from videoseal.evals.scoring.grounding import PAPER_THRESHOLD
from videoseal.evals.scoring.official import OFFICIAL
from videoseal.evals.scoring.sample_result import SampleResult
from videoseal.evals.scoring.score_table import STATUSES, Flags, Floats, ScoreTable
from videoseal.evals.scoring.statistics import Estimate, clustered_mean

__all__ = ["MEASURES", "JudgeScores", "Measure", "Quadrants", "RiskPoint", "judge_outcomes",
           "official_figures", "quadrants", "rate", "risk_coverage", "scores", "semantic_scores",
           "status_counts"]  # fmt: skip


class Measure(NamedTuple):
    """A rate: what is averaged, and over which questions."""

    over: Callable[[ScoreTable], Flags]
    value: Callable[[ScoreTable], Floats]


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


def judge_outcomes(outcomes: Iterable[SampleResult]) -> ScoreTable:
    """Ground and count every outcome; each is a sample of its own."""
    tally = ScoreTable()
    for outcome in outcomes:
        tally.add(outcome)
    return tally


def status_counts(tally: ScoreTable) -> dict[str, int]:
    """How many were asked, and what became of them."""
    codes = tally.column("status")
    found = {"asked": len(tally)}
    found.update((status, int((codes == code).sum())) for code, status in enumerate(STATUSES))
    return found


def scores(tally: ScoreTable, where: Flags | None = None) -> dict[str, Estimate]:
    """Every rate of the report by name, of the samples `where`; n = 0 for a rate over none."""
    return {name: rate(tally, name, where) for name in MEASURES}


def rate(tally: ScoreTable, name: str, where: Flags | None = None) -> Estimate:
    """One measure with its interval, of the samples `where`."""
    measure = MEASURES[name]
    counted = measure.over(tally) if where is None else measure.over(tally) & where
    return clustered_mean(measure.value(tally)[counted], tally.videos()[counted])


def semantic_scores(tally: ScoreTable) -> dict[str, JudgeScores]:
    """Semantic groundedness by each judge alone; empty where nothing was judged."""
    found = {}
    right, videos = _choices(tally) & tally.flags("right"), tally.videos()
    for judge in tally.judges():
        verdicts = tally.verdicts(judge)
        ruled = tally.flags("answerable") & ~np.isnan(verdicts)
        found[judge] = JudgeScores(
            clustered_mean(verdicts[ruled], videos[ruled]),
            clustered_mean(1 - verdicts[ruled & right], videos[ruled & right]),
        )
    return found


def quadrants(tally: ScoreTable) -> Quadrants:
    """Count right and grounded (a shown frame inside a gold span) over questions with gold."""
    counted = _choices_with_gold(tally)
    right, hit = tally.flags("right")[counted], tally.flags("hit")[counted]
    return Quadrants(
        int((right & hit).sum()),
        int((right & ~hit).sum()),
        int((~right & hit).sum()),
        int((~right & ~hit).sum()),
    )


def risk_coverage(tally: ScoreTable) -> list[RiskPoint]:
    """Risk of the answers given, in order of falling confidence; ties enter together."""
    answered = _status("answered", "forced")(tally)
    if not answered.any():
        return []
    # Unforced before forced: a guess that was asked for is the first to be given up.
    unforced = _status("answered")(tally)[answered]
    confidence = tally.column("confidence")[answered]
    order = np.lexsort((-confidence, ~unforced))
    unforced, confidence = unforced[order], confidence[order]
    wrong = np.cumsum(~tally.flags("right")[answered][order])
    changes = (unforced[1:] != unforced[:-1]) | (confidence[1:] != confidence[:-1])
    last = np.flatnonzero(np.append(changes, True))
    return [RiskPoint((int(p) + 1) / len(tally), float(wrong[p]) / (int(p) + 1)) for p in last]


def official_figures(tally: ScoreTable, benchmark: str) -> dict[str, float]:
    """The benchmark's own figures; empty for a set without a scorer of its own."""
    if benchmark not in OFFICIAL:
        return {}
    items = [tally.items[uid] for uid in tally.predictions]
    return OFFICIAL[benchmark](items, tally.predictions)


def _status(*names: str) -> Callable[[ScoreTable], Flags]:
    codes = [STATUSES.index(status) for status in STATUSES if status in names]
    return lambda t: np.isin(t.column("status"), codes)


def _answerable(t: ScoreTable) -> Flags:
    return t.flags("answerable")


def _choices(t: ScoreTable) -> Flags:
    """Questions whose answer is right or wrong; prose is for judges."""
    return t.flags("answerable") & ~t.flags("prose")


def _with_gold(t: ScoreTable) -> Flags:
    return t.flags("answerable") & t.flags("gold")


def _choices_with_gold(t: ScoreTable) -> Flags:
    return _choices(t) & t.flags("gold")


def _right_with_gold(t: ScoreTable) -> Flags:
    return _choices_with_gold(t) & t.flags("right")


def _judged(t: ScoreTable) -> Flags:
    return t.flags("answerable") & ~np.isnan(t.column("semantic"))


def _column(name: str) -> Callable[[ScoreTable], Floats]:
    return lambda t: t.column(name)


def _at_least(iou: float) -> Callable[[ScoreTable], Floats]:
    return lambda t: _number(t.column("best_iou") >= iou)


def _number(flags: Flags) -> Floats:
    return flags.astype(np.float64)


def _grounded_and_right(t: ScoreTable) -> Floats:
    return _number(_freely_right(t) & t.flags("hit"))


def _freely_right(t: ScoreTable) -> Flags:
    return t.flags("right") & _status("answered")(t)


MEASURES: Final[dict[str, Measure]] = {
    "accuracy": Measure(_choices, _column("right")),
    "accuracy of unforced answers": Measure(
        lambda t: _choices(t) & _status("answered")(t), _column("right")
    ),
    "accuracy without guesses": Measure(_choices, lambda t: _number(_freely_right(t))),
    "chance": Measure(_choices, _column("guess")),
    "grounded accuracy": Measure(_choices_with_gold, _grounded_and_right),
    "abstained on unanswerable": Measure(lambda t: ~_answerable(t), _column("right")),
    "G_t": Measure(_with_gold, _at_least(PAPER_THRESHOLD)),
    "G_t by chance": Measure(_with_gold, _column("chance_paper")),
    "R@0.10": Measure(_with_gold, _at_least(0.10)),
    "R@0.10 by chance": Measure(_with_gold, _column("chance_at_10")),
    "R@0.20": Measure(_with_gold, _at_least(0.20)),
    "R@0.20 by chance": Measure(_with_gold, _column("chance_at_20")),
    "evidence hit": Measure(_with_gold, _column("hit")),
    "evidence hit by chance": Measure(_with_gold, _column("chance_hit")),
    "cited evidence hit": Measure(_with_gold, _column("cited_hit")),
    "coverage": Measure(_with_gold, _column("coverage")),
    "mIoU": Measure(_with_gold, _column("iou")),
    "rec@IoU": Measure(_with_gold, _column("recall_at_iou")),
    "acc@IoU": Measure(_choices_with_gold, lambda t: t.column("right") * t.column("recall_at_iou")),
    "H_t": Measure(_right_with_gold, lambda t: _number(t.column("best_iou") < PAPER_THRESHOLD)),
    "right but never shown": Measure(_right_with_gold, lambda t: _number(~t.flags("hit"))),
    "G_s": Measure(_judged, _column("semantic")),
    "H_s": Measure(
        lambda t: _judged(t) & _choices(t) & t.flags("right"), lambda t: 1 - t.column("semantic")
    ),
}
"""Every rate of the report by name, in the order of the report; prose has no accuracy."""
