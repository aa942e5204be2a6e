"""The layout of clips and of the moments that are looked at."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoseal.core.span import Span
from videoseal.indexing.clips import caption_times, clip_spans, sample_times

DURATIONS = st.floats(0.01, 40_000)
LENGTHS = st.floats(1, 600)


@given(DURATIONS, LENGTHS)
def test_clips_cover_the_video_exactly(duration: float, seconds: float) -> None:
    """Clips follow each other from 0 to the end without a gap, an overlap or a phantom."""
    clips = clip_spans(duration, seconds)
    assert (clips[0].start, clips[-1].end) == (0.0, duration)
    assert all(a.end == b.start for a, b in itertools.pairwise(clips))
    assert all(clip.duration == pytest.approx(seconds) for clip in clips[:-1])
    assert len(clips) == 1 or 0.24 * seconds < clips[-1].duration < 1.26 * seconds


def test_a_sliver_is_absorbed_and_a_tail_is_not_lost() -> None:
    """Less than a quarter of a clip belongs to the clip before; more is a clip of its own."""
    assert clip_spans(33.0, 16) == [Span(0, 16), Span(16, 33)]
    assert clip_spans(36.5, 16) == [Span(0, 16), Span(16, 32), Span(32, 36.5)]
    assert clip_spans(0.04, 16) == [Span(0, 0.04)]
    assert clip_spans(0.1 * 3 * 16, 0.1 * 3 * 16)[0].end == 0.1 * 3 * 16


@given(st.integers(0, 50), st.floats(0.5, 40), st.sampled_from([0.5, 1.0, 2.0, 3.0, 7.5]))
def test_samples_begin_and_end_a_clip(number: int, length: float, fps: float) -> None:
    """Both ends of a clip are sampled, and between them the grid of the whole video."""
    clip = Span(number * 16.0, number * 16.0 + length)
    times = sample_times(clip, fps)
    assert (times[0], times[-1]) == (clip.start, clip.end)
    assert all(0 < b - a <= 1 / fps + 1e-5 for a, b in itertools.pairwise(times))
    assert all(time * fps == pytest.approx(round(time * fps)) for time in times[1:-1])


def test_caption_times_lie_inside_the_clip() -> None:
    """A captioner sees the clip's start and one frame every second after it."""
    assert caption_times(Span(16, 19.5), 1.0) == [16, 17, 18, 19]
    assert caption_times(Span(16, 16.2), 1.0) == [16]
