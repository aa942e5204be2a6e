"""Interval arithmetic against a brute-force restatement on a grid of whole seconds."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.span import Span
from videoseal.evals.scoring.intervals import (
    best_pair_iou,
    merge,
    rec_at_iou,
    set_iou,
    shared,
    total,
)


@st.composite
def _spans(draw: st.DrawFn) -> list[Span]:
    pairs = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 15)), max_size=6))
    return [Span(start, start + length) for start, length in pairs]


def _seconds(spans: list[Span]) -> set[int]:
    return {second for span in spans for second in range(int(span.start), int(span.end))}


@given(_spans(), _spans())
def test_sets_agree_with_counting_seconds(a: list[Span], b: list[Span]) -> None:
    """Totals, overlaps and IoU are those of the sets of covered seconds."""
    left, right = _seconds(a), _seconds(b)
    assert total(a) == len(left)
    assert shared(a, b) == len(left & right)
    expected = len(left & right) / len(left | right) if left and right else 0.0
    assert set_iou(a, b) == pytest.approx(expected)


@given(_spans())
def test_merged_spans_are_disjoint_and_cover_the_same(spans: list[Span]) -> None:
    """Merging changes the spans but not the moments."""
    merged = merge(spans)
    assert _seconds(merged) == _seconds(spans)
    assert all(a.end < b.start for a, b in itertools.pairwise(merged))


@given(_spans(), _spans())
def test_best_pair_never_falls_with_more_visits(a: list[Span], b: list[Span]) -> None:
    """The paper's maximum can only rise with visits: why a chance baseline stands beside it."""
    assert best_pair_iou(a + b, b) >= best_pair_iou(a, b)


@pytest.mark.parametrize(
    ("iou", "expected"), [(0.0, 0.0), (0.1, 0.2), (0.34, 0.6), (0.5, 1.0), (1.0, 1.0)]
)
def test_recall_counts_the_thresholds_reached(iou: float, expected: float) -> None:
    """A threshold counts when it is reached, not only when it is passed."""
    assert rec_at_iou(iou) == pytest.approx(expected)
