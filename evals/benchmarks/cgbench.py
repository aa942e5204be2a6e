"""CG-Bench: clue-grounded questions over 1,219 videos, with gold clue intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from videoseal.core.span import Span
from videoseal.evals.benchmarks.annotation_rows import load_items
from videoseal.evals.item import Item
from videoseal.models.types import Question

__all__ = ["load"]


class _Row(BaseModel):
    model_config = ConfigDict(strict=True)

    qid: int
    video_uid: Annotated[StrictStr, Field(min_length=1)]
    question: Annotated[StrictStr, Field(min_length=1)]
    answer: StrictStr
    choices: list[StrictStr] = Field(min_length=2, max_length=8)
    right_answer: Annotated[StrictStr, Field(pattern="^[A-H]$")]
    clue_intervals: list[list[float]] = Field(min_length=1)
    domain: StrictStr
    sub_category: Annotated[StrictStr, Field(min_length=1)]
    duration: float = Field(gt=0)


def load(path: Path) -> list[Item]:
    """Read `cgbench.json` or `cgbench_mini.json`; AnnotationError names a bad row."""
    return load_items(path, _Row, _item)


def _item(row: _Row) -> Item:
    spans = [_interval(pair) for pair in row.clue_intervals]
    index = ord(row.right_answer) - ord("A")
    if index >= len(row.choices):
        raise ValueError(
            f"right_answer: {row.right_answer} is beyond the {len(row.choices)} choices"
        )
    if row.choices[index] != row.answer:
        raise ValueError(f"answer: {row.answer!r} is not choice {row.right_answer}")
    return Item(
        benchmark="cgbench",
        uid=str(row.qid),
        video=row.video_uid,
        question=Question(text=row.question, options=row.choices),
        answer=row.right_answer,
        categories=list(dict.fromkeys([row.sub_category, row.domain])),
        evidence=[(span.start, span.end) for span in spans],
    )


def _interval(pair: list[float]) -> Span:
    if len(pair) != 2:
        raise ValueError(f"clue_intervals: expected [start, end], found {len(pair)} numbers")
    try:
        return Span(pair[0], pair[1])
    except ValueError as error:
        raise ValueError(f"clue_intervals: {error}") from None
