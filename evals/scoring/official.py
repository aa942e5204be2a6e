"""The arithmetic of the benchmarks' own scorers, figure for figure.

Every scorer takes all items of the benchmark and the predictions by uid; what is not predicted
is handled as the official code does, which differs from set to set and is said in each docstring.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from videoseal.core.span import Span, set_iou
from videoseal.evals.item import Item
from videoseal.evals.scoring.grounding import rec_at_iou

__all__ = ["OFFICIAL", "Prediction", "cgbench", "longvideobench", "lvbench", "mlvu", "videomme"]

LVBENCH_CODES: Final = {
    "key information retrieval": "KIR",
    "event understanding": "EU",
    "summarization": "Sum",
    "entity recognition": "ER",
    "reasoning": "Rea",
    "temporal grounding": "TG",
}
"""Question types as the LVBench leaderboard abbreviates them."""


class Prediction(NamedTuple):
    """What a system submits for one question."""

    letter: str | None = None
    """The chosen option, or None for no answer."""
    spans: Sequence[Span] = ()
    """Predicted evidence; CG-Bench takes at most five."""


Predictions = Mapping[str, Prediction]
Figures = dict[str, float]
_NONE: Final = Prediction()


def lvbench(items: Sequence[Item], predicted: Predictions) -> Figures:
    """Accuracy per question type and overall, over the answered questions alone.

    A question with two types counts in both; a type with no answered question is 0.
    """
    answered = [item for item in items if _letter(item, predicted)]
    figures = {
        code: _accuracy((item for item in answered if name in item.categories), predicted)
        for name, code in LVBENCH_CODES.items()
    }
    return {**figures, "Overall": _accuracy(answered, predicted)}


def cgbench(items: Sequence[Item], predicted: Predictions) -> Figures:
    """long-acc, mIoU, rec@IoU and acc@IoU over all questions; no prediction scores 0."""
    ious = [set_iou(predicted.get(i.uid, _NONE).spans[:5], _gold(i)) for i in items]
    right = [_letter(item, predicted) == item.answer for item in items]
    return {
        "long-acc": _mean(right),
        "mIoU": _mean(ious),
        "rec@IoU": _mean([rec_at_iou(iou) for iou in ious]),
        "acc@IoU": _mean([ok * rec_at_iou(iou) for ok, iou in zip(right, ious, strict=True)]),
    }


def mlvu(items: Sequence[Item], predicted: Predictions) -> Figures:
    """Accuracy per multiple-choice task and M-Avg, their unweighted mean; missing is wrong."""
    choices = [item for item in items if not item.free_text]
    tasks = _by(choices, lambda item: item.categories[0])
    figures = {task: _accuracy(members, predicted) for task, members in tasks.items()}
    return {**figures, "M-Avg": _mean(list(figures.values()))}


def videomme(items: Sequence[Item], predicted: Predictions) -> Figures:
    """Accuracy per duration group and overall; missing is wrong."""
    figures = {
        group: _accuracy(members, predicted)
        for group, members in _by(items, lambda item: item.group).items()
    }
    return {**figures, "overall": _accuracy(items, predicted)}


def longvideobench(items: Sequence[Item], predicted: Predictions) -> Figures:
    """Accuracy per duration group, per question category, and overall; missing is wrong.

    The official code guesses at random where it cannot parse an answer; we do not.
    """
    groups = _by(items, lambda item: item.group)
    kinds = _by(items, lambda item: item.categories[0])
    figures = {name: _accuracy(members, predicted) for name, members in {**groups, **kinds}.items()}
    return {**figures, "overall": _accuracy(items, predicted)}


OFFICIAL: Final[Mapping[str, Callable[[Sequence[Item], Predictions], Figures]]] = {
    "lvbench": lvbench,
    "cgbench": cgbench,
    "mlvu": mlvu,
    "videomme": videomme,
    "longvideobench": longvideobench,
}
"""The official scorer of each benchmark that has one."""


def _letter(item: Item, predicted: Predictions) -> str | None:
    return predicted.get(item.uid, _NONE).letter


def _gold(item: Item) -> list[Span]:
    return [Span(start, end) for start, end in item.evidence]


def _accuracy(items: Iterable[Item], predicted: Predictions) -> float:
    return _mean([_letter(item, predicted) == item.answer for item in items])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _by(items: Iterable[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)
