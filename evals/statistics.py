"""Intervals and tests for scores of questions that share videos.

Questions about one video are not independent, so every interval resamples whole videos
(the pairs cluster bootstrap; Cameron, Gelbach and Miller, 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Estimate", "McNemar", "clustered_mean", "mcnemar", "paired_difference"]

RESAMPLES: Final = 2000
_SEED: Final = 20260101
_MANY_CLUSTERS: Final = 2000


class Estimate(NamedTuple):
    """A mean with its 95 % interval; the interval is NaN where one video or none is left."""

    mean: float
    low: float
    high: float
    n: int


class McNemar(NamedTuple):
    """Two systems on the same questions."""

    only_first: int
    """Right in the first system alone."""
    only_second: int
    """Right in the second system alone."""
    p_value: float
    """Exact, two-sided (McNemar 1947 on the binomial of discordant pairs)."""


def clustered_mean(
    values: Sequence[float], clusters: Sequence[str], *, resamples: int = RESAMPLES
) -> Estimate:
    """Mean of `values` with a percentile interval that resamples whole clusters."""
    if not values:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    sums, counts = _by_cluster(np.asarray(values, dtype=np.float64), clusters)
    mean = float(sums.sum() / counts.sum())
    if len(sums) < 2:
        return Estimate(mean, float("nan"), float("nan"), len(values))
    if len(sums) > _MANY_CLUSTERS:
        # Linearised cluster variance: what the bootstrap tends to, without resampling millions.
        spread = float(np.sqrt(((sums - mean * counts) ** 2).sum()) / counts.sum())
        return Estimate(mean, mean - 1.96 * spread, mean + 1.96 * spread, len(values))
    random = np.random.default_rng(_SEED)
    picks = random.integers(0, len(sums), size=(resamples, len(sums)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(mean, float(low), float(high), len(values))


def paired_difference(
    first: Sequence[float], second: Sequence[float], clusters: Sequence[str]
) -> Estimate:
    """Mean of `first - second`, question by question, with a clustered interval."""
    return clustered_mean([a - b for a, b in zip(first, second, strict=True)], clusters)


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Exact McNemar test on paired right-or-wrong answers."""
    from scipy.stats import binomtest

    pairs = list(zip(first, second, strict=True))
    only_first = sum(a and not b for a, b in pairs)
    only_second = sum(b and not a for a, b in pairs)
    discordant = only_first + only_second
    p_value = 1.0 if discordant == 0 else float(binomtest(only_first, discordant).pvalue)
    return McNemar(only_first, only_second, p_value)


def _by_cluster(
    values: npt.NDArray[np.float64], clusters: Sequence[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values but {len(clusters)} cluster names")
    _, index = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    counts = np.bincount(index).astype(np.float64)
    return np.bincount(index, weights=values).astype(np.float64), counts
