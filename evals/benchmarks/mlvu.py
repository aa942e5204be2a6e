"""MLVU: seven multiple-choice tasks, and two with free text (`sub_scene`, `summary`)."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from videoseal.evals.benchmarks.annotation_rows import AnnotationError, load_items
from videoseal.evals.item import Item
from videoseal.models.types import Question

__all__ = ["FREE_TEXT_TASKS", "load"]

FREE_TEXT_TASKS = frozenset({"sub_scene", "subPlot", "summary"})
Text = Annotated[StrictStr, Field(min_length=1)]


class _Row(BaseModel):
    model_config = ConfigDict(strict=True)

    video: Text
    duration: float = Field(gt=0)
    question: StrictStr
    answer: StrictStr
    question_type: Text
    candidates: list[StrictStr] = Field(default_factory=list)
    scoring_points: list[StrictStr] = Field(default_factory=list)


def load(path: Path) -> list[Item]:
    """Read one task file, or every `*.json` of a folder; AnnotationError names a bad row."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise AnnotationError(f"no .json files in {path}")
    return [item for file in files for item in _load_file(file)]


def _load_file(path: Path) -> list[Item]:
    numbers = count()
    return load_items(path, _Row, lambda row: _numbered(path, next(numbers), row))


def _numbered(path: Path, number: int, row: _Row) -> Item:
    """MLVU gives its questions no id, so the file and the position are one."""
    free_text = row.question_type in FREE_TEXT_TASKS
    if not free_text and len(row.candidates) < 2:
        raise ValueError("candidates: fewer than two")
    return Item(
        benchmark="mlvu",
        uid=f"{path.stem}-{number}",
        video=Path(row.video).stem,
        question=Question(
            text=row.question or "(the published row has no question)",
            options=[] if free_text else row.candidates,
        ),
        answer=row.answer if free_text else _letter(row),
        categories=[row.question_type],
        scoring_points=row.scoring_points,
        defect=_defect(row, free_text=free_text),
    )


def _letter(row: _Row) -> str:
    """The gold letter; of equal candidates the last, as the official evaluation takes it."""
    matches = [index for index, text in enumerate(row.candidates) if text == row.answer]
    return chr(ord("A") + matches[-1]) if matches else ""


def _defect(row: _Row, *, free_text: bool) -> str:
    if not row.question:
        return "the question is empty"
    if free_text:
        return "" if row.answer else "the answer is empty"
    if row.answer not in row.candidates:
        return "the answer is no candidate"
    if len(set(row.candidates)) < len(row.candidates):
        return "candidates are equal"
    return "" if all(row.candidates) else "a candidate is empty"
