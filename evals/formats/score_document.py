"""The figures of recorded systems as one JSON document: what `eval score --json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from videoseal.core.text import json_values
from videoseal.evals.report.system_summary import System, systems_of
from videoseal.evals.scoring.scores import scores
from videoseal.evals.scoring.systems import RecordedSystem

__all__ = ["score_document"]


def score_document(recorded: Sequence[RecordedSystem]) -> list[Any]:
    """Counts, rates with intervals, official figures and spending, a mapping for every system."""
    documents: list[Any] = json_values([_document(system) for system in systems_of(recorded)])
    return documents


def _document(system: System) -> dict[str, Any]:
    odd = {"defective": system.defective} if system.defective else {}
    wordings = {
        name: scores(system.tally, where) for name, where in system.tally.wordings().items()
    }
    return {
        **system.key._asdict(),
        "counts": system.counts | odd,
        "official": system.official,
        "scores": system.scores,
        **({"wordings": wordings} if wordings else {}),
        "spending": system.spending,
    }
