"""Clustered intervals and the paired test."""

from __future__ import annotations

import math

import numpy as np
import pytest

from videoseal.evals.scoring.statistics import clustered_difference, clustered_mean, mcnemar


def test_interval_widens_when_questions_share_videos() -> None:
    """Copies of one answer per video carry no more information than one answer."""
    random = np.random.default_rng(1)
    answers = random.integers(0, 2, 40).astype(float)
    videos = [f"v{number}" for number in range(40)]
    once = clustered_mean(list(answers), videos)
    copied = clustered_mean(list(np.repeat(answers, 10)), list(np.repeat(videos, 10)))
    naive = clustered_mean(list(np.repeat(answers, 10)), [str(n) for n in range(400)])
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.1)
    assert naive.high - naive.low < 0.5 * (copied.high - copied.low)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of 200 intervals for a known mean, about 95 % hold it."""
    random = np.random.default_rng(2)
    clusters = [str(video) for video in range(30) for _ in range(5)]
    held = 0
    for _ in range(200):
        rates = random.beta(3, 2, 30)
        values = (random.random(150) < np.repeat(rates, 5)).astype(float)
        estimate = clustered_mean(list(values), clusters)
        held += estimate.low <= 0.6 <= estimate.high
    assert 178 <= held <= 200


def test_many_clusters_give_the_interval_that_resampling_would() -> None:
    """The formula for very many videos agrees with the bootstrap of fewer, scaled by their root."""
    random = np.random.default_rng(3)
    values = (random.random(8000) < 0.3).astype(float)
    few = clustered_mean(list(values[:2000]), [str(n) for n in range(2000)])
    many = clustered_mean(list(values), [str(n) for n in range(8000)])
    assert many.high - many.low == pytest.approx((few.high - few.low) / 2, rel=0.1)


def test_one_video_has_no_interval() -> None:
    """A single cluster says nothing about spread, and no value says nothing at all."""
    assert math.isnan(clustered_mean([1.0, 0.0], ["a", "a"]).low)
    assert math.isnan(clustered_mean([], []).mean)


def test_paired_difference_cancels_what_is_common() -> None:
    """Equal systems differ by exactly nothing, however spread their scores."""
    scores = [0.0, 1.0, 1.0, 0.0]
    estimate = clustered_difference(scores, scores, ["a", "b", "c", "d"])
    assert (estimate.mean, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


def test_mcnemar_looks_at_discordant_pairs_only() -> None:
    """Pairs on which both agree change nothing; ten to nothing is significant."""
    first = [True] * 10 + [True] * 50
    second = [False] * 10 + [True] * 50
    result = mcnemar(first, second)
    assert (result.only_first, result.only_second) == (10, 0)
    assert result.p_value == pytest.approx(2 * 0.5**10)
    assert mcnemar([True] * 5, [True] * 5).p_value == 1.0
