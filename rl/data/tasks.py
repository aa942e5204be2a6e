"""Training tasks as files: one JSON line each, `{"prompt", "label"}`, as OpenRLHF reads them.

The label holds the gold answer and spans. It travels beside the prompt, through the trainer to
the reward, and nothing that a model reads is made of it but the question itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videoseal.core.errors import OutOfSpace, first_fault
from videoseal.core.files import write_whole
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.item import Item

__all__ = ["TaskLabel", "TrainTask", "read_label", "read_tasks", "task_of", "write_lines",
           "write_tasks"]  # fmt: skip


class TaskLabel(BaseModel):
    """What a rollout needs to ask a question and to be rewarded for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: Item
    """The question with its gold answer and spans."""
    video_id: str = Field(min_length=1)
    """The index's id of the video."""
    duration: float = Field(gt=0)
    """Of the video, in seconds."""


class TrainTask(BaseModel):
    """One line of a training file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = Field(min_length=1)
    """The question with its options: what is logged. The policy's own prompt is the graph's."""
    label: str
    """A TaskLabel as JSON."""


def task_of(item: Item, video_id: str, duration: float) -> TrainTask:
    """The task of a question about an indexed video of `duration` seconds."""
    label = TaskLabel(item=item, video_id=video_id, duration=duration)
    return TrainTask(prompt=item.question.render(), label=label.model_dump_json())


def read_label(label: str) -> TaskLabel:
    """The label of a task; AnnotationError names the field that is wrong."""
    try:
        return TaskLabel.model_validate_json(label)
    except ValidationError as error:
        raise AnnotationError(f"label: {first_fault(error, 'line')}") from None


def write_tasks(path: Path, tasks: Iterable[TrainTask]) -> None:
    """Write tasks as JSON lines; raises OutOfSpace."""
    write_lines(path, (task.model_dump_json() for task in tasks))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines of JSON, all of them or none; raises OutOfSpace."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise OutOfSpace(f"cannot write {path}: {error.strerror}") from error


def read_tasks(path: Path) -> list[TrainTask]:
    """The tasks of a file, labels checked; AnnotationError names file, line and field."""
    if not path.is_file():
        raise AnnotationError(f"no tasks at {path}", hint="videoseal train data writes them")
    tasks = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            task = TrainTask.model_validate_json(line)
            read_label(task.label)
        except (ValidationError, AnnotationError) as error:
            told = first_fault(error, "line") if isinstance(error, ValidationError) else str(error)
            raise AnnotationError(f"{path.name}:{number}: {told}") from None
        tasks.append(task)
    return tasks
