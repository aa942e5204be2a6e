"""Intervals and tests for scores of questions that share videos.

Questions about one video are not independent, so every interval resamples whole videos
(the pairs cluster bootstrap; Cameron, Gelbach and Miller, 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Estimate", "McNemar", "clustered_difference", "clustered_mean", "clustered_ratio",
           "mcnemar", "paired_difference"]  # fmt: skip

RESAMPLES: Final = 2000
_SEED: Final = 20260101
_MANY_CLUSTERS: Final = 2000
"""Beyond this the interval comes from a formula; the numbers of clusters fit 16 bits."""

Values = Sequence[float] | npt.NDArray[np.float64]
Clusters = Sequence[str] | npt.NDArray[np.int64]
"""The video of each value: its name, or a number that stands for it."""


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


def clustered_mean(values: Values, clusters: Clusters, *, resamples: int = RESAMPLES) -> Estimate:
    """Mean of `values` with a percentile interval that resamples whole clusters."""
    if not len(values):
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    sums, counts = _by_cluster(np.asarray(values, dtype=np.float64), clusters)
    mean = float(sums.sum() / counts.sum())
    if len(sums) < 2:
        return Estimate(mean, float("nan"), float("nan"), len(values))
    if len(sums) > _MANY_CLUSTERS:
        # Linearised cluster variance: what the bootstrap tends to, without resampling millions.
        spread = float(np.sqrt(((sums - mean * counts) ** 2).sum()) / counts.sum())
        return Estimate(mean, mean - 1.96 * spread, mean + 1.96 * spread, len(values))
    means = _resampled(sums, resamples) / _resampled(counts, resamples)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(mean, float(low), float(high), len(values))


def paired_difference(first: Values, second: Values, clusters: Clusters) -> Estimate:
    """Mean of `first - second`, question by question, with a clustered interval."""
    return clustered_mean([a - b for a, b in zip(first, second, strict=True)], clusters)


def clustered_difference(
    first: Values, second: Values, first_clusters: Clusters, second_clusters: Clusters
) -> Estimate:
    """Mean of `first` minus mean of `second`, which need not be about the same questions.

    The interval draws the same videos for both; `n` is the smaller number of values. This is for
    rates whose denominators are results themselves, such as errors among right answers.
    """
    n = min(len(first), len(second))
    if not n:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    names = np.unique(np.concatenate([np.asarray(first_clusters), np.asarray(second_clusters)]))
    sides = [
        _spread_over(names, np.asarray(values, dtype=np.float64), np.asarray(clusters))
        for values, clusters in ((first, first_clusters), (second, second_clusters))
    ]
    mean = float(sides[0][0].sum() / sides[0][1].sum() - sides[1][0].sum() / sides[1][1].sum())
    if len(names) < 2:
        return Estimate(mean, float("nan"), float("nan"), n)
    if len(names) > _MANY_CLUSTERS:
        parts = [(sums - sums.sum() / of.sum() * of) / of.sum() for sums, of in sides]
        spread = float(np.sqrt(((parts[0] - parts[1]) ** 2).sum()))
        return Estimate(mean, mean - 1.96 * spread, mean + 1.96 * spread, n)
    with np.errstate(invalid="ignore"):
        one, two = (
            _resampled(sums, RESAMPLES) / _resampled(counts, RESAMPLES) for sums, counts in sides
        )
    low, high = np.nanpercentile(one - two, [2.5, 97.5])
    return Estimate(mean, float(low), float(high), n)


def clustered_ratio(
    rows: npt.NDArray[np.float64],
    clusters: Sequence[str],
    of_totals: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
) -> Estimate:
    """A figure of the column totals of `rows`, shape (n, k), with an interval over clusters.

    `of_totals` takes totals of shape (..., k) to figures of shape (...); NaN where a resample has
    none. Beyond 2,000 clusters the interval is the delete-one jackknife's.
    """
    if not len(rows):
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    _, index = np.unique(np.asarray(clusters, dtype=np.str_), return_inverse=True)
    totals = np.zeros((index.max() + 1, rows.shape[1]))
    np.add.at(totals, index, rows)
    figure, n, m = float(of_totals(totals.sum(axis=0))), len(rows), len(totals)
    if m < 2 or np.isnan(figure):
        return Estimate(figure, float("nan"), float("nan"), n)
    if m > _MANY_CLUSTERS:
        without = of_totals(totals.sum(axis=0) - totals)
        spread = float(np.sqrt((m - 1) / m * np.nansum((without - np.nanmean(without)) ** 2)))
        return Estimate(figure, figure - 1.96 * spread, figure + 1.96 * spread, n)
    columns = [_resampled(column, RESAMPLES) for column in totals.T]
    low, high = np.nanpercentile(of_totals(np.stack(columns, axis=-1)), [2.5, 97.5])
    return Estimate(figure, float(low), float(high), n)


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Exact McNemar test on paired right-or-wrong answers."""
    from scipy.stats import binomtest

    pairs = list(zip(first, second, strict=True))
    only_first = sum(a and not b for a, b in pairs)
    only_second = sum(b and not a for a, b in pairs)
    discordant = only_first + only_second
    p_value = 1.0 if discordant == 0 else float(binomtest(only_first, discordant).pvalue)
    return McNemar(only_first, only_second, p_value)


def _resampled(totals: npt.NDArray[np.float64], resamples: int) -> npt.NDArray[np.float64]:
    """The sum of the clusters that each resample draws, a few resamples at a time."""
    picks = _picks(len(totals), resamples)
    return np.concatenate([totals[part].sum(axis=1) for part in np.array_split(picks, 16)])


@lru_cache(maxsize=2)
def _picks(clusters: int, resamples: int) -> npt.NDArray[np.int16]:
    """Which clusters each resample draws: the same for every score of the same videos."""
    random = np.random.default_rng(_SEED)
    return random.integers(0, clusters, size=(resamples, clusters), dtype=np.int16)


def _spread_over(
    names: npt.NDArray[Any], values: npt.NDArray[np.float64], clusters: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sum and number of the values in each of the named clusters."""
    index = np.searchsorted(names, clusters)
    counts = np.bincount(index, minlength=len(names)).astype(np.float64)
    sums = np.bincount(index, weights=values, minlength=len(names))
    return sums.astype(np.float64), counts


def _by_cluster(
    values: npt.NDArray[np.float64], clusters: Clusters
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values but {len(clusters)} cluster names")
    names = clusters if isinstance(clusters, np.ndarray) else np.asarray(clusters, dtype=np.str_)
    _, index = np.unique(names, return_inverse=True)
    counts = np.bincount(index).astype(np.float64)
    return np.bincount(index, weights=values).astype(np.float64), counts
