"""Video-MME: 900 videos in three duration groups, three questions each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from videoseal.evals.benchmarks.annotation_rows import load_items
from videoseal.evals.item import Item
from videoseal.models.types import Question

__all__ = ["load"]

_OPTION = re.compile(r"([A-D])[.):]\s*(.+)", re.DOTALL)
Text = Annotated[StrictStr, Field(min_length=1)]


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True)

    question_id: Text
    task_type: Text
    question: Text
    options: list[Text] = Field(min_length=4, max_length=4)
    answer: Literal["A", "B", "C", "D"]


class _Row(BaseModel):
    """One video of the published JSON, or one question of the flat parquet form."""

    model_config = ConfigDict(strict=True)

    video_id: Text
    duration: Literal["short", "medium", "long"]
    domain: Text
    sub_category: Text
    questions: list[_Asked] = Field(min_length=1)


class _FlatRow(_Asked):
    video_id: Text
    videoID: Text  # noqa: N815 - the column's name in the published file
    duration: Literal["short", "medium", "long"]


def load(path: Path) -> list[Item]:
    """Read `videomme.json` or the hub's parquet; AnnotationError names a bad row."""
    if path.suffix == ".parquet":
        return load_items(path, _FlatRow, lambda row: _item(row, row.videoID, row.duration))
    return load_items(
        path,
        _Row,
        lambda row: [_item(asked, row.video_id, row.duration) for asked in row.questions],
    )


def _item(asked: _Asked, video: str, duration: str) -> Item:
    return Item(
        benchmark="videomme",
        uid=asked.question_id,
        video=video,
        question=Question(text=asked.question, options=_options(asked)),
        answer=asked.answer,
        categories=[asked.task_type],
        group=duration,
    )


def _options(asked: _Asked) -> list[str]:
    matches = [_OPTION.fullmatch(option.strip()) for option in asked.options]
    letters = [match and match.group(1) for match in matches]
    if letters != ["A", "B", "C", "D"]:
        raise ValueError(f"options: expected 'A. text' to 'D. text' in {asked.question_id}")
    return [match.group(2).strip() for match in matches if match]
