"""How far judges, and people, agree on what is grounded.

Compared are distinct requests that both ruled on: an answer and evidence that several systems came
to counts once, and samples without evidence, about which nobody was asked, do not count at all,
since on those every judge agrees by rule. Kappa is Cohen's (1960): agreement beyond that of two
judges who say yes as often as these do, but at random.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from videoseal.evals.scoring.statistics import Estimate, clustered_ratio
from videoseal.evals.verdicts import Judgement

__all__ = ["Agreement", "Rulings", "Unit", "agreement", "agreements", "kappa", "rulings_of"]


class Unit(NamedTuple):
    """One answer with its evidence, whoever gave it."""

    request_sha256: str
    video: str


Rulings = Mapping[Unit, bool]
"""What one judge, or one person, holds for grounded."""


class Agreement(NamedTuple):
    """Two judges on what both ruled on."""

    first: str
    second: str
    both: int
    """Grounded to both."""
    only_first: int
    only_second: int
    neither: int
    share: Estimate
    """On which they agree, with an interval that resamples videos."""
    kappa: Estimate
    """Cohen's; NaN where one of them always says the same and chance alone would agree."""

    @property
    def n(self) -> int:
        """How many both ruled on."""
        return self.both + self.only_first + self.only_second + self.neither


def rulings_of(judgements: Iterable[Judgement]) -> dict[str, dict[Unit, bool]]:
    """By judge, what it was really asked and ruled on; of equal requests the first ruling.

    Judges are in order of their names.
    """
    found: dict[str, dict[Unit, bool]] = {}
    for judgement in judgements:
        if judgement.asked and judgement.grounded is not None:
            unit = Unit(judgement.request_sha256, judgement.video)
            found.setdefault(judgement.judge, {}).setdefault(unit, judgement.grounded)
    # Lines stand in the order in which judges answered, which differs from run to run.
    return dict(sorted(found.items()))


def agreements(rulings: Mapping[str, Rulings]) -> list[Agreement]:
    """Every pair of judges, in the order in which they are given."""
    return [
        agreement(pair, (rulings[pair[0]], rulings[pair[1]])) for pair in combinations(rulings, 2)
    ]


def agreement(names: tuple[str, str], rulings: tuple[Rulings, Rulings]) -> Agreement:
    """Compare two on the units that both ruled on."""
    first, second = rulings
    shared = [unit for unit in first if unit in second]
    one, two = (np.array([said[unit] for unit in shared], dtype=np.bool_) for said in rulings)
    table = np.stack([one & two, one & ~two, ~one & two, ~one & ~two], axis=-1)
    videos = [unit.video for unit in shared]
    both, only_first, only_second, neither = (int(count) for count in table.sum(axis=0))
    return Agreement(
        *names, both, only_first, only_second, neither,
        clustered_ratio(table, videos, _share), clustered_ratio(table, videos, kappa),
    )  # fmt: skip


def kappa(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cohen's kappa of counts (both, only first, only second, neither) along the last axis."""
    both, first, second, neither = np.moveaxis(table, -1, 0)
    n = both + first + second + neither
    yes = (both + first) * (both + second)
    no = (neither + first) * (neither + second)
    by_chance = (yes + no) / (n * n)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: npt.NDArray[np.float64] = ((both + neither) / n - by_chance) / (1 - by_chance)
    return np.where(np.isclose(by_chance, 1.0), np.nan, found)


def _share(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    agreed: npt.NDArray[np.float64] = (table[..., 0] + table[..., 3]) / table.sum(axis=-1)
    return agreed
