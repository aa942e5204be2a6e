"""Every system with its numbers worked out once, for page and Markdown alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from videoseal.evals.scoring.scores import (
    JudgeScores,
    Quadrants,
    RiskPoint,
    official_figures,
    quadrants,
    risk_coverage,
    scores,
    semantic_scores,
    status_counts,
)
from videoseal.evals.scoring.statistics import Estimate
from videoseal.evals.scoring.systems import RecordedSystem, labels

__all__ = ["SPENDING", "Spending", "System", "systems_of"]

_OFFICIAL_HEADLINE: Final = {
    "lvbench": "Overall",
    "cgbench": "long-acc",
    "mlvu": "M-Avg",
    "videomme": "overall",
    "longvideobench": "overall",
}
SPENDING: Final = {
    "calls": "model calls",
    "prompt_tokens": "tokens in",
    "completion_tokens": "tokens out",
    "frames": "frames shown",
    "steps": "planner steps",
    "seconds": "seconds",
    "money": "money",
}
"""Columns of cost and what they are called."""


@dataclass(frozen=True, slots=True)
class Spending:
    """One kind of cost."""

    mean: float
    """A question on average; NaN where it is not known."""
    total: float


@dataclass(slots=True, kw_only=True)
class System(RecordedSystem):
    """One system and all its numbers."""

    label: str
    colour: int
    """The same for all variants of a mode in a run."""
    counts: dict[str, int]
    missing: int
    """Samples without a video, counted as errored too."""
    defective: int
    """Samples whose published row is at fault."""
    prose: int
    """Samples answered in free text, which have no accuracy."""
    videos: int
    scores: dict[str, Estimate]
    official: dict[str, float]
    """The benchmark's own figures; empty where it has none."""
    quadrants: Quadrants
    risk: list[RiskPoint]
    judges: dict[str, JudgeScores]
    """Semantic groundedness by each judge; empty where none was asked."""
    spending: dict[str, Spending]

    @property
    def family(self) -> tuple[str, str]:
        """Run and mode."""
        return (self.key.run, self.key.mode)

    @property
    def official_accuracy(self) -> float:
        """Accuracy by the benchmark's own rule; NaN where it has none."""
        name = _OFFICIAL_HEADLINE.get(self.benchmark, "")
        return self.official.get(name, float("nan"))


def systems_of(systems: Sequence[RecordedSystem]) -> list[System]:
    """Work out the numbers of every system."""
    families = list(dict.fromkeys((system.key.run, system.key.mode) for system in systems))
    names = labels(system.key for system in systems)
    return [
        _system(system, name, families.index((system.key.run, system.key.mode)))
        for system, name in zip(systems, names, strict=True)
    ]


def _system(system: RecordedSystem, label: str, colour: int) -> System:
    tally = system.tally
    return System(
        **{field.name: getattr(system, field.name) for field in fields(system)},
        label=label,
        colour=colour,
        counts=status_counts(tally),
        missing=int(tally.column("missing").sum()),
        defective=int(tally.column("defect").sum()),
        prose=int(tally.column("prose").sum()),
        videos=tally.video_count,
        scores=scores(tally),
        official=official_figures(tally, system.benchmark),
        quadrants=quadrants(tally),
        risk=risk_coverage(tally),
        judges=semantic_scores(tally),
        spending={name: _spending(tally.column(name)) for name in SPENDING},
    )


def _spending(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Spending:
    if not len(values):
        return Spending(float("nan"), 0.0)
    return Spending(float(values.mean()), float(values.sum()))
