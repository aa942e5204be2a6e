"""Recorded attempts at questions: those of an evaluation, or the rollouts of a training run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from videoseal.core.errors import SpanError
from videoseal.evals.benchmarks.annotation_rows import AnnotationError
from videoseal.evals.records import SampleRecord, latest, parse_line, record_lines
from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.evals.scoring.systems import RECORDS, NoSuchRun
from videoseal.rl.rewards.rewards import RewardSpec, reward_of

__all__ = ["Scores", "read_attempts", "scores_of"]

Scores = Mapping[tuple[str, str], Sequence[float]]
"""What each attempt at a question came to, in [0, 1], by benchmark and uid."""


def read_attempts(path: Path) -> Iterator[SampleRecord]:
    """The records of a file, or of a run's folder; every rollout of a question counts.

    Of an evaluation, which asks a question again only after an error, the last record counts.
    Raises NoSuchRun where there are none, AnnotationError naming file, line and field.
    """
    evaluation = path / RECORDS
    if evaluation.is_file():
        yield from latest(_records(evaluation)).values()
        return
    files = [path] if path.is_file() else sorted(path.rglob("*.jsonl"))
    if not files:
        raise NoSuchRun(f"no records at {path}", hint="give a run's folder or a file of records")
    for file in files:
        yield from _records(file)


def scores_of(
    records: Iterable[SampleRecord], *, by: RewardSpec | None = None, mode: str = "decoupled"
) -> Scores:
    """The scores of a mode's attempts: rewards, or right and wrong where no reward is given.

    Attempts that ended in an error say nothing about a question and are left out.
    """
    scores: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for record in records:
        if record.mode != mode or record.error is not None or record.episode is None:
            continue
        score = reward_of(record, by).total if by else float(outcome_of(record).right)
        scores[record.item.benchmark, record.item.uid].append(score)
    return dict(scores)


def _records(path: Path) -> Iterator[SampleRecord]:
    for line in record_lines(path):
        record = parse_line(path, line, SampleRecord)
        try:
            outcome_of(record)
        except SpanError as error:
            raise AnnotationError(f"{path.name}:{line.number}: spans: {error}") from None
        yield record
