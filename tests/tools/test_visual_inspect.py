"""Which frames of some spans are looked at."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.media import Clip, read_number
from videoseal.core.errors import SpanError, UnreadableVideo, VideoNotFound
from videoseal.core.frames import VideoReader
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.core.video import content_id, probe
from videoseal.indexing.index_rows import VideoRow
from videoseal.tools.frame_cache import FrameCache
from videoseal.tools.visual_inspect import choose_times, show_frames


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A span anywhere, from a twentieth of a second to hours."""
    start = draw(st.floats(0, 8000))
    return Span(start, start + draw(st.floats(0.05, 9000)))


def covered(chosen: list[Span], duration: float) -> list[tuple[float, float]]:
    """The union of the spans inside the video, by an independent rule."""
    edges = sorted({0.0, duration, *(e for s in chosen for e in (s.start, s.end) if e < duration)})
    parts: list[tuple[float, float]] = []
    for left, right in itertools.pairwise(edges):
        if any(span.start <= left and right <= min(span.end, duration) for span in chosen):
            if parts and parts[-1][1] == left:
                parts[-1] = (parts[-1][0], right)
            else:
                parts.append((left, right))
    return parts


BUDGETS = st.integers(0, 300)
RATES = st.sampled_from([0.1, 0.5, 1.0, 2.0, 24.0])
DURATIONS = st.floats(1, 9000)
MANY = st.lists(spans(), max_size=30)


@given(MANY, BUDGETS, RATES, DURATIONS)
def test_never_more_than_the_budget_and_never_outside(
    chosen: list[Span], budget: int, fps: float, duration: float
) -> None:
    """Ascending, distinct times inside some span and inside the video."""
    times = choose_times(chosen, budget, fps, duration)
    assert len(times) <= budget
    assert times == sorted(set(times))
    for time in times:
        assert 0 <= time < duration
        assert any(span.contains(time) for span in chosen)


@given(MANY, BUDGETS, RATES, DURATIONS)
def test_the_largest_gap_is_bounded(
    chosen: list[Span], budget: int, fps: float, duration: float
) -> None:
    """No stretch of a span is left out beyond what the rate or a fair share of the budget says."""
    parts = covered(chosen, duration)
    if not parts or budget <= len(parts):
        return
    times = choose_times(chosen, budget, fps, duration)
    bound = max(1 / fps, sum(b - a for a, b in parts) / (budget - len(parts))) * (1 + 1e-6) + 1e-6
    for start, end in parts:
        inside = [time for time in times if start <= time < end]
        assert inside, "every span is looked at"
        assert inside[0] - start <= bound / 2
        assert end - inside[-1] <= bound / 2
        assert all(b - a <= bound for a, b in itertools.pairwise(inside))


@given(st.integers(2, 400), st.integers(1, 100))
def test_hundreds_of_spans_are_thinned_evenly(count: int, budget: int) -> None:
    """With more spans than frames, frames fall on spans from the first to the last."""
    chosen = [Span(10.0 * place, 10.0 * place + 2) for place in range(count)]
    times = choose_times(chosen, budget, 2.0, 10_000.0)
    if count <= budget:
        return
    assert len(times) == budget
    places = [int(time // 10) for time in times]
    ideal = [(number + 0.5) * count / budget for number in range(budget)]
    assert all(abs(place + 0.5 - wanted) <= 1 for place, wanted in zip(places, ideal, strict=True))


@given(MANY, st.integers(1, 100), RATES, DURATIONS)
def test_the_order_and_repetition_of_spans_do_not_matter(
    chosen: list[Span], budget: int, fps: float, duration: float
) -> None:
    """What is asked twice is looked at once."""
    times = choose_times(chosen, budget, fps, duration)
    assert choose_times([*reversed(chosen), *chosen], budget, fps, duration) == times


def test_a_wealthy_budget_gives_the_rate() -> None:
    """Eight seconds at 2 fps are sixteen frames, in the middles of half seconds."""
    times = choose_times([Span(100, 108)], 64, 2.0, 3600)
    assert times == [100.25 + place / 2 for place in range(16)]


def test_a_short_budget_still_reaches_the_ends() -> None:
    """The first frames of a long span are not all that is seen of it."""
    assert choose_times([Span(0, 3600)], 4, 2.0, 3600) == [450, 1350, 2250, 3150]


def test_longer_spans_get_more() -> None:
    """A fair share is one by length, with at least one each."""
    times = choose_times([Span(0, 90), Span(200, 210), Span(300, 300.1)], 11, 2.0, 400)
    assert [sum(span.contains(t) for t in times) for span in (Span(0, 90), Span(200, 210))] == [
        9,
        1,
    ]
    assert times[-1] == pytest.approx(300.05)


def test_nothing_to_see_is_no_times() -> None:
    """No spans, no budget, or all of it after the end."""
    assert choose_times([], 9, 2.0, 100) == []
    assert choose_times([Span(0, 9)], 0, 2.0, 100) == []
    assert choose_times([Span(100, 900)], 9, 2.0, 100) == []


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Clip(frames=150, start=3).write(tmp_path_factory.mktemp("film") / "film.mp4")


def row(path: Path) -> VideoRow:
    info = probe(path)
    now = datetime.now(UTC)
    return VideoRow(
        id=content_id(path),
        path=path,
        title="film",
        duration=info.duration,
        width=info.width,
        height=info.height,
        fps=info.fps,
        has_audio=False,
        size_bytes=info.size_bytes,
        status="ready",
        fingerprint="f",
        created=now,
        updated=now,
    )


class Desk:
    """What `show_frames` needs besides a video and spans."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(data_dir=folder, **settings)
        self.cache = FrameCache(folder / "frames", self.settings.frame_cache_mb)

    def show(self, video: VideoRow, *spans: Span, max_frames: int = 64, fps: float = 2.0) -> Any:
        return show_frames(
            video,
            spans,
            max_frames=max_frames,
            fps=fps,
            settings=self.settings,
            cache=self.cache,
        )


def pixels(jpeg: bytes, folder: Path) -> Any:
    import numpy as np

    path = folder / "shown.jpg"
    path.write_bytes(jpeg)
    return np.asarray(Image.open(path).convert("L"))


def test_frames_carry_their_own_times(film: Path, tmp_path: Path) -> None:
    """Each frame's time is that of the picture in it, to the microsecond."""
    frames = Desk(tmp_path).show(row(film), Span(1, 3), Span(4, 4.5), fps=3)
    assert len(frames) == 8
    for frame in frames:
        assert frame.time == read_number(pixels(frame.jpeg, tmp_path)) / 25


def test_each_frame_is_shown_once(film: Path, tmp_path: Path) -> None:
    """More wishes than frames give every frame, no copies."""
    frames = Desk(tmp_path).show(row(film), Span(1, 2), max_frames=200, fps=90)
    assert [frame.time for frame in frames] == [number / 25 for number in range(25, 50)]


def test_the_second_look_decodes_nothing(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same frames come from the cache, byte by byte; only what is new is decoded."""
    desk = Desk(tmp_path)
    first = desk.show(row(film), Span(1, 3))
    asked: list[float] = []
    frames_at = VideoReader.frames_at

    def watched(reader: VideoReader, times: Any, **options: Any) -> Any:
        asked.extend(times)
        return frames_at(reader, times, **options)

    monkeypatch.setattr(VideoReader, "frames_at", watched)
    assert desk.show(row(film), Span(1, 3)) == first
    assert asked == []
    assert desk.show(row(film), Span(1, 3), Span(4, 5))[: len(first)] == first
    assert asked == [4.25, 4.75]


def test_frames_are_no_larger_than_the_settings_say(film: Path, tmp_path: Path) -> None:
    """The largest side is capped once, while scaling."""
    frame = Desk(tmp_path, frame_side=64).show(row(film), Span(0, 1), max_frames=1)[0]
    assert pixels(frame.jpeg, tmp_path).shape == (38, 64)


def test_spans_are_cut_to_the_video(film: Path, tmp_path: Path) -> None:
    """What reaches past the end is looked at as far as there is something."""
    frames = Desk(tmp_path).show(row(film), Span(5, 500), max_frames=64)
    assert [frame.time for frame in frames] == [5.24, 5.72]


@pytest.mark.parametrize("asked", [[], [Span(6, 7)], [Span(900, 901), Span(50, 60)]])
def test_spans_outside_the_video_are_an_error(
    film: Path, tmp_path: Path, asked: list[Span]
) -> None:
    """The planner reads what is wrong with them."""
    with pytest.raises(SpanError):
        Desk(tmp_path).show(row(film), *asked)


def test_a_file_that_is_gone_or_another_is_an_error(film: Path, tmp_path: Path) -> None:
    """Old frames of a replaced file would prove nothing, cached ones included."""
    path = tmp_path / "moved.mp4"
    path.write_bytes(film.read_bytes())
    video, desk = row(path), Desk(tmp_path)
    desk.show(video, Span(0, 1))
    path.write_bytes(film.read_bytes()[:-1])
    with pytest.raises(UnreadableVideo, match="no longer the file"):
        desk.show(video, Span(0, 1))
    path.unlink()
    with pytest.raises(VideoNotFound):
        desk.show(video, Span(0, 1))
