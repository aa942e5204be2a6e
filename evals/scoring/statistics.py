"""Intervals and tests for scores of questions that share videos.

Questions about one video are not independent, so every interval resamples whole videos
(the pairs cluster bootstrap; Cameron, Gelbach and Miller, 2008).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Estimate", "McNemar", "clustered_difference", "clustered_mean", "clustered_ratio",
           "mcnemar"]  # fmt: skip

RESAMPLES: Final = 2000
_SEED: Final = 20260101
_AT_A_TIME: Final = 100
"""Resamples that are in memory together."""
_MANY_CLUSTERS: Final = 2000
"""Beyond this the interval comes from a formula."""
_NAN: Final = float("nan")

Floats = npt.NDArray[np.float64]


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


def clustered_ratio(
    rows: npt.ArrayLike, clusters: npt.ArrayLike, of_totals: Callable[[Floats], Floats]
) -> Estimate:
    """A figure of the column totals of `rows`, shape (n, k), with an interval over clusters.

    `of_totals` takes totals of shape (..., k) to figures of shape (...); NaN where a resample has
    none. Beyond 2,000 clusters the interval is the delete-one jackknife's.
    """
    from scipy.stats import bootstrap

    table = np.asarray(rows, dtype=np.float64)
    if not len(table):
        return Estimate(_NAN, _NAN, _NAN, 0)
    totals = _totals(table, clusters)
    n, m, figure = len(table), totals.shape[1], float(of_totals(totals.sum(axis=1)))
    if m < 2 or np.isnan(figure):
        return Estimate(figure, _NAN, _NAN, n)
    if m > _MANY_CLUSTERS:
        without = of_totals((totals.sum(axis=1, keepdims=True) - totals).T)
        spread = float(np.sqrt((m - 1) / m * np.nansum((without - np.nanmean(without)) ** 2)))
        return Estimate(figure, figure - 1.96 * spread, figure + 1.96 * spread, n)

    def of_drawn(*drawn: Floats, axis: int) -> Floats:
        return of_totals(np.stack([column.sum(axis=axis) for column in drawn], axis=-1))

    # Draws without a denominator have no figure; scipy would have no interval then either.
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = bootstrap(
            tuple(totals), of_drawn, paired=True, vectorized=True, method="percentile",
            n_resamples=RESAMPLES, batch=_AT_A_TIME, rng=np.random.default_rng(_SEED),
        )  # fmt: skip
    low, high = np.nanpercentile(found.bootstrap_distribution, [2.5, 97.5])
    return Estimate(figure, float(low), float(high), n)


def clustered_mean(values: npt.ArrayLike, clusters: npt.ArrayLike) -> Estimate:
    """Mean of `values` with a percentile interval that resamples whole clusters."""
    column = np.asarray(values, dtype=np.float64)
    rows = np.stack([column, np.ones_like(column)], axis=-1)
    return clustered_ratio(rows, clusters, lambda totals: totals[..., 0] / totals[..., 1])


def clustered_difference(
    first: npt.ArrayLike, second: npt.ArrayLike, clusters: npt.ArrayLike
) -> Estimate:
    """Mean of `first` minus mean of `second`, each over those of its values that are not NaN.

    Two values stand for one question in both systems, so that every draw takes the same videos for
    both; `n` is the smaller number of values. What counts may differ, for rates whose denominators
    are results themselves, such as errors among right answers.
    """
    pairs = np.stack([np.asarray(side, dtype=np.float64) for side in (first, second)], axis=-1)
    counted = ~np.isnan(pairs)
    kept, n = counted.any(axis=1), int(counted.sum(axis=0).min())
    if not n:
        return Estimate(_NAN, _NAN, _NAN, 0)
    rows = np.concatenate([np.nan_to_num(pairs), counted], axis=1)[kept]

    def of_totals(totals: Floats) -> Floats:
        found: Floats = totals[..., 0] / totals[..., 2] - totals[..., 1] / totals[..., 3]
        return found

    return clustered_ratio(rows, np.asarray(clusters)[kept], of_totals)._replace(n=n)


def mcnemar(first: npt.ArrayLike, second: npt.ArrayLike) -> McNemar:
    """Exact McNemar test on paired right-or-wrong answers."""
    from scipy.stats import binomtest

    one, two = np.asarray(first, dtype=np.bool_), np.asarray(second, dtype=np.bool_)
    only_first, only_second = int((one & ~two).sum()), int((two & ~one).sum())
    discordant = only_first + only_second
    p_value = 1.0 if discordant == 0 else float(binomtest(only_first, discordant).pvalue)
    return McNemar(only_first, only_second, p_value)


def _totals(table: Floats, clusters: npt.ArrayLike) -> Floats:
    """The columns' sums by cluster, shape (k, clusters)."""
    from pandas import factorize

    codes, _ = factorize(np.asarray(clusters))
    if len(table) != len(codes):
        raise ValueError(f"{len(table)} values but {len(codes)} cluster names")
    return np.stack([np.bincount(codes, weights=column) for column in table.T])
