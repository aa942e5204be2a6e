"""The headline numbers of a run, each with its 95 % interval clustered by video.

Everything here is a pure function of outcomes, so old records can be scored anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from core.span import Span
from evals.grounding import PAPER_THRESHOLD, Chance, Grounding, chance, ground
from evals.outcome import Outcome
from evals.statistics import Estimate, clustered_mean

__all__ = ["Judged", "Quadrants", "RiskPoint", "judge_outcomes", "quadrants", "risk_coverage",
           "scores", "status_counts"]  # fmt: skip


class Judged(NamedTuple):
    """An outcome with its grounding; None where the benchmark has no gold spans."""

    outcome: Outcome
    grounding: Grounding | None
    chance: Chance | None

    @property
    def semantic(self) -> bool | None:
        """The judges' verdict, all of them agreeing; None where none was asked."""
        return all(self.outcome.semantic.values()) if self.outcome.semantic else None


class Quadrants(NamedTuple):
    """Right or wrong against grounded or not, in numbers of questions."""

    right_grounded: int
    right_ungrounded: int
    """Right for the wrong reasons."""
    wrong_grounded: int
    wrong_ungrounded: int


class RiskPoint(NamedTuple):
    """One point of the risk-coverage curve."""

    coverage: float
    """Share of the questions answered, most confident first."""
    risk: float
    """Share of wrong answers among them."""


def judge_outcomes(outcomes: Iterable[Outcome]) -> list[Judged]:
    """Ground every outcome that has gold spans."""
    judged = []
    for outcome in outcomes:
        gold = [Span(start, end) for start, end in outcome.item.evidence]
        if not gold:
            judged.append(Judged(outcome, None, None))
            continue
        length = outcome.duration or max(span.end for span in gold)
        judged.append(
            Judged(outcome, ground(outcome.looked, gold), chance(outcome.looked, gold, length))
        )
    return judged


def status_counts(judged: Sequence[Judged]) -> dict[str, int]:
    """How many were asked, and what became of them."""
    found = Counter(entry.outcome.status for entry in judged)
    return {
        "asked": len(judged),
        **{status: found[status] for status in ("answered", "forced", "abstained", "errored")},
    }


def scores(judged: Sequence[Judged]) -> dict[str, Estimate]:
    """Every rate of the report by name; a rate over no question has n = 0."""
    answerable = [entry for entry in judged if entry.outcome.item.answerable]
    unanswerable = [entry for entry in judged if not entry.outcome.item.answerable]
    with_gold = [entry for entry in answerable if entry.grounding is not None]
    unforced = [entry for entry in answerable if entry.outcome.status == "answered"]
    right = [entry for entry in with_gold if entry.outcome.right]
    rates = {
        "accuracy": _rate(answerable, lambda e: e.outcome.right),
        "accuracy of unforced answers": _rate(unforced, lambda e: e.outcome.right),
        "chance": _rate(answerable, lambda e: e.outcome.item.chance),
        "grounded accuracy": _rate(
            with_gold, lambda e: e.outcome.right and _grounded(e) and e.outcome.status == "answered"
        ),
        "abstained on unanswerable": _rate(unanswerable, lambda e: e.outcome.right),
    }
    for name, read in _GROUNDING.items():
        rates[name] = _rate(with_gold, lambda e, read=read: read(e.grounding))  # type: ignore[misc]
    rates["G_t by chance"] = _rate(with_gold, lambda e: e.chance.paper if e.chance else 0.0)
    rates["evidence hit by chance"] = _rate(with_gold, lambda e: e.chance.hit if e.chance else 0.0)
    rates["acc@IoU"] = _rate(
        with_gold, lambda e: e.outcome.right * (e.grounding.recall_at_iou if e.grounding else 0.0)
    )
    rates["H_t"] = _rate(right, lambda e: not (e.grounding and e.grounding.paper))
    rates["right but never shown"] = _rate(right, lambda e: not _grounded(e))
    asked = [entry for entry in answerable if entry.semantic is not None]
    rates["G_s"] = _rate(asked, lambda e: bool(e.semantic))
    rates["H_s"] = _rate([e for e in asked if e.outcome.right], lambda e: not e.semantic)
    return rates


_GROUNDING: dict[str, Callable[[Grounding], float]] = {
    "G_t": lambda g: g.best_iou >= PAPER_THRESHOLD,
    "R@0.10": lambda g: g.best_iou >= 0.10,
    "R@0.20": lambda g: g.best_iou >= 0.20,
    "evidence hit": lambda g: g.hit,
    "cited evidence hit": lambda g: g.cited_hit,
    "coverage": lambda g: g.coverage,
    "mIoU": lambda g: g.iou,
    "rec@IoU": lambda g: g.recall_at_iou,
}


def quadrants(judged: Sequence[Judged]) -> Quadrants:
    """Count right and grounded (a shown frame inside a gold span) over questions with gold."""
    found = Counter(
        (entry.outcome.right, _grounded(entry))
        for entry in judged
        if entry.grounding is not None and entry.outcome.item.answerable
    )
    return Quadrants(found[True, True], found[True, False], found[False, True], found[False, False])


def risk_coverage(judged: Sequence[Judged]) -> list[RiskPoint]:
    """Risk of the answers given, in order of falling confidence; ties enter together."""
    answered = [e.outcome for e in judged if e.outcome.status in ("answered", "forced")]
    if not answered:
        return []
    # Unforced before forced: a guess that was asked for is the first to be given up.
    keys = [(outcome.status == "answered", outcome.confidence) for outcome in answered]
    order = sorted(range(len(answered)), key=lambda index: keys[index], reverse=True)
    wrong = np.cumsum([not answered[index].right for index in order])
    last = [
        position
        for position, index in enumerate(order)
        if position + 1 == len(order) or keys[order[position + 1]] != keys[index]
    ]
    return [RiskPoint((p + 1) / len(judged), float(wrong[p]) / (p + 1)) for p in last]


def _grounded(entry: Judged) -> bool:
    return entry.grounding is not None and entry.grounding.hit


def _rate(entries: Sequence[Judged], value: Callable[[Judged], float]) -> Estimate:
    return clustered_mean(
        [float(value(entry)) for entry in entries], [entry.outcome.item.video for entry in entries]
    )
