"""Grounding is scored on frames really shown, and chance is exact."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoseal.core.span import Span, best_pair_iou
from videoseal.evals.scoring.grounding import (
    PAPER_THRESHOLD,
    LookedAt,
    Window,
    chance,
    ground,
    rec_at_iou,
)

GOLD = [Span(100, 103)]


def _looked(start: float, end: float, *frames: float) -> LookedAt:
    return LookedAt(windows=[Window(Span(start, end), frames)])


def test_span_without_its_frames_is_no_hit() -> None:
    """Asking for the right span earns the paper's credit, but not ours when nothing was shown."""
    scores = ground(_looked(99, 104, 99.5), GOLD)
    assert scores.best_iou >= PAPER_THRESHOLD
    assert not scores.hit


def test_covering_window_passes_the_paper_and_not_the_iou() -> None:
    """A window far too long still passes at 0.05: why IoU of what is cited stands beside it."""
    looked = LookedAt(
        windows=[Window(Span(80, 130), (101.0,))], cited=[Span(80, 130)], cited_frames=[101.0]
    )
    scores = ground(looked, GOLD)
    assert scores.best_iou >= PAPER_THRESHOLD
    assert scores.hit
    assert scores.cited_hit
    assert scores.recall_at_iou == 0.0


def test_coverage_counts_gold_spans_not_frames() -> None:
    """Two frames in one of two gold spans cover half."""
    scores = ground(_looked(0, 300, 101.0, 102.0), [*GOLD, Span(200, 203)])
    assert scores.coverage == 0.5


def test_end_of_a_gold_span_is_outside() -> None:
    """Spans are half-open, so a frame at the end is no hit."""
    assert not ground(_looked(90, 110, 103.0), GOLD).hit
    assert ground(_looked(90, 110, 100.0), GOLD).hit


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_chance_agrees_with_throwing_windows(seed: int) -> None:
    """The closed form is what 4,000 random throws show."""
    rng = random.Random(seed)
    duration = 200.0
    gold = [Span(a, a + rng.uniform(1, 20)) for a in (rng.uniform(0, 90), rng.uniform(100, 180))]
    windows = []
    for _ in range(rng.randint(1, 3)):
        start, length = rng.uniform(0, 150), rng.uniform(0.5, 40)
        frames = tuple(sorted(start + rng.uniform(0, length) for _ in range(rng.randint(1, 4))))
        windows.append(Window(Span(start, start + length), frames))
    expected = chance(LookedAt(windows=windows), gold, duration)
    paper = hit = 0
    throws = 4000
    for _ in range(throws):
        thrown = []
        for span, frames in windows:
            shift = rng.uniform(0, duration - span.duration) - span.start
            thrown.append(
                Window(Span(span.start + shift, span.end + shift), tuple(f + shift for f in frames))
            )
        paper += best_pair_iou([window.span for window in thrown], gold) >= 0.05
        hit += ground(LookedAt(windows=thrown), gold).hit
    assert paper / throws == pytest.approx(expected.paper, abs=0.045)
    assert hit / throws == pytest.approx(expected.hit, abs=0.045)


def test_looking_at_everything_is_certain_by_chance() -> None:
    """A window as long as the video cannot miss, and chance says so."""
    frames = tuple(float(second) for second in range(0, 200, 2))
    assert chance(_looked(0, 200, *frames), GOLD, 200.0).hit == 1.0


def test_window_as_long_as_the_video_reaches_no_iou_by_chance_that_it_cannot_reach() -> None:
    """The whole video against three seconds of it has an IoU of 0.015, wherever it is thrown."""
    found = chance(_looked(0, 200, 101.0), GOLD, 200.0)
    assert (found.paper, found.at_10, found.at_20, found.hit) == (0.0, 0.0, 0.0, 1.0)


def test_chance_falls_as_more_overlap_is_asked() -> None:
    """A higher tIoU is never easier to reach by luck."""
    found = chance(_looked(50, 60, 51.0), GOLD, 200.0)
    assert found.paper > found.at_10 > found.at_20 > 0


@pytest.mark.parametrize(
    ("iou", "expected"), [(0.0, 0.0), (0.1, 0.2), (0.34, 0.6), (0.5, 1.0), (1.0, 1.0)]
)
def test_recall_counts_the_thresholds_reached(iou: float, expected: float) -> None:
    """A threshold counts when it is reached, not only when it is passed."""
    assert rec_at_iou(iou) == pytest.approx(expected)
