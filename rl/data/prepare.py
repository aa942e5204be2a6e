"""From a benchmark's questions to training tasks: which are used, and which side of the split."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from videoseal.core.errors import VideoBusy
from videoseal.evals.item import UNSEEN, Item
from videoseal.evals.running.ready_videos import Videos
from videoseal.evals.scoring.sample_result import MISSING_VIDEO
from videoseal.rl.data.attempts import Scores
from videoseal.rl.data.tasks import TaskLabel, TrainTask, task_of, write_lines, write_tasks

__all__ = ["Difficulty", "Dropped", "Prepared", "Split", "prepare", "split_by_video", "write_data"]

_RIGHT: Final = 0.9
_WRONG: Final = 0.1
"""Scores from which on, and up to which, an attempt counts as right, and as wrong."""


class Dropped(NamedTuple):
    """A question that is not trained on."""

    benchmark: str
    uid: str
    why: str


class Split(NamedTuple):
    """Questions for training and questions about other videos to watch it by."""

    train: list[TaskLabel]
    validation: list[TaskLabel]


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Leave out of training what teaches nothing, by attempts that were recorded."""

    scores: Scores
    """As `rl.data.attempts.scores_of` gives them."""
    least: int = 2
    """Attempts below which a question is kept: too few to tell."""

    def verdict(self, item: Item) -> str:
        """Why the question teaches nothing; empty where it may teach."""
        scores = self.scores.get((item.benchmark, item.uid), [])
        if len(scores) < self.least:
            return ""
        if min(scores) >= _RIGHT:
            return "always right"
        return "always wrong" if max(scores) <= _WRONG else ""


class Prepared(NamedTuple):
    """Tasks of both sides, and what was left out."""

    train: list[TrainTask]
    validation: list[TrainTask]
    dropped: list[Dropped]
    summary: dict[str, Any]
    """Counts, as JSON."""


def prepare(
    items: Iterable[Item],
    videos: Videos,
    *,
    share: float = 0.2,
    seed: int = 0,
    difficulty: Difficulty | None = None,
) -> Prepared:
    """Sort out what cannot be trained on, split the rest by video, thin out the training side.

    Validation keeps every question, easy or hard: it measures, and must not move with a filter.
    """
    usable, dropped = _usable(items, videos)
    split = split_by_video(usable, share, seed)
    train: list[TaskLabel] = []
    for label in split.train:
        if label.item.group == UNSEEN:
            why = "unseen wording, kept for measuring"
            dropped.append(Dropped(label.item.benchmark, label.item.uid, why))
        elif difficulty and (why := difficulty.verdict(label.item)):
            dropped.append(Dropped(label.item.benchmark, label.item.uid, why))
        else:
            train.append(label)
    summary = {
        "train": _counts(train),
        "validation": _counts(split.validation),
        "dropped": dict(sorted(Counter(entry.why for entry in dropped).items())),
        "validation_share": share,
        "seed": seed,
    }
    return Prepared(_tasks(train), _tasks(split.validation), dropped, summary)


def split_by_video(labels: Sequence[TaskLabel], share: float, seed: int) -> Split:
    """Put `share` of the videos (at least one of several) aside, all questions of a video with it.

    Which videos depends on the seed and on their ids alone, not on their order.
    """
    videos = sorted({label.video_id for label in labels}, key=lambda video: _draw(seed, video))
    count = min(len(videos) - 1, max(1, round(share * len(videos)))) if share > 0 else 0
    aside = set(videos[: max(0, count)])
    return Split(
        train=[label for label in labels if label.video_id not in aside],
        validation=[label for label in labels if label.video_id in aside],
    )


def write_data(folder: Path, prepared: Prepared) -> dict[str, Path]:
    """Write `train.jsonl`, `validation.jsonl`, `dropped.jsonl` and `summary.json`; their paths.

    Raises OutOfSpace when one cannot be written.
    """
    files = {name: folder / f"{name}.jsonl" for name in ("train", "validation", "dropped")}
    files["summary"] = folder / "summary.json"
    write_tasks(files["train"], prepared.train)
    write_tasks(files["validation"], prepared.validation)
    rows = (json.dumps(entry._asdict(), ensure_ascii=False) for entry in prepared.dropped)
    write_lines(files["dropped"], rows)
    write_lines(files["summary"], [json.dumps(prepared.summary, indent=1, ensure_ascii=False)])
    return files


def _usable(items: Iterable[Item], videos: Videos) -> tuple[list[TaskLabel], list[Dropped]]:
    usable: list[TaskLabel] = []
    dropped: list[Dropped] = []
    asked: set[tuple[str, str]] = set()
    for item in items:
        ready = videos.ready.get(item.video)
        if ready is None:
            error = videos.lost.get(item.video)
            kind = VideoBusy.__name__ if item.video in videos.busy else error and error.type
            why = "no video file" if kind in (None, MISSING_VIDEO) else f"not indexed: {kind}"
            dropped.append(Dropped(item.benchmark, item.uid, why))
            continue
        key = (ready.video_id, item.question.render())
        if why := "asked twice" if key in asked else next(_faults(item, ready.duration), ""):
            dropped.append(Dropped(item.benchmark, item.uid, why))
            continue
        asked.add(key)
        usable.append(TaskLabel(item=item, video_id=ready.video_id, duration=ready.duration))
    return usable, dropped


def _faults(item: Item, duration: float) -> Iterator[str]:
    """What makes a question useless for a reward that no judge gives."""
    if item.defect:
        yield "the published row is faulty"
    if item.prose and item.answerable:
        yield "no options to be right or wrong by"
    if any(start >= duration for start, _ in item.evidence):
        yield "a gold span lies outside the video"


def _draw(seed: int, video: str) -> str:
    return hashlib.sha256(f"{seed}:{video}".encode()).hexdigest()


def _tasks(labels: Iterable[TaskLabel]) -> list[TrainTask]:
    return [task_of(label.item, label.video_id, label.duration) for label in labels]


def _counts(labels: Sequence[TaskLabel]) -> dict[str, int]:
    return {
        "questions": len(labels),
        "videos": len({label.video_id for label in labels}),
        "with_gold_spans": sum(bool(label.item.evidence) for label in labels),
        "unanswerable": sum(not label.item.answerable for label in labels),
    }
