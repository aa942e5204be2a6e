"""Recorded attempts at questions, of an evaluation or a training run, and what rewards pay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple, get_args

from videoseal.evals.records import SampleRecord, latest, parse_line, record_lines
from videoseal.evals.scoring.sample_result import SampleResult, outcome_of
from videoseal.evals.scoring.systems import RECORDS, NoSuchRun
from videoseal.rl.rewards.rewards import Kind, RewardSpec, reward_of

__all__ = ["Checked", "Mean", "Scores", "check", "means", "read_attempts", "scores_of"]

Scores = Mapping[tuple[str, str], Sequence[float]]
"""What each attempt at a question came to, in [0, 1], by benchmark and uid."""


class Checked(NamedTuple):
    """One recorded episode under a reward."""

    uid: str
    mode: str
    status: str
    """`right`, `wrong`, `forced`, `abstained` (rightly: `right`) or `errored`."""
    total: float
    terms: dict[str, float]
    others: dict[str, float]
    """What every kind of reward would pay, by its defaults."""


class Mean(NamedTuple):
    """Episodes that ended alike."""

    status: str
    """`all` for the last."""
    episodes: int
    total: float
    terms: dict[str, float]
    others: dict[str, float]


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
        score = reward_of(record, by).total if by else float(bool(outcome_of(record).right))
        scores[record.item.benchmark, record.item.uid].append(score)
    return dict(scores)


def check(path: Path, spec: RewardSpec, uids: Sequence[str] = ()) -> list[Checked]:
    """Every recorded episode of a run, or those of the questions named, in their order.

    Raises NoSuchRun, and AnnotationError for a line that is no record.
    """
    kinds = {kind: RewardSpec(kind=kind) for kind in get_args(Kind)}
    found = []
    for record in read_attempts(path):
        if uids and record.item.uid not in uids:
            continue
        reward, outcome = reward_of(record, spec), outcome_of(record)
        status: str = outcome.status
        if outcome.right and status != "forced":
            status = "right"
        elif status == "answered":
            status = "wrong"
        others = {name: reward_of(record, other).total for name, other in kinds.items()}
        found.append(Checked(record.item.uid, record.mode, status, *reward, others))
    return found


def means(checked: Sequence[Checked]) -> list[Mean]:
    """Means of what ended alike, the largest group first, and of all; none of nothing."""
    groups: defaultdict[str, list[Checked]] = defaultdict(list)
    for entry in checked:
        groups[entry.status].append(entry)
    ranked = sorted(groups.items(), key=lambda group: -len(group[1]))
    return [_mean(status, group) for status, group in [*ranked, ("all", list(checked))] if group]


def _mean(status: str, group: Sequence[Checked]) -> Mean:
    return Mean(
        status,
        len(group),
        _of(entry.total for entry in group),
        {name: _of(e.terms[name] for e in group) for name in group[0].terms},
        {name: _of(e.others[name] for e in group) for name in group[0].others},
    )


def _of(values: Iterable[float]) -> float:
    return round(fmean(values), 6)


def _records(path: Path) -> Iterator[SampleRecord]:
    for line in record_lines(path):
        parse_line(path, line, SampleResult)
        yield parse_line(path, line, SampleRecord)
