"""Exact frames: every one checked by the number burned into it."""

from __future__ import annotations

import functools
import itertools
import math
import random
import subprocess
import threading
from bisect import bisect_right
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media import Clip, damage, read_number, truncate
from videoseal.core.errors import UnreadableVideo
from videoseal.core.frames import VideoReader
from videoseal.core.source import VideoSource

SLOWING = [i / 25 for i in range(50)] + [2 + i / 5 for i in range(30)]
PAUSING = list(itertools.accumulate(random.Random(4).choice([0.04, 0.1, 1.5]) for _ in range(80)))
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer"}
VIDEOS = {
    "open.mp4": Clip(frames=90),
    "closed.mp4": Clip(frames=90, open_gop=False),
    "late.mp4": Clip(start=5),
    "late.ts": Clip(frames=90, start=5),
    "late.mkv": Clip(start=5),
    "no-cues.mkv": Clip(format_options={"live": "1"}),
    "fragments.mp4": Clip(frames=90, format_options=FRAGMENTS),
    "slowing.mp4": Clip(frames=80, times=SLOWING),
    "pausing.mkv": Clip(frames=80, times=PAUSING),
    "pausing.ts": Clip(frames=80, times=PAUSING),
    "one-key.mp4": Clip(frames=90, gop=1000),
    "raw.h264": Clip(),
    "b-frames.avi": Clip(),
    "plain.avi": Clip(codec="mpeg4"),
    "vp9.webm": Clip(codec="libvpx-vp9"),
    "hevc.mp4": Clip(codec="libx265", frames=90),
    "hevc.ts": Clip(codec="libx265", frames=90),
    "mpeg2.mpg": Clip(codec="mpeg2video", options={"bf": "2"}),
    "flash.flv": Clip(),
    "odd.mp4": Clip(size=(161, 97), pixels="yuv444p", frames=30),
    "interlaced.mp4": Clip(options={"flags": "+ildct+ilme"}),
    "single.mp4": Clip(frames=1),
}


@functools.cache
def due(name: str) -> list[float]:
    """When each frame of a video is shown, in seconds after the first."""
    times = VIDEOS[name].due
    return [time - times[0] for time in times]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, clip in VIDEOS.items():
        clip.write(folder / name)
    return folder


def numbers(pictures: Any) -> list[int]:
    return [read_number(picture.rgb()) for picture in pictures]


def shown_at(name: str, time: float) -> int:
    """The number of the frame shown at a time, by the plain rule; a millisecond base rounds."""
    return max(0, bisect_right(due(name), time + 6e-4) - 1)


@pytest.mark.parametrize("name", VIDEOS)
def test_scan_gives_every_frame_once_in_order(folder: Path, name: str) -> None:
    """All frames, with their own times."""
    with VideoReader(folder / name) as reader:
        pictures = list(reader.scan())
    assert numbers(pictures) == list(range(len(due(name))))
    assert [picture.time for picture in pictures] == pytest.approx(due(name), abs=6e-4)


@pytest.mark.parametrize("name", VIDEOS)
def test_frame_at_a_time_is_the_one_shown_then_to_the_pixel(folder: Path, name: str) -> None:
    """In any order, near and far, alone and in crowds: the same pixels as decoding everything."""
    rng = random.Random(name)
    with VideoReader(folder / name) as reader:
        truth = [picture.rgb().tobytes() for picture in reader.scan()]
        for count in (1, 1, 2, 5, 40):
            asked = [rng.uniform(-1, due(name)[-1] + 1) for _ in range(count)]
            asked = [t for t in asked if all(abs(t - at) > 2e-3 for at in due(name))]
            asked += rng.sample(due(name), min(3, len(due(name))))
            pictures = list(reader.frames_at(asked, workers=rng.choice([1, 2])))
            expected = [shown_at(name, time) for time in sorted(asked)]
            assert numbers(pictures) == expected
            assert [p.rgb().tobytes() for p in pictures] == [truth[number] for number in expected]


@settings(max_examples=40)
@given(data=st.data())
def test_frames_by_number_whatever_is_asked(folder: Path, data: st.DataObject) -> None:
    """Open groups of pictures and variable rates: any set of frames, each by its exact time."""
    name = data.draw(st.sampled_from(["open.mp4", "slowing.mp4", "pausing.ts", "hevc.mp4"]))
    wanted = data.draw(st.lists(st.integers(0, len(due(name)) - 1), max_size=12))
    with VideoReader(folder / name) as reader:
        pictures = list(reader.frames_at([due(name)[number] for number in wanted]))
        again = list(reader.frames_at([picture.time for picture in pictures]))
    assert numbers(pictures) == sorted(wanted) == numbers(again)


@pytest.mark.parametrize("name", ["slowing.mp4", "pausing.mkv", "raw.h264", "b-frames.avi"])
def test_durations_reach_to_the_next_frame(folder: Path, name: str) -> None:
    """A frame is shown until its successor, at variable rates too."""
    gaps = [b - a for a, b in itertools.pairwise(due(name))]
    with VideoReader(folder / name) as reader:
        scanned = [picture.duration for picture in reader.scan()]
        asked = [picture.duration for picture in reader.frames_at(due(name))]
    assert scanned[:-1] == pytest.approx(gaps, abs=2e-3)
    if name.endswith(("mp4", "mkv")):
        assert asked[:-1] == pytest.approx(gaps, abs=2e-3)
    assert min(scanned[-1], asked[-1]) > 0


def test_nothing_asked_nothing_given(folder: Path) -> None:
    """An empty wish is no error."""
    with VideoReader(folder / "open.mp4") as reader:
        assert list(reader.frames_at([])) == []


def test_nan_is_refused(folder: Path) -> None:
    """A time that is no number has no frame; infinite ones have the first and the last."""
    with VideoReader(folder / "open.mp4") as reader:
        assert numbers(reader.frames_at([-math.inf, math.inf])) == [0, 89]
        with pytest.raises(ValueError, match="not a number"):
            list(reader.frames_at([math.nan]))


@pytest.mark.parametrize("name", ["open.mp4", "late.ts", "raw.h264", "pausing.mkv"])
def test_scan_of_a_part_begins_with_the_frame_shown_then(folder: Path, name: str) -> None:
    """From the frame on screen at the start, to before the end."""
    rng = random.Random(name)
    with VideoReader(folder / name) as reader:
        times = [picture.time for picture in reader.scan()]
        for _ in range(6):
            start = rng.uniform(0, times[-1])
            end = rng.uniform(start, times[-1] + 1)
            first = bisect_right(times, start) - 1
            last = bisect_right(times, end) - 1
            assert numbers(reader.scan(start, end)) == list(range(first, last + 1))
        assert numbers(reader.scan(times[3], times[6])) == [3, 4, 5]


def test_sample_is_a_regular_grid(folder: Path) -> None:
    """Half-open, from the start given, with the frame shown at each step."""
    with VideoReader(folder / "open.mp4") as reader:
        assert numbers(reader.sample(5)) == list(range(0, 90, 5))
        assert numbers(reader.sample(2.5, 1.0, 2.2)) == [25, 35, 45]
        assert numbers(reader.sample(1, 3.0, 3.0)) == []


def test_iterations_do_not_disturb_each_other(folder: Path) -> None:
    """Two may be open at once, and one may be given up in the middle."""
    with VideoReader(folder / "open.mp4") as reader:
        rising = reader.frames_at([i / 5 for i in range(18)])
        given_up = reader.frames_at([3.0, 3.1])
        scanning = reader.scan(1.0)
        assert numbers([next(rising), next(given_up), next(scanning)]) == [0, 75, 25]
        del given_up
        assert numbers(rising) == list(range(5, 90, 5))
        assert numbers(scanning) == list(range(26, 90))


def test_workers_leave_nothing_behind(folder: Path) -> None:
    """Giving up an iteration ends its threads."""
    before = threading.active_count()
    with VideoReader(folder / "open.mp4") as reader:
        pictures = reader.frames_at([i / 5 for i in range(18)], workers=2)
        assert numbers([next(pictures)]) == [0]
        pictures.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


class Work:
    """What a reader made its decoders do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.packets = self.skippable = self.jumps = 0
        decode, jump, skip = VideoSource.decode, VideoSource.jump, VideoSource.skip_unreferenced

        def counted_decode(source: VideoSource, packet: Any) -> Any:
            self.packets += packet is not None
            return decode(source, packet)

        def counted_jump(source: VideoSource, at: int | None) -> Any:
            self.jumps += 1
            return jump(source, at)

        def counted_skip(source: VideoSource, wanted: bool) -> None:
            self.skippable += wanted
            skip(source, wanted)

        monkeypatch.setattr(VideoSource, "decode", counted_decode)
        monkeypatch.setattr(VideoSource, "jump", counted_jump)
        monkeypatch.setattr(VideoSource, "skip_unreferenced", counted_skip)

    def reset(self) -> None:
        self.packets = self.skippable = self.jumps = 0


def test_a_group_of_pictures_is_decoded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six targets in two neighbouring groups cost those groups, up to the last target."""
    work = Work(monkeypatch)
    with VideoReader(folder / "closed.mp4") as reader:
        work.reset()
        list(reader.frames_at([number / 25 for number in (25, 28, 34, 37, 38, 40)]))
    # Groups of 12 begin at 24 and 36; the last targets are the 11th and 5th frame of theirs.
    assert work.packets <= 12 + 9
    assert work.skippable >= work.packets - 6


def test_far_targets_cost_their_own_groups_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies between is neither decoded nor read."""
    work = Work(monkeypatch)
    with VideoReader(folder / "closed.mp4") as reader:
        work.reset()
        assert numbers(reader.frames_at([1 / 25, 73 / 25])) == [1, 73]
    assert work.packets <= 2 * 6
    assert work.jumps <= 4


def test_pictures_of_one_frame_are_one_picture(folder: Path) -> None:
    """Times that fall on the same frame share it, so that it is encoded once."""
    with VideoReader(folder / "slowing.mp4") as reader:
        first, second, third = reader.frames_at([2.01, 2.05, 2.21])
    assert first is second
    assert third.time > second.time


@pytest.mark.parametrize(("codec", "start"), [("libx264", 1.3), ("libx265", 1.3), ("libx264", 2.0)])
def test_an_edit_list_cuts_frames_away(tmp_path: Path, codec: str, start: float) -> None:
    """A copy cut between keyframes begins with the frame that players begin with."""
    path = Clip(frames=90, codec=codec).write(tmp_path / "a.mp4")
    cut = tmp_path / "cut.mp4"
    program = imageio_ffmpeg.get_ffmpeg_exe()
    copying = ["-v", "error", "-ss", str(start), "-i", str(path), "-c", "copy", str(cut)]
    subprocess.run([program, *copying], check=True)
    first = math.ceil(start * 25)
    with VideoReader(cut) as reader:
        assert numbers(reader.scan()) == list(range(first, 90))
        asked = [number / 25 for number in range(90 - first)]
        assert numbers(reader.frames_at(asked)) == list(range(first, 90))
        assert numbers(reader.frames_at(asked[7:8])) == [first + 7]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_recording_that_begins_between_keyframes(tmp_path: Path, codec: str) -> None:
    """What cannot be decoded is not shown: second 0 is the first whole frame."""
    path = Clip(frames=90, codec=codec).write(tmp_path / "a.ts")
    data = path.read_bytes()
    path.write_bytes(data[: 3 * 188] + data[len(data) // 3 // 188 * 188 :])
    with VideoReader(path) as reader:
        pictures = list(reader.scan())
        shown = numbers(pictures)
        assert shown == list(range(shown[0], 90))
        assert shown[0] % 12 == 0
        assert pictures[0].time == 0.0
        assert numbers(reader.frames_at([p.time for p in pictures])) == shown
        assert numbers(reader.frames_at([pictures[20].time])) == [shown[20]]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.h264"])
def test_a_cut_off_file_ends_with_its_last_whole_frame(tmp_path: Path, name: str) -> None:
    """Times past the cut give that frame; no half frame is ever shown."""
    options = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = truncate(Clip(frames=150, format_options=options).write(tmp_path / name), 0.6)
    with VideoReader(path) as reader:
        scanned = numbers(reader.scan())
        last = len(scanned) - 1
        assert scanned == list(range(last + 1))
        assert 75 < last < 100
        assert numbers(reader.frames_at([0.2, 2.0, 5.0, 99.0])) == [5, 50, last, last]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_damage_in_the_middle_is_stepped_over(tmp_path: Path, name: str) -> None:
    """Frames before and after are exact; within, the last good frame stands, never a later one."""
    clip = Clip(frames=150, format_options={"movflags": "faststart"} if name == "a.mp4" else {})
    path = damage(clip.write(tmp_path / name), 0.5, 0.53)
    with VideoReader(path) as reader:
        asked = [number / 25 for number in range(150)]
        pictures = list(reader.frames_at(asked))
        alone = [next(reader.frames_at([time])) for time in asked[60:100:4]]
        scanned = [picture.time for picture in reader.scan()]
    assert numbers(pictures[:50]) == list(range(50))
    assert numbers(pictures[-40:]) == list(range(110, 150))
    for time, picture in zip([*asked, *asked[60:100:4]], [*pictures, *alone], strict=True):
        assert picture.time <= time
    assert scanned == sorted(set(scanned))
    assert len(scanned) > 110


def test_a_file_that_vanishes_is_an_error_of_its_own(folder: Path, tmp_path: Path) -> None:
    """A second decoder cannot be opened then, and says so."""
    path = Clip().write(tmp_path / "a.mp4")
    with VideoReader(path) as reader:
        path.write_bytes(b"something else")
        with pytest.raises(UnreadableVideo):
            list(reader.scan())


@pytest.mark.parametrize("fps", [0, -1, math.nan])
def test_sampling_needs_a_rate(folder: Path, fps: float) -> None:
    """No rate, no grid."""
    with VideoReader(folder / "open.mp4") as reader, pytest.raises(ValueError, match="above 0"):
        reader.sample(fps)
