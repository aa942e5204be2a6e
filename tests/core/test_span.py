"""Time is read strictly, written plainly, and measured rightly."""

from __future__ import annotations

import contextlib
import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from videoseal.core.errors import SpanError, VideosealError
from videoseal.core.span import (
    Span,
    best_pair_iou,
    covered_seconds,
    format_time,
    merge_spans,
    parse_time,
    set_iou,
    shared_seconds,
)

DAY_MS = 24 * 3600 * 1000
moments = st.floats(0, 1e6)
milliseconds = st.integers(0, DAY_MS).map(lambda ms: ms / 1000)
spans = st.tuples(moments, moments).filter(lambda ab: ab[0] < ab[1]).map(lambda ab: Span(*ab))
clean = st.tuples(milliseconds, milliseconds).filter(lambda ab: ab[0] < ab[1])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:01:15", 75),
        ("1:02:03", 3723),
        ("01:15", 75),
        ("1:05", 65),
        ("100:00:00", 360_000),
        ("00:01:15.25", 75.25),
        ("00:01:15,250", 75.25),
        ("75", 75),
        ("75.2s", 75.2),
        ("75 seconds", 75),
        ("1m15s", 75),
        ("00：01：15", 75),
        ("  75 ", 75),
        (75, 75),
        (0.5, 0.5),
    ],
)
def test_times_are_read_in_all_forms(text, seconds):
    """Clock times with or without hours and fraction, and seconds as text or number."""
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "-00:01:00", "00:60:00", "00:00:60", "1:2:3:4", "00:1", "1e3", "nan", "inf",
     "∞", "12 s s", "00:01:15.", "00:01:15.1234567", "12345678", "0x10",
     -1, -0.001, math.nan, math.inf, True, None, [], b"75"],
)  # fmt: skip
def test_times_that_are_none_are_errors(text):
    """Nothing is guessed; the error is one of ours and a ValueError."""
    with pytest.raises(SpanError) as caught:
        parse_time(text)
    assert isinstance(caught.value, VideosealError)
    assert isinstance(caught.value, ValueError)


@given(st.text())
def test_reading_a_time_is_seconds_or_a_span_error(text):
    """No other exception comes out, whatever the planner writes."""
    with contextlib.suppress(SpanError):
        assert parse_time(text) >= 0


@given(milliseconds)
def test_times_survive_writing_and_reading(seconds):
    """Three digits carry every millisecond of a day."""
    assert parse_time(format_time(seconds, decimals=3)) == pytest.approx(seconds, abs=1e-6)


@given(moments, st.integers(0, 4))
def test_writing_rounds_down_by_less_than_a_digit(seconds, decimals):
    """A written time never lies after the moment, so it names the frame on screen then."""
    assume(seconds < 3.6e6)
    lost = seconds - parse_time(format_time(seconds, decimals=decimals))
    assert -2e-6 <= lost < 10.0**-decimals + 1e-6


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [(0, 0, "00:00:00"), (3725.99, 0, "01:02:05"), (0.29, 2, "00:00:00.29"),
     (59.9999999, 1, "00:01:00.0"), (59.96, 1, "00:00:59.9"), (363_600, 0, "101:00:00")],
)  # fmt: skip
def test_times_are_written_as_clock_times(seconds, decimals, text):
    """Rounded down, but not for what floating point lost."""
    assert format_time(seconds, decimals=decimals) == text


@pytest.mark.parametrize(
    "text",
    ["00:01:00-00:01:16", "00:01:00 - 00:01:16", "[00:01:00-00:01:16]", "(60-76)",
     "00:01:00–00:01:16", "00:01:00—00:01:16", "60~76", "60 to 76", "00:01:00 --> 00:01:16",
     "1:00-1:16", "60s-76s"],
)  # fmt: skip
def test_spans_are_read_in_all_forms(text):
    """Two times joined by any usual dash."""
    assert Span.parse(text) == Span(60, 76)


@pytest.mark.parametrize(
    "text",
    ["", "60", "60-", "-60", "76-60", "60-60", "60-70-80", "-5-10", "a-b", "60,76", "00:01:00",
     "the start to the end", None, 60, ["60-76"]],
)  # fmt: skip
def test_spans_that_are_none_are_errors(text):
    """Reversed, empty, open, or unreadable: never repaired."""
    with pytest.raises(SpanError):
        Span.parse(text)


@given(st.text())
def test_reading_a_span_is_a_span_or_a_span_error(text):
    """No other exception comes out."""
    with contextlib.suppress(SpanError):
        found = Span.parse(text)
        assert 0 <= found.start < found.end


@given(clean)
def test_spans_survive_writing_and_reading(ends):
    """`str` is what `parse` reads, to the millisecond."""
    again = Span.parse(str(Span(*ends)))
    assert (again.start, again.end) == pytest.approx(ends, abs=1e-6)


@pytest.mark.parametrize(
    ("start", "end"),
    [(1, 1), (2, 1), (-1, 1), (math.nan, 1), (0, math.nan), (0, math.inf), (-math.inf, 0)],
)
def test_spans_that_hold_no_time_cannot_be_made(start, end):
    """Whoever makes it, a span is finite, forward and inside time."""
    with pytest.raises(SpanError):
        Span(start, end)


@given(spans, moments)
def test_a_span_is_half_open(span, moment):
    """Its start is in it, its end is not."""
    assert span.contains(span.start)
    assert not span.contains(span.end)
    assert span.contains(moment) == (span.start <= moment < span.end)


@given(spans, spans)
def test_overlap_is_symmetric_and_bounded(one, other):
    """No more is shared than the shorter has; touching shares nothing."""
    assert one.overlap(other) == other.overlap(one)
    assert 0 <= one.overlap(other) <= min(one.duration, other.duration) * (1 + 1e-9)
    assert one.overlap(Span(one.end, one.end + 1)) == 0


@given(spans, spans)
def test_iou_is_symmetric_and_one_only_for_the_same(one, other):
    """It lies in 0 to 1."""
    assert one.iou(one) == pytest.approx(1)
    assert one.iou(other) == pytest.approx(other.iou(one))
    assert 0 <= one.iou(other) <= 1 + 1e-9


@given(spans, moments)
def test_a_span_is_cut_to_the_video_or_refused(span, duration):
    """What is left lies inside the video and inside the span."""
    if span.start >= duration:
        with pytest.raises(SpanError, match="after the end of the video"):
            span.within(duration)
    else:
        cut = span.within(duration)
        assert cut.start == span.start
        assert cut.end == min(span.end, duration)


@pytest.mark.parametrize("read", [parse_time, Span.parse])
def test_an_error_quotes_only_the_start_of_what_it_cannot_read(read):
    """The planner reads it, so it stays short."""
    with pytest.raises(SpanError) as caught:
        read("x" * 10_000)
    assert len(str(caught.value)) < 200


def test_the_middle_is_halfway():
    """In seconds."""
    assert (Span(2, 5).middle, Span(2, 5).duration) == (3.5, 3)


@st.composite
def _span_sets(draw: st.DrawFn) -> list[Span]:
    pairs = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 15)), max_size=6))
    return [Span(start, start + length) for start, length in pairs]


def _seconds(spans: list[Span]) -> set[int]:
    return {second for span in spans for second in range(int(span.start), int(span.end))}


@given(_span_sets(), _span_sets())
def test_sets_agree_with_counting_seconds(a: list[Span], b: list[Span]) -> None:
    """Totals, overlaps and IoU are those of the sets of covered seconds."""
    left, right = _seconds(a), _seconds(b)
    assert covered_seconds(a) == len(left)
    assert shared_seconds(a, b) == len(left & right)
    expected = len(left & right) / len(left | right) if left and right else 0.0
    assert set_iou(a, b) == pytest.approx(expected)


@given(_span_sets())
def test_merged_spans_are_disjoint_and_cover_the_same(spans: list[Span]) -> None:
    """Merging changes the spans but not the moments."""
    merged = merge_spans(spans)
    assert _seconds(merged) == _seconds(spans)
    assert all(a.end < b.start for a, b in itertools.pairwise(merged))


@given(_span_sets(), _span_sets())
def test_best_pair_never_falls_with_more_visits(a: list[Span], b: list[Span]) -> None:
    """The paper's maximum can only rise with visits: why a chance baseline stands beside it."""
    assert best_pair_iou(a + b, b) >= best_pair_iou(a, b)
