"""The parquet of the VideoSEAL release: training and batch questions in a column `extra_info`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from videoseal.core.span import Span
from videoseal.evals.benchmarks.annotation_rows import load_items
from videoseal.evals.benchmarks.lvbench import split_options
from videoseal.evals.item import Item
from videoseal.models.types import Question

__all__ = ["load"]


class _Clues(BaseModel):
    clue_intervals: list[list[float]] = Field(default_factory=list)


class _Info(BaseModel):
    model_config = ConfigDict(strict=True)

    video_id: StrictStr = Field(min_length=1)
    qa_uid: StrictStr | int
    question: StrictStr = Field(min_length=1)
    ground_truth: StrictStr = Field(min_length=1)
    video_duration_sec: float | None = None
    time_reference: StrictStr | None = None
    meta_json: Any = None


class _Row(BaseModel):
    extra_info: _Info


def load(path: Path) -> list[Item]:
    """Read a parquet of the release; AnnotationError names a bad row.

    The gold spans are `clue_intervals` of `meta_json`, else `time_reference`.
    """
    return load_items(path, _Row, _item)


def _item(row: _Row) -> Item:
    info = row.extra_info
    stem, options = split_options(info.question)
    return Item(
        benchmark="videoseal",
        uid=str(info.qa_uid),
        video=info.video_id,
        question=Question(text=stem, options=options),
        answer=info.ground_truth.strip().strip("()"),
        categories=["all"],
        evidence=[(span.start, span.end) for span in _evidence(info)],
    )


def _evidence(info: _Info) -> list[Span]:
    meta = json.loads(info.meta_json) if isinstance(info.meta_json, str) else info.meta_json
    clues = _Clues.model_validate(meta or {}).clue_intervals
    if clues:
        return [Span(start, end) for start, end in clues]
    return [Span.parse(info.time_reference)] if info.time_reference else []
