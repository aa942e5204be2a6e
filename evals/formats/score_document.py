"""The figures of recorded systems as one JSON document: what `eval score --json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from videoseal.core.text import json_values
from videoseal.evals.benchmarks.registry import BENCHMARKS
from videoseal.evals.scoring.scores import HOPS, WORDING, grouped, scores
from videoseal.evals.scoring.systems import System

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["score_document", "uncompared"]


def score_document(systems: Sequence[System]) -> list[Any]:
    """Counts, rates with intervals, official figures and spending, a mapping for every system."""
    documents: list[Any] = json_values([_document(system) for system in systems])
    return documents


def uncompared(system: System) -> int:
    """How many answers of a set of open questions wait for a judge to compare them."""
    known = BENCHMARKS.get(system.benchmark)
    return int(system.frame["prose"].sum()) if known and known.layout.prose is None else 0


def _document(system: System) -> dict[str, Any]:
    odd = {"defective": system.defective} if system.defective else {}
    wordings, hops = grouped(system.frame, WORDING), grouped(system.frame, HOPS)
    categories = system.frame.explode("categories").groupby("categories") if hops else ()
    parts = {
        "wordings": {name: scores(rows) for name, rows in wordings.items()},
        "hops": {name: _searched(rows) for name, rows in hops.items()},
        "categories": {name: _searched(rows) for name, rows in categories},
    }
    return {
        **system.key._asdict(),
        "counts": system.counts | odd,
        "official": system.official,
        "scores": system.scores,
        **{kind: part for kind, part in parts.items() if part},
        "spending": system.spending,
    }


def _searched(rows: DataFrame) -> dict[str, Any]:
    """Every rate of some questions, with what one of them cost."""
    return {**scores(rows), "calls": rows["calls"].mean(), "frames": rows["frames"].mean()}
