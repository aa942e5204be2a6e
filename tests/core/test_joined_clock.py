"""Recordings that were joined: the clock of the file starts again, the timeline goes on."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media import Clip, read_number
from videoseal.core import source
from videoseal.core.frames import VideoReader
from videoseal.core.joined_clock import JoinedClock, is_even
from videoseal.core.video import probe


def joined(path: Path, *clips: Clip) -> Path:
    """The recordings one behind the other, as a user joins them by their bytes."""
    parts = (clip.write(path.with_name(f"{n}{path.suffix}")) for n, clip in enumerate(clips))
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def shown(path: Path, times: list[float]) -> list[int]:
    with VideoReader(path) as reader:
        return [read_number(picture.rgb()) for picture in reader.frames_at(times, workers=2)]


LONG, SHORT = Clip(frames=75, gop=20), Clip(frames=41, gop=20)
LATER = Clip(frames=41, gop=20, start=3600.0)


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("clips", [[LONG, SHORT], [LONG, LATER, SHORT], [LATER, LONG], [SHORT] * 3])
def test_time_goes_on_where_a_clock_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clips: list[Clip], small: bool
) -> None:
    """Every frame of every part is found in its place, also in files that are only sampled."""
    if not small:
        monkeypatch.setattr(source, "_SMALL", 0)
    path = joined(tmp_path / "all.ts", *clips)
    numbers = [index for clip in clips for index in range(clip.frames)]
    assert probe(path).duration == pytest.approx(len(numbers) / 25, abs=0.05)
    ends = itertools.accumulate(clip.frames for clip in clips)
    asked = sorted({*range(0, len(numbers), 7), *(end - 1 for end in ends)})
    times = [(index + 0.5) / 25 for index in asked]
    assert shown(path, times) == [numbers[index] for index in asked]
    with VideoReader(path) as reader:
        assert [read_number(picture.rgb()) for picture in reader.scan()] == numbers


def test_one_recording_keeps_its_own_clock(tmp_path: Path) -> None:
    """Also where it begins late, and where a part of it is missing for some seconds."""
    times = [n / 25 for n in range(50)] + [6 + n / 25 for n in range(50)]
    path = Clip(frames=100, times=times, start=500.0).write(tmp_path / "a.ts")
    with source.VideoSource(path) as opened:
        assert not opened.restarts
    assert probe(path).duration == pytest.approx(8.0, abs=0.05)
    assert shown(path, [1.0, 5.0, 6.02]) == [25, 49, 50]


@given(st.lists(st.integers(2, 30), min_size=1, max_size=5), st.integers(0, 10**9))
def test_joined_parts_lie_end_to_end(lengths: list[int], begin: int) -> None:
    """Whatever clock each part has, the packets follow each other by their durations."""
    clock = JoinedClock(1 / 90_000)
    packets: list[Any] = []
    for number, length in enumerate(lengths):
        # Each part starts on another side of the one before, by more than any gap within one.
        first = begin + (-1) ** number * 10**8 * number
        for index in range(length):
            at = first + index * 3600
            packets.append(SimpleNamespace(pts=at + 7200, dts=at, duration=3600))
    for packet in packets:
        clock.settle(packet)
    assert [p.dts for p in packets] == [begin + n * 3600 for n in range(len(packets))]
    assert [p.pts for p in packets] == [p.dts + 7200 for p in packets]


@pytest.mark.parametrize(
    ("samples", "even"),
    [
        ([], True), ([5], True), ([0, 10, 20, 30], True), ([0, 10, 20, 5], False),
        ([0, 10, 20, 100_000], False), ([0, 900, 910, 2000], True),
    ],
)  # fmt: skip
def test_a_clock_is_judged_by_samples(samples: list[int], even: bool) -> None:
    """Steps back and steps far out of proportion are looked into."""
    assert is_even(samples, float(Fraction(1, 100))) is even


@pytest.mark.parametrize(("codec", "options"), [("mpeg4", {"bf": "2"}), ("libx264", {})])
def test_frames_dropped_from_an_avi_leave_their_gap(
    tmp_path: Path, codec: str, options: dict[str, str]
) -> None:
    """A frame stays on the screen until the next one is due, as players show it."""
    times = [n / 25 for n in range(30)] + [n / 25 for n in range(45, 80)]
    clip = Clip(frames=65, times=times, codec=codec, options=options)
    path = clip.write(tmp_path / "a.avi")
    assert probe(path).duration == pytest.approx(3.2, abs=0.05)
    assert shown(path, [1.0, 1.17, 1.5, 1.79, 1.81, 3.19]) == [25, 29, 29, 29, 30, 64]
