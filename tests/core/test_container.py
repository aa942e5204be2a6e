"""Opening files: the film among several tracks, and files that end before their index does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.media import Clip, read_number, together, truncate
from videoseal.core.container import open_film
from videoseal.core.errors import UnreadableVideo
from videoseal.core.frames import VideoReader
from videoseal.core.video import probe

FILM = Clip(frames=100)
COVER = Clip(frames=1, size=(320, 192), codec="mjpeg", pixels="yuvj420p")
PREVIEW = Clip(frames=20, size=(320, 192))
SMALL = Clip(frames=100, size=(80, 48))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("clips", "default", "film"),
    [
        ([COVER, FILM], 0, 1),
        ([FILM, COVER], 1, 0),
        ([PREVIEW, FILM], 0, 1),
        ([PREVIEW, FILM], 1, 1),
        ([SMALL, FILM], 1, 1),
    ],
)
def test_the_film_is_found_among_the_tracks(
    tmp_path: Path, suffix: str, clips: list[Clip], default: int, film: int
) -> None:
    """Neither a cover without its mark nor a preview is taken for it, wherever they stand."""
    path = together(tmp_path / f"film{suffix}", *clips, default=default)
    container, index = open_film(path)
    container.close()
    assert index == film
    info = probe(path)
    assert info.duration == pytest.approx(4.0, abs=0.05)
    assert (info.width, info.height) == clips[film].size
    with VideoReader(path) as reader:
        shown = [read_number(picture.rgb()) for picture in reader.frames_at([0.0, 3.0])]
    assert shown == [0, 75]


def test_of_two_films_the_default_one_is_taken(tmp_path: Path) -> None:
    """A smaller track that is as long wins when the file says so."""
    path = together(tmp_path / "film.mkv", FILM, SMALL, default=1)
    assert probe(path).width == 80


@pytest.mark.parametrize(("keep", "front"), [(0.7, False), (0.02, True)])
def test_a_file_without_its_index_is_called_cut_short(
    tmp_path: Path, keep: float, front: bool
) -> None:
    """Whether the index stood at the end, or is itself cut through."""
    options = {"movflags": "faststart"} if front else {}
    path = Clip(frames=100, format_options=options).write(tmp_path / "a.mp4")
    with pytest.raises(UnreadableVideo, match="is cut short: the index"):
        probe(truncate(path, keep))


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.flv", "a.avi"])
def test_what_a_cut_file_promised_is_known(tmp_path: Path, name: str) -> None:
    """The part that is there counts, beside the length that its index tells; whole files tell 0."""
    options = {"movflags": "faststart"} if name == "a.mp4" else {}
    clip = Clip(frames=150, format_options=options)
    if name == "a.avi":
        clip = replace(clip, codec="mjpeg", pixels="yuvj420p")
    path = clip.write(tmp_path / name)
    assert probe(path).promised == 0
    info = probe(truncate(path, 0.5))
    assert 2 < info.duration < 4.5
    assert info.promised == pytest.approx(6.0, abs=0.3)


def test_longer_sound_is_no_cut(tmp_path: Path) -> None:
    """A file whose sound goes on after the last picture is whole."""
    silent = Clip(frames=25, sound=True).write(tmp_path / "short.mkv")
    assert probe(silent).promised == 0
    longer = Clip(frames=101, sound=True, times=[*(n / 25 for n in range(100)), 9.0])
    assert probe(longer.write(tmp_path / "gap.mkv")).promised == 0
