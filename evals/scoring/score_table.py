"""What scores need of many samples, kept as columns of numbers.

A sample takes a few hundred bytes here, however long its record is, so that 100,000 records can
be scored while they stream by.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from videoseal.core.span import Span
from videoseal.evals.item import Item
from videoseal.evals.scoring.cost import Prices, money
from videoseal.evals.scoring.grounding import Chance, Grounding, chance, ground
from videoseal.evals.scoring.official import OFFICIAL, Prediction
from videoseal.evals.scoring.sample_result import MISSING_VIDEO, SampleResult, Status
from videoseal.models.types import Question

__all__ = ["STATUSES", "Flags", "Floats", "Ints", "Judged", "ScoreTable", "judge"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
NAN: Final = float("nan")
_NO_FIELDS: Final[set[str]] = set()
"""Shared by all bare items: which fields were set matters to none of them."""
_NO_GROUNDING: Final = Grounding(NAN, False, False, NAN, NAN, NAN)
_NO_CHANCE: Final = Chance(NAN, NAN, NAN, NAN)
_COLUMNS: Final = (
    "status", "right", "answerable", "guess", "confidence", "missing", "proven", "defect", "prose",
    "gold", "best_iou", "hit", "cited_hit", "coverage", "iou", "recall_at_iou",
    "chance_paper", "chance_at_10", "chance_at_20", "chance_hit",
    "calls", "prompt_tokens", "completion_tokens", "frames", "steps", "seconds", "money",
    "length", "video", "category", "group", "offset",
)  # fmt: skip


class Judged(NamedTuple):
    """An outcome with its grounding; None where the benchmark has no gold spans."""

    outcome: SampleResult
    grounding: Grounding | None
    chance: Chance | None

    @property
    def right(self) -> bool | None:
        """Strictly right or wrong; None for free text, which no rule but a judge's can score."""
        unscored = self.outcome.item.prose and self.outcome.item.answerable
        return None if unscored else self.outcome.right

    @property
    def grounded(self) -> bool | None:
        """Whether a shown frame lies inside a gold span; None where there is no gold."""
        return self.grounding.hit if self.grounding else None


def judge(outcome: SampleResult) -> Judged:
    """Ground an outcome that has gold spans."""
    gold = [Span(start, end) for start, end in outcome.item.evidence]
    if not gold:
        return Judged(outcome, None, None)
    length = outcome.duration or max(span.end for span in gold)
    return Judged(outcome, ground(outcome.looked, gold), chance(outcome.looked, gold, length))


class ScoreTable:
    """Samples of one system; adding a key again replaces what was there."""

    def __init__(self, prices: Prices | None = None, items: dict[str, Item] | None = None) -> None:
        self._prices = prices
        self._rows: dict[str, int] = {}
        self._columns = {name: array("d") for name in _COLUMNS}
        self._videos: dict[str, int] = {}
        self._categories: dict[tuple[str, ...], int] = {}
        self._groups: dict[str, int] = {}
        self._verdicts: dict[str, dict[int, bool]] = {}
        self.items = {} if items is None else items
        """Questions by uid, without their texts, for official scorers; shared by all systems."""
        self.predictions: dict[str, Prediction] = {}
        """What was answered to them here."""

    def __len__(self) -> int:
        return len(self._columns["status"])

    def add(self, outcome: SampleResult, *, key: str | None = None, offset: int = 0) -> None:
        """Count one sample; without a key it replaces nothing. `offset`: where its record is."""
        values = self._values(outcome, offset)
        row = None if key is None else self._rows.setdefault(key, len(self))
        self._keep_verdicts(outcome, len(self) if row is None else row)
        for column, value in zip(self._columns.values(), values, strict=True):
            if row is None or row == len(column):
                column.append(value)
            else:
                column[row] = value
        if outcome.item.benchmark in OFFICIAL:
            self._keep_for_official(outcome)

    def column(self, name: str) -> Floats:
        """One column, a number a sample; NaN where it does not apply.

        `semantic` is 1 where every judge of this system says grounded, NaN where one has not ruled.
        """
        if name == "semantic":
            return self._unanimous()
        return np.array(self._columns[name], dtype=np.float64)

    def flags(self, name: str) -> Flags:
        """One column of yes or no."""
        return self.column(name) > 0

    def judges(self) -> list[str]:
        """The judges that ruled on any sample, in order of their names."""
        return sorted(name for name, rulings in self._verdicts.items() if rulings)

    def verdicts(self, judge: str) -> Floats:
        """One judge's verdicts, 1 for grounded; NaN where it has not ruled."""
        found = np.full(len(self), NAN)
        for row, grounded in self._verdicts.get(judge, {}).items():
            found[row] = grounded
        return found

    def videos(self) -> Ints:
        """A number for each sample's video."""
        return self.column("video").astype(np.int64)

    @property
    def video_count(self) -> int:
        """How many videos the samples are about."""
        return len(self._videos)

    def uids(self) -> Sequence[str]:
        """The keys, which are uids, in the order of their first sample, row by row."""
        return list(self._rows)

    def row_of(self, key: str) -> int | None:
        """The row of a sample; None for one that is not here."""
        return self._rows.get(key)

    def categories(self) -> dict[str, Flags]:
        """Which samples belong to each category; a sample may belong to several."""
        codes = self.column("category")
        names = dict.fromkeys(name for group in self._categories for name in group)
        return {
            name: np.isin(
                codes, [code for group, code in self._categories.items() if name in group]
            )
            for name in names
        }

    def groups(self) -> dict[str, Flags]:
        """Which samples belong to each official duration group; none where there are no groups."""
        return self._grouped(wordings=False)

    def wordings(self) -> dict[str, Flags]:
        """Which generated questions are in words that were seen before, or not; else none."""
        return self._grouped(wordings=True)

    def _grouped(self, *, wordings: bool) -> dict[str, Flags]:
        codes = self.column("group")
        return {
            name: codes == code
            for name, code in self._groups.items()
            if name and name.endswith(" wording") == wordings
        }

    def _values(self, outcome: SampleResult, offset: int) -> list[float]:
        judged = judge(outcome)
        found = judged.grounding or _NO_GROUNDING
        item, cost = outcome.item, outcome.cost
        spent = None if self._prices is None else money(outcome.tokens, self._prices)
        return [
            STATUSES.index(outcome.status), outcome.right, item.answerable, item.chance,
            outcome.confidence, outcome.error == MISSING_VIDEO, outcome.proven, bool(item.defect),
            item.prose, judged.grounding is not None, *found,
            *(judged.chance or _NO_CHANCE), cost.calls, cost.prompt_tokens,
            cost.completion_tokens, cost.frames, cost.steps, cost.seconds,
            NAN if spent is None else spent, outcome.duration,
            self._videos.setdefault(item.video, len(self._videos)),
            self._categories.setdefault(tuple(item.categories), len(self._categories)),
            self._groups.setdefault(item.group, len(self._groups)), offset,
        ]  # fmt: skip

    def _keep_verdicts(self, outcome: SampleResult, row: int) -> None:
        for rulings in self._verdicts.values():
            rulings.pop(row, None)
        for judge, grounded in outcome.semantic.items():
            self._verdicts.setdefault(judge, {})[row] = grounded

    def _unanimous(self) -> Floats:
        """The least of the judges' verdicts; NaN where one is missing."""
        judges = self.judges()
        if not judges:
            return np.full(len(self), NAN)
        least: Floats = np.min([self.verdicts(judge) for judge in judges], axis=0)
        return least

    def _keep_for_official(self, outcome: SampleResult) -> None:
        uid = outcome.item.uid
        if uid not in self.items:
            self.items[uid] = _bare(outcome.item)
        self.predictions[uid] = Prediction(outcome.letter, tuple(outcome.looked.cited))


def _bare(item: Item) -> Item:
    """The item without its texts: all that an official scorer looks at."""
    return Item.model_construct(
        _NO_FIELDS,
        uid=item.uid,
        question=_blank(len(item.question.options)),
        answer=item.answer,
        categories=item.categories,
        group=item.group,
        evidence=item.evidence,
    )


@cache
def _blank(options: int) -> Question:
    return Question(text="-", options=[""] * options)
