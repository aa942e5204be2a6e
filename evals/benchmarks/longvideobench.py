"""LongVideoBench: questions that refer to moments, whose positions are the evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from videoseal.evals.benchmarks.annotation_rows import load_items
from videoseal.evals.item import Item
from videoseal.models.types import Question

__all__ = ["POSITION_FPS", "load"]

Text = Annotated[StrictStr, Field(min_length=1)]
POSITION_FPS = 25.0
"""Rate that turns `position` (frame indices) into seconds where a row has no rate of its own."""


class _Row(BaseModel):
    model_config = ConfigDict(strict=True)

    id: Text
    video_id: Text
    video_path: StrictStr = ""
    question: Text
    candidates: list[Text] = Field(min_length=2, max_length=5)
    correct_choice: Annotated[int, Field(ge=0, le=4)] | None = None
    position: list[Annotated[int, Field(ge=0)]] = Field(default_factory=list)
    question_category: Text
    duration_group: Literal[15, 60, 600, 3600]
    duration: float = Field(gt=0)
    fps: float = Field(default=POSITION_FPS, gt=0)


def load(path: Path) -> list[Item]:
    """Read `lvb_val.json`; AnnotationError names a bad row.

    The test split has no gold answers, so its rows carry a defect and cannot be scored.
    """
    return load_items(path, _Row, _item)


def _item(row: _Row) -> Item:
    gold = row.correct_choice
    if gold is not None and gold >= len(row.candidates):
        raise ValueError(f"correct_choice: {gold} is beyond the {len(row.candidates)} candidates")
    moments = sorted(position / row.fps for position in row.position)
    return Item(
        benchmark="longvideobench",
        uid=row.id,
        video=Path(row.video_path).stem or row.video_id,
        question=Question(text=row.question, options=row.candidates),
        answer="" if gold is None else chr(ord("A") + gold),
        categories=[row.question_category],
        group=str(row.duration_group),
        evidence=[(time, time + 1 / row.fps) for time in moments],
        defect="" if gold is not None else "the test split has no gold answers",
    )
