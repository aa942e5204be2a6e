"""Probing: what a file really holds, and one clear error for each file that is no video."""

from __future__ import annotations

import os
import re
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import Clip, audio_only, damage, lie_about_duration, rotate, truncate
from videoseal.core.errors import (
    EmptyVideo,
    NoVideoStream,
    UnreadableVideo,
    VideoError,
    VideoNotFound,
)
from videoseal.core.source import VideoSource
from videoseal.core.video import content_id, measure, probe

FASTSTART = {"movflags": "faststart"}


def test_info_of_a_plain_video(tmp_path: Path) -> None:
    """Every field says what is there."""
    path = Clip(frames=50, sound=True).write(tmp_path / "a.mp4")
    info = probe(str(path))
    assert (info.path, info.size_bytes) == (path, path.stat().st_size)
    assert (info.width, info.height, info.rotation) == (160, 96, 0)
    assert (info.codec, info.has_audio) == ("h264", True)
    assert info.fps == pytest.approx(25)
    assert info.duration == pytest.approx(2.0)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_swaps_the_displayed_size(tmp_path: Path, degrees: int) -> None:
    """A phone's upright film is higher than wide, whatever is stored."""
    info = probe(rotate(Clip(frames=3).write(tmp_path / "a.mp4"), degrees))
    assert info.rotation == degrees
    assert (info.width, info.height) == ((160, 96) if degrees == 180 else (96, 160))


def test_displayed_width_has_square_pixels(tmp_path: Path) -> None:
    """Anamorphic video is as wide as players show it."""
    info = probe(Clip(frames=3, aspect=Fraction(4, 3)).write(tmp_path / "a.mp4"))
    assert (info.width, info.height) == (213, 96)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.webm", "a.avi", "a.h264", "a.flv"])
@pytest.mark.parametrize("start", [0.0, 5.0])
def test_duration_is_from_first_frame_to_end_of_last(
    tmp_path: Path, name: str, start: float
) -> None:
    """A late start of the stream and the kind of container make no difference."""
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    clip = Clip(frames=40, start=start, codec=codec)
    assert probe(clip.write(tmp_path / name)).duration == pytest.approx(1.6, abs=0.002)


def test_variable_frame_rate_counts_to_the_last_frame(tmp_path: Path) -> None:
    """25 fps that turn into 5 are as long as they are shown."""
    times = [i / 25 for i in range(25)] + [1 + i / 5 for i in range(20)]
    info = probe(Clip(frames=45, times=times).write(tmp_path / "a.mp4"))
    assert info.duration == pytest.approx(4.92, abs=0.1)
    assert info.fps == pytest.approx(9.5, abs=1)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_header_that_lies_about_duration_is_not_believed(tmp_path: Path, name: str) -> None:
    """The packets count, not the claim."""
    path = lie_about_duration(Clip(frames=50).write(tmp_path / name), 10)
    assert probe(path).duration == pytest.approx(2.0)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_cut_off_file_is_as_long_as_what_is_left(tmp_path: Path, name: str) -> None:
    """Of six seconds, a good three are left."""
    options = FASTSTART if name == "a.mp4" else {}
    clip = Clip(frames=150, format_options=options)
    duration = probe(truncate(clip.write(tmp_path / name), 0.6)).duration
    assert 3.0 < duration < 4.0


def test_one_frame_is_a_video(tmp_path: Path) -> None:
    """A single frame lasts as long as its rate says."""
    assert probe(Clip(frames=1).write(tmp_path / "a.mp4")).duration == pytest.approx(0.04)


def bad_files(folder: Path) -> dict[str, Path]:
    """One file for each way of not being a video."""
    folder.joinpath("empty.mp4").touch()
    folder.joinpath("notes.mp4").write_text("not a video\n" * 99)
    folder.joinpath("notes.txt").write_text("not a video\n" * 99)
    folder.joinpath("noise.mp4").write_bytes(bytes(range(256)) * 50)
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\na.ts\n#EXT-X-ENDLIST\n"
    folder.joinpath("list.mp4").write_text(playlist)
    Clip(frames=3).write(folder / "a.ts")
    Clip(frames=30).write(folder / "headless.mp4")
    Clip(frames=30, format_options=FASTSTART).write(folder / "hollow.mp4")
    content = folder.joinpath("hollow.mp4").read_bytes()
    damage(folder / "hollow.mp4", (content.index(b"mdat") + 8) / len(content), 1.0)
    headers = folder.joinpath("headers.mkv")
    shutil.copy(Clip(frames=30).write(folder / "a.mkv"), headers)
    return {
        "missing": folder / "none.mp4",
        "below a file": folder / "a.ts" / "x.mp4",
        "folder": folder,
        "empty": folder / "empty.mp4",
        "text": folder / "notes.mp4",
        "text by name": folder / "notes.txt",
        "noise": folder / "noise.mp4",
        "playlist": folder / "list.mp4",
        "audio": audio_only(folder / "audio.m4a"),
        "no index": truncate(folder / "headless.mp4", 0.7),
        "nothing decodable": folder / "hollow.mp4",
        "no frames": truncate(headers, 600 / headers.stat().st_size),
        "null byte": Path("a\0b.mp4"),
    }


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return bad_files(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("missing", VideoNotFound),
        ("below a file", VideoNotFound),
        ("folder", UnreadableVideo),
        ("empty", EmptyVideo),
        ("text", UnreadableVideo),
        ("text by name", UnreadableVideo),
        ("noise", UnreadableVideo),
        ("playlist", UnreadableVideo),
        ("audio", NoVideoStream),
        ("no index", UnreadableVideo),
        ("nothing decodable", UnreadableVideo),
        ("no frames", EmptyVideo),
        ("null byte", UnreadableVideo),
    ],
)
def test_each_bad_file_has_its_error(
    bad: dict[str, Path], case: str, error: type[VideoError]
) -> None:
    """One line that names the file and says what is wrong with it."""
    with pytest.raises(VideoError) as caught:
        probe(bad[case])
    assert caught.type is error
    assert bad[case].name.partition("\0")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_permission_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read is unreadable, not missing."""
    path = Clip(frames=1).write(tmp_path / "a.mp4")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableVideo, match="Permission denied"):
        probe(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_without_waiting_on_it(tmp_path: Path) -> None:
    """Opening a pipe would hang for ever."""
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UnreadableVideo, match="not a regular file"):
        probe(tmp_path / "pipe.mp4")


def test_a_colon_in_the_name_is_no_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are names, whatever a URL would make of them."""
    monkeypatch.chdir(tmp_path)
    Clip(frames=1).write(tmp_path / "a.mp4").rename("concat:a.mp4")
    assert probe("concat:a.mp4").codec == "h264"


def test_content_id_is_that_of_the_bytes(tmp_path: Path) -> None:
    """Another name is the same video; one more byte is another video."""
    path = Clip(frames=3).write(tmp_path / "a.mp4")
    copy = Path(shutil.copy(path, tmp_path / "b.mkv"))
    assert content_id(path) == content_id(str(copy))
    assert re.fullmatch(r"v[0-9a-f]{16}", content_id(path))
    copy.write_bytes(copy.read_bytes() + b"\0")
    assert content_id(path) != content_id(copy)


def test_content_id_is_stable(tmp_path: Path) -> None:
    """Stored ids must mean the same in every release."""
    path = tmp_path / "any"
    path.write_bytes(b"videoseal")
    assert content_id(path) == "v927aac0bafad818b"


def test_content_id_of_nothing_is_an_error(bad: dict[str, Path]) -> None:
    """An id is only given to a file with content."""
    with pytest.raises(VideoNotFound):
        content_id(bad["missing"])
    with pytest.raises(EmptyVideo):
        content_id(bad["empty"])


LAYERS = "keyint=12:log-level=none:pools=1:bframes=4:b-pyramid=1:temporal-layers={}"


@pytest.mark.parametrize(
    ("name", "clip", "skippable"),
    [
        ("a.mp4", Clip(), True),
        ("a.ts", Clip(), True),
        ("a.mp4", Clip(codec="libx265"), True),
        ("a.ts", Clip(codec="libx265"), True),
        ("a.mp4", Clip(codec="libx265", options={"x265-params": LAYERS.format(3)}), False),
        ("a.ts", Clip(codec="libx265", options={"x265-params": LAYERS.format(3)}), False),
        ("a.webm", Clip(codec="libvpx-vp9"), False),
        ("a.h264", Clip(), False),
        ("a.mp4", Clip(options={"flags": "+ildct+ilme"}), False),
    ],
)
def test_frames_are_left_out_only_where_nothing_can_refer_to_them(
    tmp_path: Path, name: str, clip: Clip, skippable: bool
) -> None:
    """Temporal layers, interlacing, other codecs and missing times rule it out."""
    with VideoSource(clip.write(tmp_path / name)) as source:
        assert measure(source).skippable is skippable
