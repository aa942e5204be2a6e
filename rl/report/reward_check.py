"""What a reward would pay for episodes that are already recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple, get_args

from videoseal.evals.scoring.sample_result import outcome_of
from videoseal.rl.data.attempts import read_attempts
from videoseal.rl.rewards.rewards import Kind, RewardSpec, reward_of

__all__ = ["Checked", "Mean", "check", "means"]


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
