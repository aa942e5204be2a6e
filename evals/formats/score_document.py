"""The figures of recorded systems as one JSON document: what `eval score --json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from videoseal.core.text import json_values
from videoseal.evals.scoring.scores import grouped, scores
from videoseal.evals.scoring.systems import System

__all__ = ["score_document"]


def score_document(systems: Sequence[System]) -> list[Any]:
    """Counts, rates with intervals, official figures and spending, a mapping for every system."""
    documents: list[Any] = json_values([_document(system) for system in systems])
    return documents


def _document(system: System) -> dict[str, Any]:
    odd = {"defective": system.defective} if system.defective else {}
    parts = grouped(system.frame, wordings=True)
    wordings = {name: scores(rows) for name, rows in parts.items()}
    return {
        **system.key._asdict(),
        "counts": system.counts | odd,
        "official": system.official,
        "scores": system.scores,
        **({"wordings": wordings} if wordings else {}),
        "spending": system.spending,
    }
