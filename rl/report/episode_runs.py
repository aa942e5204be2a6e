"""Episodes of a training run as an evaluation's run, so that its report opens any of them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from videoseal.evals.records import SampleRecord, parse_line, record_lines
from videoseal.evals.scoring.systems import RECORDS
from videoseal.rl.data.tasks import read_label, read_tasks
from videoseal.rl.report.training_curves import Point
from videoseal.rl.training.run_folder import RunFolder

__all__ = ["lay_out_episodes", "rollouts"]

_PHASES: Final = 4
_HELD_OUT: Final = "held out"


def rollouts(run: RunFolder) -> Iterator[SampleRecord]:
    """Every recorded episode, in no order; AnnotationError names a damaged line."""
    for path in sorted(run.rollouts.glob("*.jsonl")):
        for line in record_lines(path):
            yield parse_line(path, line, SampleRecord)


def lay_out_episodes(run: RunFolder, steps: Sequence[Point], folder: Path) -> int:
    """Write all episodes to `folder` as samples of one run; how many there are.

    Training's are told apart by phase, a quarter of the steps each: an episode belongs to the
    first of `steps` that was logged after its end. Those of held-out questions are their own.
    """
    held = _held_out(run)
    counted: Counter[tuple[str, str]] = Counter()
    records = sorted(rollouts(run), key=lambda record: record.finished)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / RECORDS).open("w", encoding="utf-8") as file:
        for record in records:
            phase = (
                _HELD_OUT
                if (record.item.benchmark, record.item.uid) in held
                else _phase(record.finished.timestamp(), steps)
            )
            # All samples of a question count, so each is a question of its own here.
            counted[phase, record.item.uid] += 1
            number = counted[phase, record.item.uid]
            item = record.item.model_copy(update={"uid": f"{record.item.uid} #{number}"})
            told = record.model_copy(update={"item": item, "variant": phase})
            file.write(f"{told.model_dump_json()}\n")
    return len(records)


def _held_out(run: RunFolder) -> set[tuple[str, str]]:
    path = run.read_manifest().config.data.validation
    if path is None or not path.is_file():
        return set()
    labels = (read_label(task.label) for task in read_tasks(path))
    return {(label.item.benchmark, label.item.uid) for label in labels}


def _phase(finished: float, steps: Sequence[Point]) -> str:
    """Such as `steps=1-25`; plain `training` where no step was logged."""
    if not steps:
        return "training"
    size = max(1, -(-len(steps) // _PHASES))
    place = min(bisect_left([point.time for point in steps], finished), len(steps) - 1)
    first = place // size * size
    last = min(first + size, len(steps)) - 1
    return f"steps={steps[first].step}-{steps[last].step}"
